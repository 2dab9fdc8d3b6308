#include "yummy/format/rows/rows_json.h"

#include <cmath>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "yummy/base/testing.h"
#include "yummy/format/result/json_values.h"
#include "yummy/format/result/result_encoder.h"

namespace yummy::format {
namespace {

std::shared_ptr<arrow::DataType> MapOf(const std::shared_ptr<arrow::DataType>& key,
                                       const std::shared_ptr<arrow::DataType>& value) {
  return std::make_shared<arrow::MapType>(arrow::field("key", key, false), arrow::field("value", value));
}

std::shared_ptr<arrow::Schema> TypicalSchema() {
  return arrow::schema({arrow::field("id", arrow::int64(), false), arrow::field("name", arrow::utf8()),
                        arrow::field("v", arrow::float64())});
}

Result<RowsBody> Decode(std::string_view body, const arrow::Schema& schema, const JsonColumnOptions& columns = {}) {
  return DecodeRowsJson(body, schema, {.depth_max = 16, .columns = columns});
}

// The rows as the JSON that a query answers.
std::string Text(const RowsBody& body) {
  EXPECT_TRUE(body.rows->ValidateFull().ok());
  std::string text;
  auto encoder = MakeResultEncoder(ResultFormat::kJsonBraceless);
  EXPECT_THAT(encoder->Begin(body.rows->schema(), text), IsOk());
  EXPECT_THAT(encoder->Batch(*body.rows, text), IsOk());
  EXPECT_THAT(encoder->End(text), IsOk());
  return text;
}

// One value of one column "c" as it comes out again.
std::string Column(const std::shared_ptr<arrow::DataType>& type, const std::string& value,
                   const JsonColumnOptions& columns = {}) {
  const auto schema = arrow::schema({arrow::field("c", type)});
  const auto result = Decode("{\"recordBatchDict\":{\"c\":[" + value + "]}}", *schema, columns);
  if (!result.ok()) return std::string(result.error().reason_name());
  std::string text;
  EXPECT_TRUE(result->rows->ValidateFull().ok());
  EXPECT_THAT(AppendJsonValue(*result->rows->column(0), 0, text), IsOk());
  return text;
}

struct ValueCase {
  std::shared_ptr<arrow::DataType> type;
  std::string in;
  std::string out;
};

TEST(DecodeRowsJson, DecodesColumnsAndRowsAlike) {
  const auto schema = TypicalSchema();
  const std::string expected = R"({"id":[1,2],"name":["a",null],"v":[1.5,2.0]})";
  for (
      const std::string body :
      {R"({"record_batch_dict":{"id":[1,2],"name":["a",null],"v":[1.5,2]}})",
       R"({"recordBatchDict" : { "v" : [ 1.5 , 2.0 ] , "id" : [ 1 , 2 ] , "NAME" : [ "a" , null ] } , "dry_run" : false } )",
       R"({"record_batch_list":[{"id":1,"name":"a","v":1.5},{"v":2,"id":2}]})",
       R"({"recordBatchList":[{"id":1,"n\u0061me":"\u0061","v":1.5},{"v":2,"id":2,"name":null}],"recordBatchDict":null})"}) {
    const auto result = Decode(body, *schema);
    ASSERT_THAT(result, IsOk()) << body;
    EXPECT_EQ(Text(*result), expected) << body;
    EXPECT_FALSE(result->dry_run);
    EXPECT_TRUE(result->rows->schema()->Equals(*schema));
  }
}

TEST(DecodeRowsJson, FillsAMissingNullableColumnWithNulls) {
  const auto result = Decode(R"({"record_batch_dict":{"id":[1,2]},"dryRun":true})", *TypicalSchema());
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(Text(*result), R"({"id":[1,2],"name":[null,null],"v":[null,null]})");
  EXPECT_TRUE(result->dry_run);
}

TEST(DecodeRowsJson, TakesNoRows) {
  for (const std::string body :
       {R"({"record_batch_dict":{"id":[],"name":[],"v":[]}})", R"({"record_batch_list":[]})"}) {
    const auto result = Decode(body, *TypicalSchema());
    ASSERT_THAT(result, IsOk()) << body;
    EXPECT_EQ(result->rows->num_rows(), 0);
    EXPECT_EQ(result->rows->num_columns(), 3);
  }
}

TEST(DecodeRowsJson, ReadsNumbersExactly) {
  const std::vector<ValueCase> cases = {
      {arrow::int64(), "9223372036854775807", "9223372036854775807"},
      {arrow::int64(), "-9223372036854775808", "-9223372036854775808"},
      {arrow::int64(), "9223372036854775808", "VALUE_OUT_OF_RANGE"},
      {arrow::int64(), "-9223372036854775809", "VALUE_OUT_OF_RANGE"},
      {arrow::int64(), "9007199254740993", "9007199254740993"},
      {arrow::int64(), "9007199254740993.0", "9007199254740993"},
      {arrow::int64(), "1.0", "1"},
      {arrow::int64(), "1e2", "100"},
      {arrow::int64(), "120e-1", "12"},
      {arrow::int64(), "-0", "0"},
      {arrow::int64(), "0e99999", "0"},
      {arrow::int64(), "1.5", "TYPE_MISMATCH"},
      {arrow::int64(), "1e-1", "TYPE_MISMATCH"},
      {arrow::int64(), "1e19", "VALUE_OUT_OF_RANGE"},
      {arrow::int64(), "1e99999", "VALUE_OUT_OF_RANGE"},
      {arrow::int64(), "\"1\"", "TYPE_MISMATCH"},
      {arrow::int64(), "true", "TYPE_MISMATCH"},
      {arrow::int64(), "[1]", "TYPE_MISMATCH"},
      {arrow::int64(), "{}", "TYPE_MISMATCH"},
      {arrow::int8(), "-128", "-128"},
      {arrow::int8(), "128", "VALUE_OUT_OF_RANGE"},
      {arrow::int16(), "40000", "VALUE_OUT_OF_RANGE"},
      {arrow::int32(), "2147483648", "VALUE_OUT_OF_RANGE"},
      {arrow::int32(), "-2147483648", "-2147483648"},
      {arrow::float64(), "0.1234567890123456", "0.1234567890123456"},
      {arrow::float64(), "1", "1.0"},
      {arrow::float64(), "1e400", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "-1e400", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "1e-400", "0.0"},
      {arrow::float64(), "5e-324", "5e-324"},
      {arrow::float64(), "\"abc\"", "TYPE_MISMATCH"},
      {arrow::float32(), "0.1", "0.1"},
      {arrow::float32(), "1e39", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "NaN", "INVALID_JSON"},
      {arrow::float64(), "-Infinity", "INVALID_JSON"},
      {arrow::int64(), "01", "INVALID_JSON"},
      {arrow::utf8(), "1x", "INVALID_JSON"},
      {arrow::boolean(), "false", "false"},
      {arrow::boolean(), "0", "TYPE_MISMATCH"},
      {arrow::boolean(), "falsy", "INVALID_JSON"},
      {arrow::utf8(), "5", "TYPE_MISMATCH"},
      {arrow::utf8(), "nil", "INVALID_JSON"},
      {arrow::null(), "null", "null"},
      {arrow::null(), "1", "TYPE_MISMATCH"},
  };
  for (const auto& [type, in, out] : cases) EXPECT_EQ(Column(type, in), out) << type->ToString() << " " << in;
}

TEST(DecodeRowsJson, ReadsNotANumberAndInfinityFromStrings) {
  const auto schema = arrow::schema({arrow::field("c", arrow::float64())});
  const auto result = Decode(R"({"record_batch_dict":{"c":["NaN","Infinity","-Infinity"]}})", *schema);
  ASSERT_THAT(result, IsOk());
  const auto& values = static_cast<const arrow::DoubleArray&>(*result->rows->column(0));
  EXPECT_TRUE(std::isnan(values.Value(0)));
  EXPECT_EQ(values.Value(1), HUGE_VAL);
  EXPECT_EQ(values.Value(2), -HUGE_VAL);
}

TEST(DecodeRowsJson, ReadsDecimalsDatesAndTimes) {
  const auto decimal = arrow::decimal128(10, 2);
  const auto zoned = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto local = arrow::timestamp(arrow::TimeUnit::MICRO);
  const std::vector<ValueCase> cases = {
      {decimal, "123.45", "123.45"},
      {decimal, "\"-0.5\"", "-0.50"},
      {decimal, "1e3", "1000.00"},
      {decimal, "12345678.90", "12345678.90"},
      {decimal, "123.456", "VALUE_OUT_OF_RANGE"},
      {decimal, "123456789.0", "VALUE_OUT_OF_RANGE"},
      {decimal, "\"1,5\"", "INVALID_VALUE"},
      {decimal, "\"\"", "INVALID_VALUE"},
      {decimal, "true", "TYPE_MISMATCH"},
      {arrow::decimal128(38, 0), "99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
      {arrow::decimal128(38, 0), "100000000000000000000000000000000000000", "VALUE_OUT_OF_RANGE"},
      {arrow::date32(), "\"2024-02-29\"", "\"2024-02-29\""},
      {arrow::date32(), "19782", "\"2024-02-29\""},
      {arrow::date32(), "-1", "\"1969-12-31\""},
      {arrow::date32(), "\"0001-01-01\"", "\"0001-01-01\""},
      {arrow::date32(), "\"9999-12-31\"", "\"9999-12-31\""},
      {arrow::date32(), "\"2024-02-30\"", "INVALID_VALUE"},
      {arrow::date32(), "\"2024-2-3\"", "INVALID_VALUE"},
      {arrow::date32(), "\"10000-01-01\"", "INVALID_VALUE"},
      {arrow::date32(), "2932897", "VALUE_OUT_OF_RANGE"},
      {arrow::date32(), "1.5", "TYPE_MISMATCH"},
      {zoned, "\"2024-02-29T12:00:00Z\"", "\"2024-02-29T12:00:00.000000Z\""},
      {zoned, "\"2024-02-29T12:00:00.123456000+01:30\"", "\"2024-02-29T10:30:00.123456Z\""},
      {zoned, "\"2024-02-29T12:00:00.1234567+01:30\"", "VALUE_OUT_OF_RANGE"},
      {zoned, "\"2024-01-01T00:00:00+23:59\"", "\"2023-12-31T00:01:00.000000Z\""},
      {zoned, "\"2024-02-29 12:00:00\"", "\"2024-02-29T12:00:00.000000Z\""},
      {zoned, "\"2024-02-29\"", "\"2024-02-29T00:00:00.000000Z\""},
      {zoned, "1709210096789", "TIMESTAMP_UNIT_REQUIRED"},
      {zoned, "0", "TIMESTAMP_UNIT_REQUIRED"},
      {zoned, "01", "INVALID_JSON"},
      {zoned, "\"2024-02-29T24:61\"", "INVALID_VALUE"},
      {zoned, "\"10000-01-01T00:00:00Z\"", "INVALID_VALUE"},
      {zoned, "\"0001-01-01T00:00:00+14:00\"", "VALUE_OUT_OF_RANGE"},
      {zoned, "\"yesterday\"", "INVALID_VALUE"},
      {local, "\"2024-02-29T12:00:00\"", "\"2024-02-29T12:00:00.000000\""},
      {local, "\"2024-02-29T12:00:00Z\"", "INVALID_VALUE"},
      {local, "1709210096", "TIMESTAMP_UNIT_REQUIRED"},
  };
  for (const auto& [type, in, out] : cases) EXPECT_EQ(Column(type, in), out) << type->ToString() << " " << in;
}

TEST(DecodeRowsJson, ReadsTimestampsAsNumbersOfTheGivenUnit) {
  const auto zoned = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const std::string time = "\"2024-02-29T12:34:56.789000Z\"";
  struct Case {
    TimestampUnit unit;
    std::string in;
    std::string out;
  };
  const std::vector<Case> cases = {
      {TimestampUnit::kSecond, "1709210096.789", time},
      {TimestampUnit::kSecond, "1709210096", "\"2024-02-29T12:34:56.000000Z\""},
      {TimestampUnit::kSecond, "-1e0", "\"1969-12-31T23:59:59.000000Z\""},
      {TimestampUnit::kSecond, "1709210096.7890001", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kMilli, "1709210096789", time},
      {TimestampUnit::kMilli, "1709210096789.0001", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kMicro, "1709210096789000", time},
      {TimestampUnit::kMicro, "1709210096789000.5", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kMicro, "253402300799999999", "\"9999-12-31T23:59:59.999999Z\""},
      {TimestampUnit::kMicro, "253402300800000000", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kMilli, "1709210096789000", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kNano, "1709210096789000000", time},
      {TimestampUnit::kNano, "1709210096789000001", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kNano, "0e99999", "\"1970-01-01T00:00:00.000000Z\""},
      {TimestampUnit::kNano, "1e99999", "VALUE_OUT_OF_RANGE"},
      {TimestampUnit::kNano, "1x", "INVALID_JSON"},
      {TimestampUnit::kMilli, time, time},
  };
  for (const auto& [unit, in, out] : cases)
    EXPECT_EQ(Column(zoned, in, {.timestamp_unit = unit}), out) << static_cast<int>(unit) << " " << in;
  EXPECT_EQ(Column(arrow::list(zoned), "[1709210096789]", {.timestamp_unit = TimestampUnit::kMilli}), "[" + time + "]");
}

TEST(DecodeRowsJson, RefusesWholeNumbersThatAFloatingColumnWouldChange) {
  const std::vector<ValueCase> cases = {
      {arrow::float64(), "9007199254740992", "9007199254740992.0"},
      {arrow::float64(), "9007199254740993", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "-9007199254740993", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "9007199254740993.0", "9007199254740992.0"},  // a decimal text: the nearest
      {arrow::float64(), "100000000000000000000", "1e+20"},
      {arrow::float64(), "123456789012345680000", "1.2345678901234568e+20"},  // as JavaScript writes this double
      {arrow::float64(), "123456789012345681111", "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "1" + std::string(40, '0'), "VALUE_OUT_OF_RANGE"},
      {arrow::float64(), "0.10000000000000000001", "0.1"},
      {arrow::float32(), "16777216", "16777216.0"},
      {arrow::float32(), "16777217", "VALUE_OUT_OF_RANGE"},
      {arrow::float32(), "0.1", "0.1"},
  };
  for (const auto& [type, in, out] : cases) EXPECT_EQ(Column(type, in), out) << type->ToString() << " " << in;
}

TEST(DecodeRowsJson, ReadsBinariesFromBase64AndFromBytes) {
  const std::vector<ValueCase> cases = {
      {arrow::binary(), "[0,1,255]", "[0,1,255]"},
      {arrow::binary(), "\"AAH/\"", "[0,1,255]"},
      {arrow::binary(), "\"YQ==\"", "[97]"},
      {arrow::binary(), "\"YQ\"", "[97]"},
      {arrow::binary(), "\"YWI=\"", "[97,98]"},
      {arrow::binary(), "\"\"", "[]"},
      {arrow::binary(), "[]", "[]"},
      {arrow::binary(), "\"YQ=\"", "INVALID_VALUE"},
      {arrow::binary(), "\"YR==\"", "INVALID_VALUE"},
      {arrow::binary(), "\"Y\"", "INVALID_VALUE"},
      {arrow::binary(), "\"Y===\"", "INVALID_VALUE"},
      {arrow::binary(), "\"a-_b\"", "INVALID_VALUE"},
      {arrow::binary(), "[256]", "VALUE_OUT_OF_RANGE"},
      {arrow::binary(), "[-1]", "VALUE_OUT_OF_RANGE"},
      {arrow::binary(), "[null]", "TYPE_MISMATCH"},
      {arrow::binary(), "[1.5]", "TYPE_MISMATCH"},
  };
  for (const auto& [type, in, out] : cases) EXPECT_EQ(Column(type, in), out) << in;
}

TEST(DecodeRowsJson, ReadsNestedValues) {
  const auto list = arrow::list(arrow::field("element", arrow::int64()));
  const auto record =
      arrow::struct_({arrow::field("a", arrow::int64()), arrow::field("B", list), arrow::field("c", arrow::utf8())});
  const auto text_map = MapOf(arrow::utf8(), arrow::int64());
  const auto number_map = MapOf(arrow::int64(), record);
  const std::vector<ValueCase> cases = {
      {list, "[1,null,3]", "[1,null,3]"},
      {list, "[]", "[]"},
      {list, "null", "null"},
      {list, "[[1]]", "TYPE_MISMATCH"},
      {record, R"({"b":[1],"a":2})", R"({"a":2,"B":[1],"c":null})"},
      {record, "{}", R"({"a":null,"B":null,"c":null})"},
      {record, "null", "null"},
      {record, R"({"zz":1})", "SCHEMA_MISMATCH"},
      {record, R"({"a":1,"A":2})", "DUPLICATE_KEY"},
      {record, R"({"a":1,"a":2})", "DUPLICATE_KEY"},
      {record, "[1]", "TYPE_MISMATCH"},
      {text_map, R"({"x":1,"y":null})", R"({"x":1,"y":null})"},
      {text_map, R"([{"key":"x","value":1},{"value":null,"key":"y"},{"key":"z"}])", R"({"x":1,"y":null,"z":null})"},
      {text_map, R"({"x":1,"\u0078":2})", "DUPLICATE_KEY"},
      {text_map, R"([{"key":"x"},{"key":"x"}])", "DUPLICATE_KEY"},
      {text_map, R"([{"value":1}])", "SCHEMA_MISMATCH"},
      {text_map, R"([{"key":null}])", "SCHEMA_MISMATCH"},
      {text_map, R"([{"key":"x","wert":1}])", "SCHEMA_MISMATCH"},
      {text_map, R"([["x",1]])", "TYPE_MISMATCH"},
      {number_map, R"([{"key":7,"value":{"a":1}}])", R"([{"key":7,"value":{"a":1,"B":null,"c":null}}])"},
      {number_map, R"({"7":{"a":1}})", "TYPE_MISMATCH"},
  };
  for (const auto& [type, in, out] : cases) EXPECT_EQ(Column(type, in), out) << type->ToString() << " " << in;
}

struct ErrorCase {
  std::string body;
  std::string reason;
  std::string pointer;
  std::string row;
  std::string column;
};

TEST(DecodeRowsJson, TellsWhereAnErrorIs) {
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64(), false), arrow::field("name", arrow::utf8()),
                     arrow::field("st", arrow::struct_({arrow::field("must", arrow::int8(), false),
                                                        arrow::field("may", arrow::list(arrow::int8()))}))});
  const std::vector<ErrorCase> cases = {
      {R"({"record_batch_dict":{"id":[0,1,2,3,4,5,"x"]}})", "TYPE_MISMATCH", "/record_batch_dict/id/6", "6", "id"},
      {R"({"record_batch_dict":{"ID":[0,1,2,3,4,5,6,null]}})", "SCHEMA_MISMATCH", "/record_batch_dict/ID/7", "7", "id"},
      {R"({"record_batch_dict":{"name":["a"]}})", "SCHEMA_MISMATCH", "/record_batch_dict", "", "id"},
      {R"({"record_batch_dict":{"id":[1],"nmae":["a"]}})", "SCHEMA_MISMATCH", "/record_batch_dict/nmae", "", "nmae"},
      {R"({"record_batch_dict":{"id":[1],"Id":[1]}})", "DUPLICATE_KEY", "/record_batch_dict/Id", "", "id"},
      {R"({"record_batch_dict":{"id":1}})", "TYPE_MISMATCH", "/record_batch_dict/id", "", "id"},
      {R"({"record_batch_dict":[]})", "TYPE_MISMATCH", "/record_batch_dict", "", ""},
      {R"({"record_batch_list":[{"id":1},{"name":"x"}]})", "SCHEMA_MISMATCH", "/record_batch_list/1", "1", "id"},
      {R"({"record_batch_list":[{"id":1},{"id":2,"nam":"x"}]})", "SCHEMA_MISMATCH", "/record_batch_list/1/nam", "1",
       "nam"},
      {R"({"record_batch_list":[{"id":1},2]})", "TYPE_MISMATCH", "/record_batch_list/1", "1", ""},
      {R"({"record_batch_list":[{"id":1,"st":{"must":1,"may":[1,300]}}]})", "VALUE_OUT_OF_RANGE",
       "/record_batch_list/0/st/may/1", "0", "st"},
      {R"({"record_batch_list":[{"id":1,"st":{"may":[]}}]})", "SCHEMA_MISMATCH", "/record_batch_list/0/st/must", "0",
       "st"},
      {R"({"record_batch_list":[],"record_batch_dict":{}})", "ONE_OF_REQUIRED", "/record_batch_dict", "", ""},
      {R"({})", "ONE_OF_REQUIRED", "", "", ""},
      {R"({"recordBatchDicts":{}})", "UNKNOWN_KEY", "/recordBatchDicts", "", ""},
      {R"({"record_batch_list":[],"dry_run":1})", "TYPE_MISMATCH", "/dry_run", "", ""},
      {R"([1])", "TYPE_MISMATCH", "", "", ""},
  };
  for (const auto& [body, reason, pointer, row, column] : cases) {
    const auto result = Decode(body, *schema);
    ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument)) << body;
    EXPECT_EQ(result.error().reason_name(), reason) << body;
    EXPECT_EQ(result.error().detail("pointer"), pointer) << body;
    EXPECT_EQ(result.error().detail("row"), row) << body;
    EXPECT_EQ(result.error().detail("column"), column) << body;
  }
}

