#include "yummy/delta/protocol/features.h"

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

using Names = std::vector<std::string>;

Schema OneColumn(TypeKind kind, FieldMetadata metadata = {}) {
  return {{"a", {.kind = kind, .fields = {}, .children = {}}, true, std::move(metadata)}};
}

Protocol WithFeatures(Names reader, Names writer) { return {3, 7, std::move(reader), std::move(writer)}; }

Metadata WithConfiguration(StringMap configuration) {
  Metadata metadata;
  metadata.configuration = std::move(configuration);
  return metadata;
}

void ExpectUnsupported(const Result<void>& result, std::string_view feature) {
  ASSERT_THAT(result, IsError(ErrorCode::kUnsupported)) << feature;
  EXPECT_EQ(result.error().reason_name(), "UNSUPPORTED_TABLE_FEATURE");
  EXPECT_EQ(result.error().detail("feature"), feature);
}

TEST(AllFeatures, AreNamedOnceAndReadableUnlessReadersMustKnowThem) {
  for (const Feature& feature : AllFeatures()) {
    EXPECT_EQ(FindFeature(feature.name), &feature) << feature.name;
    EXPECT_TRUE(feature.readable || feature.is_reader_feature) << feature.name;
    EXPECT_TRUE(feature.readable || !feature.writable) << feature.name;
  }
}

// One by one, each alone in a protocol: what docs/protocol.md says of it.
TEST(AllFeatures, AreReadAndWrittenAsTheyAreMarked) {
  const Schema schema = OneColumn(TypeKind::kLong);
  for (const Feature& feature : AllFeatures()) {
    const Names names = {std::string(feature.name)};
    const Protocol protocol = feature.is_reader_feature ? WithFeatures(names, names) : Protocol{1, 7, {}, names};
    if (feature.readable) {
      EXPECT_THAT(CheckReadable(protocol, {}), IsOk()) << feature.name;
    } else {
      ExpectUnsupported(CheckReadable(protocol, {}), feature.name);
    }
    if (feature.id == TableFeature::kColumnMapping) continue;  // its mode decides, below
    if (feature.writable) {
      EXPECT_THAT(CheckWritable(protocol, {}, schema), IsOk()) << feature.name;
    } else {
      ExpectUnsupported(CheckWritable(protocol, {}, schema), feature.name);
    }
  }
}

TEST(CheckReadable, AcceptsProtocolsThatAreUnderstood) {
  EXPECT_THAT(CheckReadable({1, 2, {}, {}}, {}), IsOk());
  EXPECT_THAT(CheckReadable({2, 5, {}, {}}, WithConfiguration({{"delta.columnMapping.mode", "id"}})), IsOk());
  EXPECT_THAT(CheckReadable({1, 7, {}, Names{"someWriterFeature"}}, {}), IsOk());
  EXPECT_THAT(CheckReadable({1, 9, {}, {}}, {}), IsOk());
  for (const std::string name : {"deletionVectors", "columnMapping", "timestampNtz", "v2Checkpoint",
                                 "vacuumProtocolCheck", "typeWidening", "typeWidening-preview"}) {
    EXPECT_THAT(CheckReadable(WithFeatures({name}, {name}), {}), IsOk()) << name;
  }
}

TEST(CheckReadable, RefusesByNameWhatIsNotUnderstood) {
  for (const std::string name :
       {"variantType", "variantType-preview", "variantShredding", "catalogManaged", "catalogOwned-preview",
        "geospatial", "adaptiveMetadata-preview", "somethingElse", "deletionvectors"}) {
    ExpectUnsupported(CheckReadable(WithFeatures({name}, {name}), {}), name);
  }
  ExpectUnsupported(CheckReadable({99, 99, {}, {}}, {}), "minReaderVersion");
  Metadata orc;
  orc.format.provider = "orc";
  ExpectUnsupported(CheckReadable({1, 2, {}, {}}, orc), "format");
}

TEST(CheckReadable, RefusesProtocolsThatAreNotWellFormed) {
  for (const Protocol& protocol :
       {Protocol{3, 7, {}, Names{}}, Protocol{3, 7, Names{}, {}}, Protocol{3, 6, Names{}, {}},
        Protocol{2, 7, Names{}, Names{}}, Protocol{1, 2, {}, Names{}}, Protocol{-1, 2, {}, {}},
        WithFeatures({"deletionVectors"}, {})}) {
    EXPECT_THAT(CheckReadable(protocol, {}), IsError(ErrorCode::kCorrupt))
        << protocol.min_reader_version << " " << protocol.min_writer_version;
  }
  EXPECT_THAT(CheckReadable({2, 5, {}, {}}, WithConfiguration({{"delta.columnMapping.mode", "foo"}})),
              IsError(ErrorCode::kCorrupt));
}

