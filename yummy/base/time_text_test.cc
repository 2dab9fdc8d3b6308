#include "yummy/base/time_text.h"

#include <gtest/gtest.h>

namespace yummy {
namespace {

constexpr int64_t kDay = 86'400'000'000;

TEST(TimeText, FormatsDatesOfAllSizes) {
  EXPECT_EQ(FormatDate(0), "1970-01-01");
  EXPECT_EQ(FormatDate(-1), "1969-12-31");
  EXPECT_EQ(FormatDate(19'782), "2024-02-29");
  EXPECT_EQ(FormatDate(-719'162), "0001-01-01");
  EXPECT_EQ(FormatDate(2'932'896), "9999-12-31");
  EXPECT_EQ(FormatDate(2'932'897), "10000-01-01");
  EXPECT_EQ(FormatDate(2'147'483'646), "5881580-07-10");
  EXPECT_EQ(FormatDate(-719'529), "-1-12-31");
}

TEST(TimeText, FormatsTimestampsBeforeTheEpoch) {
  EXPECT_EQ(FormatTimestamp(-1, true), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(FormatTimestamp(kDay + 3'723'000'006, false), "1970-01-02 01:02:03.000006");
}

TEST(TimeText, ParsesWhatItFormats) {
  for (int64_t days = -719'162; days <= 2'932'896; days += 997) {
    EXPECT_EQ(ParseDate(FormatDate(days)), days);
    const int64_t micros = days * kDay + 3'723'000'006;
    EXPECT_EQ(ParseTimestamp(FormatTimestamp(micros, true)), micros);
    EXPECT_EQ(ParseTimestamp(FormatTimestamp(micros, false)), micros);
  }
}

TEST(TimeText, RefusesWhatIsNoDateOrTime) {
  for (const auto* text : {"", "2024", "2024-02-30", "2023-02-29", "2024-13-01", "0000-01-01", "10000-01-01",
                           "2024-02-03x", "24-02-03", "-2024-01-01"}) {
    EXPECT_EQ(ParseDate(text), std::nullopt) << text;
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
  for (const auto* text : {"2024-01-01T24:00:00", "2024-01-01T23:60:00", "2024-01-01T23:59:60", "2024-01-01T1",
                           "2024-01-01T10:00:00+24:00", "2024-01-01T10:00:00+1", "2024-01-01T10:00:00.",
                           "2024-01-01T10:00:00.1234567890", "2024-01-01T10:00:00Zx"}) {
    EXPECT_EQ(ParseTimestamp(text), std::nullopt) << text;
  }
}

TEST(TimeText, TellsWhetherThereWasAZone) {
  EXPECT_TRUE(ReadTimestamp("1970-01-01T01:00:00+01:00")->has_zone);
  EXPECT_FALSE(ReadTimestamp("1970-01-01T00:00:00")->has_zone);
}

TEST(TimeText, TakesEveryOffsetOfRfc3339) {
  constexpr int64_t kMinute = 60'000'000;
  EXPECT_EQ(ParseTimestamp("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(ParseTimestamp("1970-01-02T00:00:00+23:59"), kMinute);
  EXPECT_EQ(ParseTimestamp("1970-01-01T00:00:00-23:59"), kDay - kMinute);
}

TEST(TimeText, TellsWhetherDigitsWereCut) {
  for (const auto* text :
       {"1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00.000001", "1970-01-01 00:00:00.000001000Z"})
    EXPECT_TRUE(ReadTimestamp(text)->is_exact) << text;
  for (const auto* text :
       {"1970-01-01T00:00:00.0000001", "1970-01-01T00:00:00.123456780Z", "1970-01-01T00:00:00.000001001"})
    EXPECT_FALSE(ReadTimestamp(text)->is_exact) << text;
}

}  // namespace
}  // namespace yummy
