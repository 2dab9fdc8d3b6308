#include "yummy/delta/schema/schema.h"

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

constexpr std::string_view kNested =
    R"({"type":"struct","fields":[{"name":"a","type":"long","nullable":false,"metadata":{"comment":"x \" y","delta.columnMapping.id":7,"delta.columnMapping.physicalName":"col-1","o":{"k" : [1, 2]}}},)"
    R"x({"name":"s","type":{"type":"struct","fields":[{"name":"d","type":"decimal(10,2)","nullable":true,"metadata":{}}]},"nullable":true,"metadata":{}},)x"
    R"({"name":"l","type":{"type":"array","elementType":"timestamp_ntz","containsNull":false},"nullable":true,"metadata":{}},)"
    R"({"name":"m","type":{"type":"map","keyType":"string","valueType":"variant","valueContainsNull":true},"nullable":true,"metadata":{}}]})";

Schema Columns(const std::vector<std::string>& names) {
  Schema schema;
  for (const std::string& name : names)
    schema.push_back({name, {.kind = TypeKind::kLong, .fields = {}, .children = {}}, true, {}});
  return schema;
}

TEST(ParseSchema, ReadsNestedTypesAndKeepsMetadata) {
  const Schema schema = MUST(ParseSchema(kNested));
  ASSERT_EQ(schema.size(), 4U);
  EXPECT_FALSE(schema[0].nullable);
  EXPECT_EQ(schema[0].FindMetadata("comment"), "\"x \\\" y\"");
  EXPECT_EQ(schema[0].FindMetadata("o"), "{\"k\" : [1, 2]}");
  EXPECT_EQ(schema[0].FindMetadata("delta.columnMapping.id"), "7");
  EXPECT_EQ(TypeName(schema[1].type), "struct<d:decimal(10,2)>");
  EXPECT_EQ(TypeName(schema[2].type), "array<timestamp_ntz>");
  EXPECT_FALSE(schema[2].type.contains_null);
  EXPECT_EQ(TypeName(schema[3].type), "map<string,variant>");
  EXPECT_EQ(WriteSchema(schema), kNested);
}

TEST(ParseSchema, RefusesWhatIsNoSchema) {
  std::string deep = "\"long\"";
  for (int i = 0; i < 100; i++) deep = R"({"type":"array","containsNull":true,"elementType":)" + deep + "}";
  for (const std::string& text :
       {std::string(), std::string("x"), std::string("\"long\""), std::string("[]"),
        std::string(kNested.substr(0, kNested.size() - 1)), std::string(kNested) + "}",
        std::string(R"({"type":"struct"})"), std::string(R"({"type":"struct","fields":[{"type":"long"}]})"),
        std::string(R"({"type":"struct","fields":[{"name":"a"}]})"),
        std::string(R"({"type":"struct","fields":[{"name":"a","type":"long","metadata":{"x":nope}}]})"),
        std::string(R"({"type":"struct","fields":[{"name":"a","type":"long"},{"name":"A","type":"long"}]})"),
        R"({"type":"struct","fields":[{"name":"a","type":)" + deep + "}]}",
        std::string(R"({"type":"struct","fields":[{"name":"a","type":{"type":"array"}}]})")}) {
    EXPECT_THAT(ParseSchema(text), IsError(ErrorCode::kCorrupt)) << text.substr(0, 200);
  }
}

TEST(ParseSchema, RefusesTypesThatAreNotKnown) {
  for (const std::string_view name :
       {"intt", "decimal(39,0)", "decimal(2,3)", "decimal(x,1)", "decimal(1)", "geometry(OGC:CRS84)", "Long"}) {
    const auto schema = ParseSchema(R"({"type":"struct","fields":[{"name":"a","type":")" + std::string(name) + "\"}]}");
    ASSERT_THAT(schema, IsError(ErrorCode::kUnsupported)) << name;
    EXPECT_EQ(schema.error().reason_name(), "UNSUPPORTED_TYPE");
  }
}

TEST(ParseType, ReadsAndWritesOneType) {
  for (const std::string_view json :
       {"\"long\"", "\"decimal(38,38)\"", R"({"type":"array","elementType":"void","containsNull":true})"}) {
    EXPECT_EQ(WriteType(MUST(ParseType(json))), json);
  }
}

TEST(FindColumn, PrefersTheExactName) {
  const Schema schema = Columns({"a", "B", "b1"});
  EXPECT_EQ(FindColumn(schema, "A"), 0U);
  EXPECT_EQ(FindColumn(schema, "B"), 1U);
  EXPECT_EQ(FindColumn(schema, "c"), std::nullopt);
}

TEST(CheckNewSchema, RefusesNamesThatNoTableMayHave) {
  EXPECT_THAT(CheckNewSchema(Columns({"a", "b"}), false), IsOk());
  EXPECT_THAT(CheckNewSchema(Columns({"a b"}), true), IsOk());
  std::vector<std::string> many;
  for (int i = 0; i < 10'001; i++) many.push_back("c" + std::to_string(i));
  for (const auto& names : std::vector<std::vector<std::string>>{
           {}, {""}, {"a", "A"}, {"a b"}, {"a,"}, {"a;"}, {"{"}, {")"}, {"a\n"}, {"a\t"}, {"a="}, {"\xFF"}, many}) {
    const auto checked = CheckNewSchema(Columns(names), false);
    ASSERT_THAT(checked, IsError(ErrorCode::kInvalidArgument));
    EXPECT_EQ(checked.error().reason_name(), "INVALID_SCHEMA");
  }
}

}  // namespace
}  // namespace yummy::delta