TEST(CheckWritable, AcceptsFeaturesThatAreSupportedOrNotInUse) {
  const Schema schema = OneColumn(TypeKind::kLong);
  for (int version = 2; version <= 6; version++) EXPECT_THAT(CheckWritable({1, version, {}, {}}, {}, schema), IsOk());
  EXPECT_THAT(
      CheckWritable({2, 5, {}, {}},
                    WithConfiguration({{"delta.columnMapping.mode", "none"}, {"delta.appendOnly", "true"}}), schema),
      IsOk());
  const Names reader = {"columnMapping", "deletionVectors", "v2Checkpoint", "timestampNtz", "vacuumProtocolCheck"};
  Names writer = reader;
  for (const char* name : {"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns",
                           "identityColumns", "allowColumnDefaults", "domainMetadata", "inCommitTimestamp"})
    writer.emplace_back(name);
  EXPECT_THAT(CheckWritable(WithFeatures(reader, writer), {}, schema), IsOk());
}

TEST(CheckWritable, RefusesByNameWhatItMustNotWrite) {
  const Schema schema = OneColumn(TypeKind::kLong);
  for (const std::string name : {"rowTracking", "clustering", "icebergCompatV2", "checkpointProtection", "collations",
                                 "coordinatedCommits-preview", "somethingElse"}) {
    ExpectUnsupported(CheckWritable({1, 7, {}, Names{name}}, {}, schema), name);
  }
  ExpectUnsupported(CheckWritable(WithFeatures({"typeWidening"}, {"typeWidening"}), {}, schema), "typeWidening");
  ExpectUnsupported(CheckWritable({1, 8, {}, {}}, {}, schema), "minWriterVersion");
  ExpectUnsupported(CheckWritable({2, 5, {}, {}}, WithConfiguration({{"delta.columnMapping.mode", "name"}}), schema),
                    "columnMapping");
  ExpectUnsupported(CheckWritable({1, 3, {}, {}}, WithConfiguration({{"delta.constraints.c", "a > 1"}}), schema),
                    "checkConstraints");
  for (const auto& [key, feature] : StringMap{{"delta.invariants", "invariants"},
                                              {"delta.generationExpression", "generatedColumns"},
                                              {"delta.identity.start", "identityColumns"},
                                              {"CURRENT_DEFAULT", "allowColumnDefaults"}}) {
    const Schema inner = OneColumn(TypeKind::kLong, {{key, "\"x\""}});
    ExpectUnsupported(CheckWritable({1, 6, {}, {}}, {}, inner), feature);
    Schema outer = OneColumn(TypeKind::kStruct);
    outer[0].type.fields = inner;
    ExpectUnsupported(CheckWritable({1, 6, {}, {}}, {}, outer), feature);
  }
}

TEST(CheckTypesListed, RefusesTimestampsWithoutZoneThatTheProtocolLacks) {
  const Schema plain = OneColumn(TypeKind::kTimestampNtz);
  Schema nested = OneColumn(TypeKind::kStruct);
  nested[0].type.fields = plain;
  for (const Schema& schema : {plain, nested}) {
    ExpectUnsupported(CheckTypesListed({1, 2, {}, {}}, schema), "timestampNtz");
    ExpectUnsupported(CheckTypesListed({1, 7, {}, Names{"appendOnly"}}, schema), "timestampNtz");
    EXPECT_THAT(CheckTypesListed(WithFeatures({"timestampNtz"}, {"timestampNtz"}), schema), IsOk());
  }
  EXPECT_THAT(CheckTypesListed({1, 2, {}, {}}, OneColumn(TypeKind::kTimestamp)), IsOk());
}

TEST(CheckReadable, RefusesAnUnknownColumnMappingModeWhateverTheProtocol) {
  for (const Protocol& protocol : {Protocol{1, 2, {}, {}}, Protocol{2, 5, {}, {}}}) {
    EXPECT_THAT(CheckReadable(protocol, WithConfiguration({{"delta.columnMapping.mode", "foo"}})),
                IsError(ErrorCode::kCorrupt));
    EXPECT_THAT(CheckReadable(protocol, WithConfiguration({{"delta.columnMapping.mode", "NAME"}})), IsOk());
  }
}

TEST(HasFeature, KnowsLegacyVersionsAndNames) {
  EXPECT_TRUE(HasFeature({1, 2, {}, {}}, TableFeature::kAppendOnly));
  EXPECT_FALSE(HasFeature({1, 2, {}, {}}, TableFeature::kChangeDataFeed));
  EXPECT_TRUE(HasFeature({2, 5, {}, {}}, TableFeature::kColumnMapping));
  EXPECT_FALSE(HasFeature({1, 7, {}, Names{}}, TableFeature::kAppendOnly));
  EXPECT_FALSE(HasFeature({1, 6, {}, {}}, TableFeature::kDeletionVectors));
}