TEST(DecodeRowsJson, NamesTheNearestColumn) {
  const auto result = Decode(R"({"record_batch_dict":{"id":[1],"nmae":["a"]}})", *TypicalSchema());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail("hint"), "did you mean 'name'?");
}

TEST(DecodeRowsJson, ListsTheLengthsOfUnequalColumns) {
  const auto schema = arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::int64())});
  const auto result = Decode(R"({"record_batch_dict":{"a":[1,2,3],"b":[1,2]}})", *schema);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason_name(), "COLUMN_LENGTHS_DIFFER");
  EXPECT_NE(result.error().message().find("a: 3, b: 2"), std::string::npos);
}

TEST(DecodeRowsJson, FindsBrokenJsonWhereverItIs) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "INVALID_JSON"},
      {"{", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1)", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1]}} {})", "INVALID_JSON"},
      {R"({"record_batch_list":[{"id":1,"name":"x":true}}]})", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1]}}])", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1,]}})", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1 2]}})", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":[1}]})", "INVALID_JSON"},
      {R"({"record_batch_dict":{"id":["x"],"name":[}})", "INVALID_JSON"},
      {"{\"record_batch_dict\":{\"id\":[1],\"name\":[\"\xFF\xFE\"]}}", "INVALID_UTF8"},
      {R"({"record_batch_dict":{"id":[1],"name":["\ud800"]}})", "INVALID_UTF8"},
      {R"({"record_batch_dict":{"id":[1],"name":["\udc00"]}})", "INVALID_UTF8"},
      {R"({"record_batch_dict":{"id":[1],"id":[2]}})", "DUPLICATE_KEY"},
      {R"({"record_batch_list":[{"id":1,"id":1}]})", "DUPLICATE_KEY"},
      {R"({"record_batch_list":[],"record_batch_list":[]})", "DUPLICATE_KEY"},
      {R"({"record_batch_dict":{"id":)" + std::string(10'000, '['), "JSON_TOO_DEEP"},
      {"{\"record_batch_dict\":{\"id\":[1],\"name\":[\"a\nb\"]}}", "INVALID_JSON"},
  };
  for (const auto& [body, reason] : cases) {
    const auto result = Decode(body, *TypicalSchema());
    ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument)) << body.substr(0, 100);
    EXPECT_EQ(result.error().reason_name(), reason) << body.substr(0, 100);
    EXPECT_NE(result.error().detail("location_line"), "") << body.substr(0, 100);
  }
}

TEST(DecodeRowsJson, HoldsTheDepthLimitInsideTheSchemaToo) {
  auto type = arrow::int64();
  std::string value = "1";
  for (int i = 0; i < 13; i++) {
    type = arrow::list(arrow::field("element", type));
    value = "[" + value + "]";
  }
  EXPECT_EQ(Column(type, value), value);  // 3 levels around the value and 13 of it: the limit of 16
  EXPECT_EQ(Column(arrow::list(arrow::field("element", type)), "[" + value + "]"), "JSON_TOO_DEEP");
}

}  // namespace
}  // namespace yummy::format
