#include "yummy/server/routes/body_json.h"

#include <string>
#include <vector>

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

constexpr size_t kDepthMax = 64;

std::string CreateReason(const std::string& body) {
  const auto result = DecodeCreateBody(body, kDepthMax);
  return result.ok() ? "ok" : std::string(result.error().reason_name());
}

std::string TypeOf(const std::string& type) {
  const auto result = DecodeCreateBody(R"({"table":"t","schema":[{"name":"c","type":)" + type + "}]}", kDepthMax);
  return result.ok() ? delta::TypeName(result->create.schema[0].type) : std::string(result.error().reason_name());
}

TEST(DecodeCreateBody, ReadsEveryKey) {
  const auto result = DecodeCreateBody(
      R"({"table": "t1", "schema": [{"name": "id", "type": "long", "nullable": false}, {"name": "name", "type": "string",
      "metadata": {"comment": "who", "n": 12345678901234567890}}], "partitionColumns": ["name"], "comment": "Hello", "mode": "overwrite", "dryRun": true,
      "configuration": {"delta.appendOnly": "false", "delta.enableDeletionVectors": true, "n": 1e2, "gone": null}, "metadata": {"createdBy": "me"}})",
      kDepthMax);
  ASSERT_THAT(result, IsOk());
  EXPECT_EQ(result->table, "t1");
  const auto& create = result->create;
  ASSERT_EQ(create.schema.size(), 2U);
  EXPECT_FALSE(create.schema[0].nullable);
  EXPECT_TRUE(create.schema[1].nullable);
  EXPECT_EQ(create.schema[1].metadata, (delta::FieldMetadata{{"comment", "\"who\""}, {"n", "12345678901234567890"}}));
  EXPECT_EQ(create.partition_columns, std::vector<std::string>{"name"});
  EXPECT_EQ(create.comment, "Hello");
  EXPECT_EQ(create.mode, table::CreateMode::kOverwrite);
  EXPECT_TRUE(create.dry_run);
  EXPECT_EQ(create.configuration,
            (delta::StringMap{{"delta.appendOnly", "false"}, {"delta.enableDeletionVectors", "true"}, {"n", "1e2"}}));
}

TEST(DecodeCreateBody, ReadsAWholeStructType) {
  const auto result =
      DecodeCreateBody(R"({"table":"t","partition_columns":[],"comment":null,"schema":{"type":"struct","fields":[
      {"name":"m","type":{"type":"map","keyType":"string","valueType":{"type":"array","elementType":"long","containsNull":false},"valueContainsNull":true},"nullable":true,"metadata":{}},
      {"name":"s","type":{"type":"struct","fields":[{"name":"a","type":"date","nullable":false,"metadata":{}}]},"nullable":true,"metadata":{}}]}})",
                       kDepthMax);
  ASSERT_THAT(result, IsOk());
  ASSERT_EQ(result->create.schema.size(), 2U);
  EXPECT_FALSE(result->create.schema[0].type.children[1].contains_null);
  EXPECT_FALSE(result->create.schema[1].type.fields[0].nullable);
  EXPECT_FALSE(result->create.comment.has_value());
}

TEST(DecodeCreateBody, ReadsTypesAsPeopleWriteThem) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"\"string\"", "string"},
      {"\"long\"", "long"},
      {"\"integer\"", "integer"},
      {"\"short\"", "short"},
      {"\"byte\"", "byte"},
      {"\"float\"", "float"},
      {"\"double\"", "double"},
      {"\"boolean\"", "boolean"},
      {"\"binary\"", "binary"},
      {"\"date\"", "date"},
      {"\"timestamp\"", "timestamp"},
      {"\"timestamp_ntz\"", "timestamp_ntz"},
      {"\"bigint\"", "long"},
      {"\"INT\"", "integer"},
      {"\"decimal(10,2)\"", "decimal(10,2)"},
      {"\"decimal(10, 2)\"", "decimal(10,2)"},
      {"\"decimal\"", "decimal(10,0)"},
      {"\"array<long>\"", "array<long>"},
      {"\"map<string, array<int>>\"", "map<string,array<integer>>"},
      {"\"struct<a: long, b c:string>\"", "struct<a:long,b c:string>"},
      {"\"foo\"", "INVALID_SCHEMA"},
      {"\"\"", "INVALID_SCHEMA"},
      {"\"array<long\"", "INVALID_SCHEMA"},
      {"\"array<long>>\"", "INVALID_SCHEMA"},
      {"\"long(3)\"", "INVALID_SCHEMA"},
      {"\"decimal(39,0)\"", "INVALID_SCHEMA"},
      {"\"decimal(5,6)\"", "INVALID_SCHEMA"},
      {"\"map<string>\"", "INVALID_SCHEMA"},
      {"\"struct<>\"", "INVALID_SCHEMA"},
      {"{\"type\":\"array\"}", "INVALID_SCHEMA"},
      {"{\"type\":\"list\",\"elementType\":\"long\"}", "INVALID_SCHEMA"},
      {"5", "TYPE_MISMATCH"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(TypeOf(in), out) << in;
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += "array<";
  EXPECT_EQ(TypeOf("\"" + deep + "\""), "INVALID_SCHEMA");
}

