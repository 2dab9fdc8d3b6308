#include "yummy/format/result/result_encoder.h"

#include <cmath>
#include <limits>
#include <string>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/type.h>

#include "yummy/base/testing.h"
#include "yummy/format/result/json_values.h"

namespace yummy::format {
namespace {

std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<std::string>& names,
                                          const std::vector<std::shared_ptr<arrow::Array>>& columns) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < names.size(); i++) fields.push_back(arrow::field(names[i], columns[i]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
}

template <typename Builder, typename... Values>
std::shared_ptr<arrow::Array> Array(Builder builder, Values... values) {
  [[maybe_unused]] const auto append = [&](auto value) { ASSERT_TRUE(builder.Append(value).ok()); };
  (append(values), ...);
  EXPECT_TRUE(builder.AppendNull().ok());
  return builder.Finish().ValueOrDie();
}

template <typename Builder, typename... Values>
std::shared_ptr<arrow::Array> TypedArray(const std::shared_ptr<arrow::DataType>& type, Values... values) {
  return Array(Builder(type, arrow::default_memory_pool()), values...);
}

std::string Values(const arrow::Array& array) {
  EXPECT_TRUE(array.ValidateFull().ok());
  std::string text;
  EXPECT_THAT(AppendJsonValues(array, 0, array.length(), text), IsOk());
  return text;
}

std::string Encoded(ResultFormat format, const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  std::string text;
  auto encoder = MakeResultEncoder(format);
  EXPECT_THAT(encoder->Begin(batches[0]->schema(), text), IsOk());
  for (const auto& batch : batches) EXPECT_THAT(encoder->Batch(*batch, text), IsOk());
  EXPECT_THAT(encoder->End(text), IsOk());
  return text;
}

TEST(JsonResult, IsAnObjectOfColumnsForEachBatch) {
  const auto batch =
      Batch({"a", "b"}, {Array(arrow::Int64Builder(), 1, 2), Array(arrow::StringBuilder(), "x", "y\"\n")});
  EXPECT_EQ(Encoded(ResultFormat::kJson, {batch, batch->Slice(1, 1)}),
            R"([{"a":[1,2,null],"b":["x","y\"\n",null]},{"a":[2],"b":["y\"\n"]}])");
  EXPECT_EQ(Encoded(ResultFormat::kJsonBraceless, {batch->Slice(0, 1), batch->Slice(2, 1)}),
            R"({"a":[1],"b":["x"]}{"a":[null],"b":[null]})");
}

TEST(JsonResult, IsAnEmptyArrayWithoutRows) {
  const auto batch = Batch({"a"}, {Array(arrow::Int64Builder())})->Slice(0, 0);
  EXPECT_EQ(Encoded(ResultFormat::kJson, {batch}), "[]");
  EXPECT_EQ(Encoded(ResultFormat::kJsonBraceless, {batch}), "");
}

TEST(JsonResult, NamesEachColumnOnce) {
  const auto column = Array(arrow::Int64Builder());
  EXPECT_EQ(
      Encoded(ResultFormat::kJson, {Batch({"a", "a", "a_1", "a", "b"}, {column, column, column, column, column})}),
      R"([{"a":[null],"a_2":[null],"a_1":[null],"a_3":[null],"b":[null]}])");
}

TEST(JsonValues, WritesNumbers) {
  EXPECT_EQ(Values(*Array(arrow::Int64Builder(), INT64_MAX, INT64_MIN)),
            "9223372036854775807,-9223372036854775808,null");
  EXPECT_EQ(Values(*Array(arrow::Int8Builder(), int8_t{-128}, int8_t{127})), "-128,127,null");
  EXPECT_EQ(Values(*Array(arrow::UInt64Builder(), UINT64_MAX)), "18446744073709551615,null");
  EXPECT_EQ(Values(*Array(arrow::UInt8Builder(), uint8_t{255})), "255,null");
  EXPECT_EQ(Values(*Array(arrow::DoubleBuilder(), std::nan(""), HUGE_VAL, -0.0, 1e300, 0.1, 5.0, 100000.0,
                          -2.2250738585072014e-308)),
            "null,null,-0.0,1e+300,0.1,5.0,100000.0,-2.2250738585072014e-308,null");
  EXPECT_EQ(Values(*Array(arrow::FloatBuilder(), 0.1F, 16777216.0F, std::numeric_limits<float>::infinity())),
            "0.1,16777216.0,null,null");
  EXPECT_EQ(Values(*Array(arrow::BooleanBuilder(), true, false)), "true,false,null");
}

TEST(JsonValues, WritesDecimalsWithAllDigits) {
  EXPECT_EQ(Values(*TypedArray<arrow::Decimal128Builder>(
                arrow::decimal128(38, 2), arrow::Decimal128("12345678901234567890.05"), arrow::Decimal128("-5"))),
            "12345678901234567890.05,-0.05,null");
  EXPECT_EQ(
      Values(*TypedArray<arrow::Decimal256Builder>(arrow::decimal256(50, 3), arrow::Decimal256("-7"),
                                                   arrow::Decimal256("1234567890123456789012345678901234567890123"))),
      "-0.007,1234567890123456789012345678901234567890.123,null");
  EXPECT_EQ(Values(*TypedArray<arrow::Decimal32Builder>(arrow::decimal32(5, 1), arrow::Decimal32(-15))), "-1.5,null");
  EXPECT_EQ(Values(*TypedArray<arrow::Decimal64Builder>(arrow::decimal64(15, 0), arrow::Decimal64(42))), "42,null");
}