TEST(ProtocolForNewTable, IsTheLowestThatIsNeeded) {
  const Schema plain = OneColumn(TypeKind::kLong);
  const auto protocol = [&](StringMap configuration) { return MUST(ProtocolForNewTable(plain, configuration)); };
  EXPECT_EQ(protocol({}), (Protocol{1, 2, {}, {}}));
  EXPECT_EQ(protocol({{"delta.appendOnly", "true"}, {"mine", "x"}}), (Protocol{1, 2, {}, {}}));
  EXPECT_EQ(protocol({{"delta.enableChangeDataFeed", "TRUE"}}), (Protocol{1, 4, {}, {}}));
  EXPECT_EQ(protocol({{"delta.enableDeletionVectors", "false"}}), (Protocol{1, 2, {}, {}}));
  EXPECT_EQ(protocol({{"delta.enableInCommitTimestamps", "true"}}),
            (Protocol{1, 7, {}, Names{"appendOnly", "invariants", "inCommitTimestamp"}}));
  EXPECT_EQ(protocol({{"delta.enableDeletionVectors", "true"}, {"delta.enableChangeDataFeed", "true"}}),
            WithFeatures({"deletionVectors"}, {"appendOnly", "invariants", "changeDataFeed", "deletionVectors"}));
  EXPECT_EQ(protocol({{"delta.checkpointPolicy", "v2"}}),
            WithFeatures({"v2Checkpoint"}, {"appendOnly", "invariants", "v2Checkpoint"}));
  EXPECT_EQ(protocol({{"delta.feature.vacuumProtocolCheck", "supported"}}),
            WithFeatures({"vacuumProtocolCheck"}, {"appendOnly", "invariants", "vacuumProtocolCheck"}));
  Schema nested = OneColumn(TypeKind::kArray);
  nested[0].type.children = {{.kind = TypeKind::kTimestampNtz, .fields = {}, .children = {}}};
  EXPECT_EQ(MUST(ProtocolForNewTable(nested, {})),
            WithFeatures({"timestampNtz"}, {"appendOnly", "invariants", "timestampNtz"}));
}

TEST(ProtocolForNewTable, RefusesFeaturesThatCannotBeWritten) {
  const Schema plain = OneColumn(TypeKind::kLong);
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, std::string>>{{"delta.columnMapping.mode", "name"},
                                                        {"delta.enableRowTracking", "true"},
                                                        {"delta.enableTypeWidening", "true"},
                                                        {"delta.feature.clustering", "supported"},
                                                        {"delta.feature.nonsense", "supported"},
                                                        {"delta.constraints.c", "a > 1"},
                                                        {"delta.enableIcebergCompatV2", "true"}}) {
    EXPECT_THAT(ProtocolForNewTable(plain, {{key, value}}), IsError(ErrorCode::kUnsupported)) << key;
  }
  EXPECT_THAT(ProtocolForNewTable(OneColumn(TypeKind::kVariant), {}), IsError(ErrorCode::kUnsupported));
  EXPECT_THAT(ProtocolForNewTable(plain, {{"delta.foo", "1"}}), IsError(ErrorCode::kInvalidArgument));
}

TEST(ExtendProtocol, KeepsWhatIsThereAndAddsWhatIsNeeded) {
  const Schema plain = OneColumn(TypeKind::kLong);
  const auto extend = [](const Protocol& present, const Schema& schema, const StringMap& configuration) {
    return MUST(ExtendProtocol(present, schema, configuration));
  };
  const Protocol vectors = WithFeatures({"deletionVectors"}, {"deletionVectors"});
  EXPECT_EQ(extend(vectors, plain, {}), vectors);
  EXPECT_EQ(extend(vectors, plain, {{"delta.enableDeletionVectors", "true"}}), vectors);
  EXPECT_EQ(extend(vectors, OneColumn(TypeKind::kTimestampNtz), {}),
            WithFeatures({"deletionVectors", "timestampNtz"}, {"deletionVectors", "timestampNtz"}));
  EXPECT_EQ(extend(WithFeatures({}, {"appendOnly"}), plain, {{"delta.enableInCommitTimestamps", "true"}}),
            WithFeatures({}, {"appendOnly", "inCommitTimestamp"}));
  EXPECT_EQ(extend({1, 1, {}, {}}, plain, {{"delta.enableChangeDataFeed", "true"}}), (Protocol{1, 4, {}, {}}));
  EXPECT_EQ(extend({1, 4, {}, {}}, plain, {{"delta.enableInCommitTimestamps", "true"}}),
            (Protocol{1,
                      7,
                      {},
                      Names{"appendOnly", "invariants", "checkConstraints", "changeDataFeed", "generatedColumns",
                            "inCommitTimestamp"}}));
  EXPECT_THAT(ExtendProtocol(vectors, plain, {{"delta.enableRowTracking", "true"}}), IsError(ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace yummy::delta
