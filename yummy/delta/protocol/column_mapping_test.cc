#include "yummy/delta/protocol/column_mapping.h"

#include "yummy/base/testing.h"
#include "yummy/delta/snapshot/log_testing.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {
namespace {

using Names = std::vector<std::string>;

constexpr std::string_view kModeKey = "delta.columnMapping.mode";

// A column v, and s.x within a struct, both with the metadata of column mapping.
constexpr std::string_view kMappedSchema =
    R"({"type":"struct","fields":[{"name":"v","type":"long","nullable":true,"metadata":{"comment":"kept","delta.columnMapping.id":1,"delta.columnMapping.physicalName":"col-v"}},)"
    R"({"name":"s","type":{"type":"struct","fields":[{"name":"x","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":3,"delta.columnMapping.physicalName":"col-x"}}]},)"
    R"("nullable":true,"metadata":{"delta.columnMapping.id":2,"delta.columnMapping.physicalName":"col-s"}}]})";

Metadata MappedTable(const std::optional<std::string>& mode) {
  Metadata metadata;
  metadata.schema_string = kMappedSchema;
  if (mode) metadata.configuration.emplace(kModeKey, *mode);
  return metadata;
}

TEST(ColumnMappingModeOf, IsInForceWhereTheProtocolHasColumnMappingForReaders) {
  const Protocol by_version{2, 5, {}, {}};
  const Protocol by_name{3, 7, Names{"columnMapping"}, Names{"columnMapping"}};
  for (const Protocol& protocol : {by_version, by_name}) {
    EXPECT_EQ(MUST(ColumnMappingModeOf(protocol, {})), ColumnMappingMode::kNone);
    EXPECT_EQ(MUST(ColumnMappingModeOf(protocol, {{"delta.columnMapping.mode", "NAME"}})), ColumnMappingMode::kName);
    EXPECT_EQ(MUST(ColumnMappingModeOf(protocol, {{"delta.columnMapping.mode", "Id"}})), ColumnMappingMode::kId);
    EXPECT_EQ(MUST(ColumnMappingModeOf(protocol, {{"delta.columnMapping.mode", "none"}})), ColumnMappingMode::kNone);
  }
  const Protocol others[] = {{1, 2, {}, {}},
                             {1, 6, {}, {}},
                             {1, 7, {}, Names{"columnMapping"}},
                             {3, 7, Names{"timestampNtz"}, Names{"timestampNtz"}}};
  for (const Protocol& protocol : others) {
    EXPECT_EQ(MUST(ColumnMappingModeOf(protocol, {{"delta.columnMapping.mode", "id"}})), ColumnMappingMode::kNone);
  }
}

TEST(ColumnMappingModeOf, RefusesAModeThatIsNone) {
  for (const Protocol& protocol : {Protocol{1, 2, {}, {}}, Protocol{2, 5, {}, {}}}) {
    const auto mode = ColumnMappingModeOf(protocol, {{"delta.columnMapping.mode", "foo"}});
    ASSERT_THAT(mode, IsError(ErrorCode::kCorrupt));
    EXPECT_EQ(mode.error().reason_name(), "CORRUPT_TABLE");
  }
}

TEST(SchemaOf, HasPhysicalNamesWhereColumnsAreMapped) {
  for (const std::string mode : {"name", "ID"}) {
    const Schema schema = MUST(SchemaOf({2, 5, {}, {}}, MappedTable(mode)));
    EXPECT_EQ(schema[0].physical_name(), "col-v");
    EXPECT_EQ(schema[0].mapping->id, 1);
    EXPECT_EQ(schema[1].type.fields[0].physical_name(), "col-x");
  }
}

TEST(SchemaOf, HasOwnNamesWhereMappingIsLeftOver) {
  const std::pair<Protocol, std::optional<std::string>> cases[] = {
      {{1, 2, {}, {}}, std::nullopt}, {{1, 2, {}, {}}, "id"}, {{2, 5, {}, {}}, std::nullopt}, {{2, 5, {}, {}}, "none"}};
  for (const auto& [protocol, mode] : cases) {
    const Schema schema = MUST(SchemaOf(protocol, MappedTable(mode)));
    EXPECT_EQ(schema[0].physical_name(), "v");
    EXPECT_FALSE(schema[0].mapping.has_value());
    EXPECT_EQ(schema[1].physical_name(), "s");
    EXPECT_EQ(schema[1].type.fields[0].physical_name(), "x");
  }
}

TEST(SchemaOf, RefusesMappedColumnsWithoutTheirNames) {
  Metadata metadata = MappedTable("name");
  metadata.schema_string =
      R"({"type":"struct","fields":[{"name":"v","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":1}}]})";
  EXPECT_THAT(SchemaOf({2, 5, {}, {}}, metadata), IsError(ErrorCode::kCorrupt));
  EXPECT_THAT(SchemaOf({1, 2, {}, {}}, metadata), IsOk());
}

TEST(WithoutColumnMapping, KeepsOtherMetadata) {
  const Schema schema = WithoutColumnMapping(MUST(SchemaOf({2, 5, {}, {}}, MappedTable("name"))));
  EXPECT_EQ(schema[0].metadata, (FieldMetadata{{"comment", "\"kept\""}}));
  EXPECT_EQ(schema[0].physical_name(), "v");
  EXPECT_TRUE(schema[1].type.fields[0].metadata.empty());
}

TEST(Snapshot, FindsStatisticsUnderOwnNamesWhereMappingIsLeftOver) {
  TestLog log;
  const std::string metadata =
      R"({"metaData":{"id":"m","format":{"provider":"parquet"},"schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"v\",\"type\":\"long\",\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":1,\"delta.columnMapping.physicalName\":\"w\"}},{\"name\":\"w\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[]}})";
  log.Commit(
      0,
      {ProtocolLine(), metadata,
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":"{\"numRecords\":1,\"minValues\":{\"v\":1,\"w\":7},\"maxValues\":{\"v\":1,\"w\":7}}"}})"});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(snapshot->Summary({"v"}).max, Scalar(int64_t{1}));
  EXPECT_EQ(snapshot->Prune(Predicate::Compare({"v"}, CompareOp::kEqual, Scalar(int64_t{7}))).size(), 0u);
}

}  // namespace
}  // namespace yummy::delta
