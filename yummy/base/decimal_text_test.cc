#include "yummy/base/decimal_text.h"

#include <gtest/gtest.h>

namespace yummy {
namespace {

TEST(DecimalText, FormatsAtEveryScale) {
  EXPECT_EQ(FormatDecimal(0, 0), "0");
  EXPECT_EQ(FormatDecimal(0, 2), "0.00");
  EXPECT_EQ(FormatDecimal(-5, 3), "-0.005");
  EXPECT_EQ(FormatDecimal(-12345, 3), "-12.345");
  EXPECT_EQ(FormatDecimal(1, 38), "0.00000000000000000000000000000000000001");
  const Int128 lowest = static_cast<Int128>(1) << 127;
  EXPECT_EQ(FormatDecimal(lowest, 0), "-170141183460469231731687303715884105728");
}

TEST(DecimalText, ParsesExactlyOrNotAtAll) {
  EXPECT_EQ(ParseDecimal("12.5", 10, 2), Int128{1250});
  EXPECT_EQ(ParseDecimal("-1.25e1", 10, 2), Int128{-1250});
  EXPECT_EQ(ParseDecimal("0.000", 1, 0), Int128{0});
  EXPECT_EQ(ParseDecimal("99999999.99", 10, 2), Int128{9'999'999'999});
  for (const auto* text : {"100000000", "0.001", "", "-", ".", "1e", "abc", "1.2.3", "--1", "1e99999", "NaN"}) {
    EXPECT_EQ(ParseDecimal(text, 10, 2), std::nullopt) << text;
  }
}

TEST(DecimalText, ParsesWhatItFormats) {
  Int128 value = 1;
  for (int digits = 1; digits <= 38; digits++, value = value * 10 + digits % 10) {
    for (const int scale : {0, 1, 17, 38}) {
      EXPECT_EQ(ParseDecimal(FormatDecimal(-value, scale), 38, scale), -value) << FormatDecimal(value, scale);
    }
  }
}

}  // namespace
}  // namespace yummy
