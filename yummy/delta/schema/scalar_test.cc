#include "yummy/delta/schema/scalar.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

DataType Type(TypeKind kind, int precision = 0, int scale = 0) {
  return {.kind = kind, .precision = precision, .scale = scale, .fields = {}, .children = {}};
}

TEST(ScalarCompare, OrdersNanAboveAllAndZerosAsEqual) {
  const Scalar nan(std::nan("")), infinity(std::numeric_limits<double>::infinity()), zero(0.0), minus_zero(-0.0);
  EXPECT_TRUE(Scalar::Compare(nan, infinity) > 0);
  EXPECT_TRUE(Scalar::Compare(nan, nan) == 0);
  EXPECT_TRUE(Scalar::Compare(zero, minus_zero) == 0);
  EXPECT_TRUE(Scalar::Compare(Scalar(std::string("\x7F")), Scalar(std::string("\xC3\xA4"))) < 0);
  EXPECT_EQ(Scalar(), Scalar());
  EXPECT_NE(Scalar(), zero);
}

TEST(PartitionValue, IsReadByItsType) {
  const auto parse = [](std::string_view text, TypeKind kind) { return MUST(ParsePartitionValue(text, Type(kind))); };
  EXPECT_EQ(parse("TRUE", TypeKind::kBoolean), Scalar(true));
  EXPECT_EQ(parse("-128", TypeKind::kByte), Scalar(int64_t{-128}));
  EXPECT_EQ(parse("9223372036854775807", TypeKind::kLong), Scalar(INT64_MAX));
  EXPECT_EQ(parse("1.0E10", TypeKind::kDouble), Scalar(1e10));
  EXPECT_TRUE(std::isnan(parse("NaN", TypeKind::kFloat).get<double>()));
  EXPECT_EQ(parse("-Infinity", TypeKind::kDouble), Scalar(-std::numeric_limits<double>::infinity()));
  EXPECT_EQ(parse("0.1", TypeKind::kFloat), Scalar(static_cast<double>(0.1F)));
  EXPECT_EQ(parse("1970-01-02", TypeKind::kDate), Scalar(int64_t{1}));
  EXPECT_EQ(parse("0001-01-01", TypeKind::kDate), Scalar(int64_t{-719162}));
  EXPECT_EQ(parse("1970-01-01 00:00:01.5", TypeKind::kTimestamp), Scalar(int64_t{1'500'000}));
  EXPECT_EQ(parse("1970-01-01T01:00:00.000001+01:00", TypeKind::kTimestamp), Scalar(int64_t{1}));
  EXPECT_EQ(parse("x y", TypeKind::kString), Scalar(std::string("x y")));
  EXPECT_TRUE(parse("", TypeKind::kString).is_null());
  EXPECT_TRUE(MUST(ParsePartitionValue(std::nullopt, Type(TypeKind::kLong))).is_null());
}

TEST(PartitionValue, IsRefusedWhenItIsNoneOfItsType) {
  for (const auto& [text, kind] :
       std::initializer_list<std::pair<std::string_view, TypeKind>>{{"yes", TypeKind::kBoolean},
                                                                    {"128", TypeKind::kByte},
                                                                    {"32768", TypeKind::kShort},
                                                                    {"2147483648", TypeKind::kInteger},
                                                                    {"1.0", TypeKind::kLong},
                                                                    {"+-1", TypeKind::kLong},
                                                                    {"1 ", TypeKind::kLong},
                                                                    {"x", TypeKind::kDouble},
                                                                    {"2024-02-30", TypeKind::kDate},
                                                                    {"2024-1", TypeKind::kDate},
                                                                    {"24-01-01", TypeKind::kDate},
                                                                    {"2024-01-01 25:00:00", TypeKind::kTimestamp},
                                                                    {"2024-01-01 00:00:00Zx", TypeKind::kTimestamp},
                                                                    {"2024-01-01T00:00:00Z", TypeKind::kTimestampNtz},
                                                                    {"2024-01-01T00:00:00.", TypeKind::kTimestamp},
                                                                    {"x", TypeKind::kStruct}}) {
    EXPECT_THAT(ParsePartitionValue(text, Type(kind)), IsError(ErrorCode::kCorrupt)) << text;
  }
}

TEST(PartitionValue, IsReadBackFromItsText) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  for (int round = 0; round < 20'000; round++) {
    const auto days = static_cast<int64_t>(engine() % 3'652'059) - 719'162;
    const auto micros = days * 86'400'000'000 + static_cast<int64_t>(engine() % 86'400'000'000);
    const double real = std::bit_cast<double>(engine());
    const std::pair<Scalar, DataType> cases[] = {
        {Scalar(days), Type(TypeKind::kDate)},
        {Scalar(micros), Type(TypeKind::kTimestamp)},
        {Scalar(micros), Type(TypeKind::kTimestampNtz)},
        {Scalar(real), Type(TypeKind::kDouble)},
        {Scalar(static_cast<double>(static_cast<float>(real))), Type(TypeKind::kFloat)},
        {Scalar(static_cast<int64_t>(engine())), Type(TypeKind::kLong)},
        {Scalar(static_cast<Int128>(static_cast<int64_t>(engine())) * static_cast<int64_t>(engine() >> 20)),
         Type(TypeKind::kDecimal, 38, static_cast<int>(engine() % 39))}};
    for (const auto& [value, type] : cases) {
      const std::string text = *FormatPartitionValue(value, type);
      ASSERT_EQ(MUST(ParsePartitionValue(text, type)), value) << text;
    }
  }
}