TEST(DecodeCreateBody, RefusesWhatItDoesNotKnow) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "INVALID_JSON"},
      {R"({"table": "x", )", "INVALID_JSON"},
      {"null", "TYPE_MISMATCH"},
      {R"({"schema":[]})", "MISSING_KEY"},
      {R"({"table":"t"})", "MISSING_KEY"},
      {R"({"table":"t","schema":[],"foo":1})", "UNKNOWN_KEY"},
      {R"({"table":"t","schema":[{"name":"a","type":"long","nulable":true}]})", "UNKNOWN_KEY"},
      {R"({"table":"t","schema":[{"type":"long"}]})", "MISSING_KEY"},
      {R"({"table":"t","schema":[{"name":"a"}]})", "MISSING_KEY"},
      {R"({"table":"t","schema":[5]})", "TYPE_MISMATCH"},
      {R"({"table":5,"schema":[]})", "TYPE_MISMATCH"},
      {R"({"table":"t","schema":[],"partition_columns":"a"})", "TYPE_MISMATCH"},
      {R"({"table":"t","schema":[],"partition_columns":[],"partitionColumns":[]})", "DUPLICATE_KEY"},
      {R"({"table":"t","table":"u","schema":[]})", "DUPLICATE_KEY"},
      {R"({"table":"t","schema":[],"configuration":{"a":[]}})", "TYPE_MISMATCH"},
      {R"({"table":"t","schema":[],"mode":"replace"})", "TYPE_MISMATCH"},
      {R"({"table":"t","schema":)" + std::string(100, '['), "JSON_TOO_DEEP"},
  };
  for (const auto& [body, reason] : cases) EXPECT_EQ(CreateReason(body), reason) << body;
}

TEST(DecodeCreateBody, NamesTheNearestKeyAndThePlace) {
  const auto unknown = DecodeCreateBody(R"({"table":"t","schema":[],"partition_colums":[]})", kDepthMax);
  ASSERT_FALSE(unknown.ok());
  EXPECT_EQ(unknown.error().detail("hint"), "did you mean 'partition_columns'?");
  EXPECT_EQ(unknown.error().detail("pointer"), "/partition_colums");
  const auto type =
      DecodeCreateBody(R"({"table":"t","schema":[{"name":"a","type":"long"},{"name":"b","type":"intt"}]})", kDepthMax);
  ASSERT_FALSE(type.ok());
  EXPECT_EQ(type.error().detail("pointer"), "/schema/1/type");
}

TEST(DecodeSqlBody, ReadsParametersInOrderAndByName) {
  const auto ordered = DecodeSqlBody(
      R"({"sql":"SELECT ?","parameters":[null,true,9223372036854775807,1.5,"x"],"format":"arrow"})", kDepthMax);
  ASSERT_THAT(ordered, IsOk());
  EXPECT_EQ(ordered->sql, "SELECT ?");
  EXPECT_EQ(ordered->format, "arrow");
  EXPECT_EQ(ordered->parameters,
            (std::vector<duck::Parameter>{std::monostate(), true, INT64_MAX, 1.5, std::string("x")}));
  const auto named = DecodeSqlBody(R"({"sql":"SELECT $a","parameters":{"a":-1}})", kDepthMax);
  ASSERT_THAT(named, IsOk());
  ASSERT_EQ(named->named_parameters.size(), 1U);
  EXPECT_EQ(named->named_parameters[0].first, "a");
  EXPECT_EQ(named->named_parameters[0].second, duck::Parameter(int64_t{-1}));
}

TEST(DecodeSqlBody, RefusesWhatNoParameterCanBe) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"sql":"x","parameters":[9223372036854775808]})", "VALUE_OUT_OF_RANGE"},
      {R"({"sql":"x","parameters":[1e400]})", "VALUE_OUT_OF_RANGE"},
      {R"({"sql":"x","parameters":[[1]]})", "TYPE_MISMATCH"},
      {R"({"sql":"x","parameters":5})", "TYPE_MISMATCH"},
      {R"({"parameters":[]})", "MISSING_KEY"},
      {R"({"sql":"x","query":"y"})", "UNKNOWN_KEY"},
      {R"({"sql":["x"]})", "TYPE_MISMATCH"},
  };
  for (const auto& [body, reason] : cases) {
    const auto result = DecodeSqlBody(body, kDepthMax);
    ASSERT_FALSE(result.ok()) << body;
    EXPECT_EQ(result.error().reason_name(), reason) << body;
  }
}

}  // namespace
}  // namespace yummy::server