TEST(JsonValues, WritesTimes) {
  EXPECT_EQ(Values(*Array(arrow::Date32Builder(), 19'782, -1)), R"("2024-02-29","1969-12-31",null)");
  EXPECT_EQ(Values(*Array(arrow::Date64Builder(), -86'400'000)), R"("1969-12-31",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Warsaw"), -1)),
            R"("1969-12-31T23:59:59.999999Z",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::MICRO), 0)),
            R"("1970-01-01T00:00:00.000000",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::NANO, "UTC"), -1)),
            R"("1969-12-31T23:59:59.999999Z",null)");
  EXPECT_EQ(
      Values(*TypedArray<arrow::TimestampBuilder>(arrow::timestamp(arrow::TimeUnit::SECOND, "UTC"), 253'402'300'800)),
      R"("10000-01-01T00:00:00.000000Z",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::Time64Builder>(arrow::time64(arrow::TimeUnit::MICRO), 3'723'000'006)),
            R"("01:02:03.000006",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::Time32Builder>(arrow::time32(arrow::TimeUnit::SECOND), 3'723)),
            R"("01:02:03.000000",null)");
  EXPECT_EQ(Values(*TypedArray<arrow::DurationBuilder>(arrow::duration(arrow::TimeUnit::MICRO), -1'500'000)),
            R"("PT-1.5S",null)");
  arrow::MonthDayNanoIntervalBuilder intervals;
  EXPECT_EQ(Values(*Array(std::move(intervals), arrow::MonthDayNanoIntervalType::MonthDayNanos{14, -3, 5'000'000'000},
                          arrow::MonthDayNanoIntervalType::MonthDayNanos{0, 0, 0})),
            R"("P14M-3DT5S","PT0S",null)");
}

TEST(JsonValues, WritesStringsOfEveryKind) {
  EXPECT_EQ(Values(*Array(arrow::StringBuilder(), "żółw", "日本", std::string("\"\\\b\f\0", 5), "")),
            R"("żółw","日本","\"\\\u0008\u000c\u0000","",null)");
  EXPECT_EQ(Values(*Array(arrow::LargeStringBuilder(), "0123456789\"")), R"("0123456789\"",null)");
  EXPECT_EQ(Values(*Array(arrow::StringViewBuilder(), "short", "longer than twelve bytes")),
            R"("short","longer than twelve bytes",null)");
  EXPECT_EQ(Values(*Array(arrow::BinaryBuilder(), std::string("\0\x01\xFF", 3))), "[0,1,255],null");
  EXPECT_EQ(Values(*Array(arrow::StringDictionaryBuilder(), "a", "b", "a")), R"("a","b","a",null)");
}

TEST(JsonValues, RefusesStringsThatAreNotUtf8) {
  // The two halves of one character in two strings: valid together, not apart.
  arrow::StringBuilder builder;
  ASSERT_TRUE(builder.Append("\xC3").ok());
  ASSERT_TRUE(builder.Append("\xA9").ok());
  std::string text;
  EXPECT_THAT(AppendJsonValues(*builder.Finish().ValueOrDie(), 0, 2, text), IsError(ErrorCode::kCorrupt));
}

TEST(JsonValues, WritesNullColumns) { EXPECT_EQ(Values(arrow::NullArray(2)), "null,null"); }

TEST(JsonValues, WritesSlicesOfNestedValues) {
  auto numbers = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), numbers);
  for (int64_t i = 0; i < 4; i++) {
    ASSERT_TRUE(lists.Append().ok());
    for (int64_t k = 0; k < i; k++) ASSERT_TRUE(numbers->Append(10 * i + k).ok());
  }
  ASSERT_TRUE(lists.AppendNull().ok());
  const std::shared_ptr<arrow::Array> list = lists.Finish().ValueOrDie();
  EXPECT_EQ(Values(*list->Slice(1)), "[10],[20,21],[30,31,32],null");
  const auto record = arrow::StructArray::Make({list, list}, std::vector<std::string>{"x", "y\""}).ValueOrDie();
  EXPECT_EQ(Values(*record->Slice(2, 1)), R"({"x":[20,21],"y\"":[20,21]})");
}

TEST(ArrowResult, ReadsBackTheSame) {
  const auto batch =
      Batch({"a", "b", "d"}, {Array(arrow::Int64Builder(), 1, 2), Array(arrow::StringBuilder(), "x", "y"),
                              Array(arrow::StringDictionaryBuilder(), "p", "q")});
  const auto other = Batch({"a", "b", "d"}, {Array(arrow::Int64Builder(), 3, 4), Array(arrow::StringBuilder(), "z", ""),
                                             Array(arrow::StringDictionaryBuilder(), "r", "s")});
  const std::string bytes = Encoded(ResultFormat::kArrow, {batch, other});
  EXPECT_TRUE(bytes.ends_with(std::string("\xFF\xFF\xFF\xFF\0\0\0\0", 8)));  // the end marker
  auto reader = arrow::ipc::RecordBatchStreamReader::Open(
                    std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(bytes)))
                    .ValueOrDie();
  for (const auto& expected : {batch, other}) EXPECT_TRUE(reader->Next().ValueOrDie()->Equals(*expected));
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

}  // namespace
}  // namespace yummy::format