TEST(PartitionValue, HasTheTextOfTheProtocol) {
  EXPECT_EQ(FormatPartitionValue(Scalar(int64_t{1704164645000006}), Type(TypeKind::kTimestamp)),
            "2024-01-02T03:04:05.000006Z");
  EXPECT_EQ(FormatPartitionValue(Scalar(int64_t{-1}), Type(TypeKind::kTimestampNtz)), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(FormatPartitionValue(Scalar(true), Type(TypeKind::kBoolean)), "true");
  EXPECT_EQ(FormatPartitionValue(Scalar(static_cast<double>(0.1F)), Type(TypeKind::kFloat)), "0.1");
  EXPECT_EQ(FormatPartitionValue(Scalar(), Type(TypeKind::kLong)), std::nullopt);
}

TEST(StatisticsValue, IsReadAsOtherEnginesWriteIt) {
  const auto parse = [](std::string_view json, DataType type) { return ParseStatisticsValue(json, type); };
  const DataType timestamp = Type(TypeKind::kTimestamp);
  const Scalar millennium(int64_t{946'684'800'000'000});
  EXPECT_EQ(parse("\"2000-01-01T00:00:00.000Z\"", timestamp), millennium);
  EXPECT_EQ(parse("\"2000-01-01 00:00:00\"", timestamp), millennium);
  EXPECT_EQ(parse("\"2000-01-01T01:00:00.000+01:00\"", timestamp), millennium);
  EXPECT_EQ(parse("\"1999-12-31T16:07:02-07:52:58\"", timestamp), millennium);
  EXPECT_EQ(parse("\"2000-01-01T00:00:00.000\"", Type(TypeKind::kTimestampNtz)), millennium);
  EXPECT_EQ(parse("\"2000-01-01\"", Type(TypeKind::kTimestampNtz)), millennium);
  EXPECT_EQ(parse(" 12.30 ", Type(TypeKind::kDecimal, 5, 2)), Scalar(Int128{1230}));
  EXPECT_EQ(parse("\"12.30\"", Type(TypeKind::kDecimal, 5, 2)), Scalar(Int128{1230}));
  EXPECT_EQ(parse("1.5e2", Type(TypeKind::kDouble)), Scalar(150.0));
  EXPECT_EQ(parse("7", Type(TypeKind::kDouble)), Scalar(7.0));
  EXPECT_EQ(parse("\"a\\u00e4\"", Type(TypeKind::kString)), Scalar(std::string("a\xC3\xA4")));
  EXPECT_EQ(parse("true", Type(TypeKind::kBoolean)), Scalar(true));
}

TEST(StatisticsValue, IsAbsentWhenItSaysNothing) {
  for (const auto& [json, kind] :
       std::initializer_list<std::pair<std::string_view, TypeKind>>{{"\"NaN\"", TypeKind::kDouble},
                                                                    {"NaN", TypeKind::kDouble},
                                                                    {"\"Infinity\"", TypeKind::kFloat},
                                                                    {"null", TypeKind::kString},
                                                                    {"5", TypeKind::kString},
                                                                    {"\"5\"", TypeKind::kLong},
                                                                    {"5.0", TypeKind::kLong},
                                                                    {"300", TypeKind::kByte},
                                                                    {"\"x", TypeKind::kString},
                                                                    {"", TypeKind::kString},
                                                                    {"\"soon\"", TypeKind::kDate},
                                                                    {"\"AAA\"", TypeKind::kBinary},
                                                                    {"{}", TypeKind::kStruct},
                                                                    {"1e999", TypeKind::kDouble}}) {
    EXPECT_EQ(ParseStatisticsValue(json, Type(kind)), std::nullopt) << json;
  }
}

TEST(StatisticsValue, IsWrittenInMillisecondsAndFullDigits) {
  EXPECT_EQ(FormatStatisticsValue(Scalar(int64_t{-1}), Type(TypeKind::kTimestamp)), "\"1969-12-31T23:59:59.999Z\"");
  EXPECT_EQ(FormatStatisticsValue(Scalar(int64_t{1999}), Type(TypeKind::kTimestampNtz)), "\"1970-01-01T00:00:00.001\"");
  EXPECT_EQ(FormatStatisticsValue(Scalar(Int128{-5}), Type(TypeKind::kDecimal, 38, 3)), "-0.005");
  EXPECT_EQ(FormatStatisticsValue(Scalar(-0.0), Type(TypeKind::kDouble)), "-0.0");
  EXPECT_EQ(FormatStatisticsValue(Scalar(static_cast<double>(0.1F)), Type(TypeKind::kFloat)), "0.1");
}

TEST(Decimal, IsReadOnlyWhenItFitsExactly) {
  EXPECT_EQ(ParseDecimal("-12.345", 5, 3), Int128{-12345});
  EXPECT_EQ(ParseDecimal("0E-18", 38, 18), Int128{0});
  EXPECT_EQ(ParseDecimal("1E+2", 5, 2), Int128{10'000});
  EXPECT_EQ(ParseDecimal("1.2000", 3, 1), Int128{12});
  EXPECT_EQ(ParseDecimal(".5", 3, 1), Int128{5});
  const std::string nines(38, '9');
  EXPECT_EQ(FormatDecimal(*ParseDecimal("-" + nines, 38, 0), 0), "-" + nines);
  for (const std::string_view text :
       {"1.25", "1000", "", "-", ".", "1.2.3", "1e", "e1", "0x1", "1E+99999999999", "--1", "1E+-2"}) {
    EXPECT_EQ(ParseDecimal(text, 3, 1), std::nullopt) << text;
  }
  EXPECT_EQ(ParseDecimal(nines + "0", 38, 0), std::nullopt);
}

}  // namespace
}  // namespace yummy::delta
