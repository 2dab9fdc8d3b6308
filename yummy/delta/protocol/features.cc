#include "yummy/delta/protocol/features.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <set>

#include <fmt/format.h>

#include "yummy/base/text.h"

namespace yummy::delta {

namespace {

template <bool TableProperties::* property>
bool IsSet(const TableProperties& properties, const Schema&) {
  return properties.*property;
}

bool MapsColumns(const TableProperties& properties, const Schema&) {
  return properties.column_mapping_mode != ColumnMappingMode::kNone;
}

bool MaterializesPartitionColumns(const TableProperties& properties, const Schema&) {
  return properties.enable_materialized_partition_columns || properties.write_partition_columns_to_parquet;
}

template <TypeKind kind>
bool IsOrHoldsType(const DataType& type) {
  return type.kind == kind ||
         std::ranges::any_of(type.fields, [](const Field& field) { return IsOrHoldsType<kind>(field.type); }) ||
         std::ranges::any_of(type.children, IsOrHoldsType<kind>);
}

template <TypeKind kind>
bool HasType(const TableProperties&, const Schema& schema) {
  return std::ranges::any_of(schema, [](const Field& field) { return IsOrHoldsType<kind>(field.type); });
}

// The first field that fits, at any depth.
template <typename Fits>
const Field* FindField(const std::vector<Field>& fields, const Fits& fits);

template <typename Fits>
const Field* FindFieldBelow(const DataType& type, const Fits& fits) {
  if (const Field* found = FindField(type.fields, fits)) return found;
  for (const DataType& child : type.children) {
    if (const Field* found = FindFieldBelow(child, fits)) return found;
  }
  return nullptr;
}

template <typename Fits>
const Field* FindField(const std::vector<Field>& fields, const Fits& fits) {
  for (const Field& field : fields) {
    if (fits(field)) return &field;
    if (const Field* found = FindFieldBelow(field.type, fits)) return found;
  }
  return nullptr;
}

std::optional<std::string> ByColumn(const Field* field) {
  return field == nullptr ? std::nullopt : std::optional(fmt::format("by the column '{}'", field->name));
}

// Keys in the metadata of a field; one that ends in a point stands for all keys that begin so.
constexpr std::string_view kInvariantKey = "delta.invariants";
constexpr std::string_view kGenerationKey = "delta.generationExpression";
constexpr std::string_view kIdentityKeys = "delta.identity.";
constexpr std::string_view kDefaultKey = "CURRENT_DEFAULT";

template <const std::string_view& wanted>
std::optional<std::string> UsedByColumn(const Metadata&, const Schema& schema) {
  return ByColumn(FindField(schema, [](const Field& field) {
    return std::ranges::any_of(field.metadata, [](const auto& entry) {
      return wanted.ends_with('.') ? entry.first.starts_with(wanted) : entry.first == wanted;
    });
  }));
}

template <TypeKind kind>
std::optional<std::string> UsedByType(const Metadata&, const Schema& schema) {
  return ByColumn(FindField(schema, [](const Field& field) { return field.type.kind == kind; }));
}

std::optional<std::string> UsedByConstraint(const Metadata& metadata, const Schema&) {
  for (const auto& [key, value] : metadata.configuration) {
    if (key.starts_with(kConstraintPropertyPrefix)) return fmt::format("by '{}'", key);
  }
  return std::nullopt;
}

std::optional<std::string> UsedByMapping(const Metadata& metadata, const Schema&) {
  if (TableProperties::From(metadata.configuration).column_mapping_mode == ColumnMappingMode::kNone)
    return std::nullopt;
  return fmt::format("with mode '{}'", metadata.configuration.at(std::string(kColumnMappingModeProperty)));
}

using enum TableFeature;

// Sources: PROTOCOL.md, "Valid Feature Names in Table Features", the accepted and the open RFCs, and the preview names
// that delta-spark registers. A writer-only feature is readable by its nature.
constexpr std::array kFeatures = {
    Feature{.id = kAppendOnly,
            .name = "appendOnly",
            .legacy_writer_version = 2,
            .writable = true,
            .switched_on_by = IsSet<&TableProperties::append_only>},
    Feature{.id = kInvariants,
            .name = "invariants",
            .legacy_writer_version = 2,
            .writable = true,
            .used_by = UsedByColumn<kInvariantKey>},
    Feature{.id = kCheckConstraints,
            .name = "checkConstraints",
            .legacy_writer_version = 3,
            .writable = true,
            .used_by = UsedByConstraint},
    Feature{.id = kChangeDataFeed,
            .name = "changeDataFeed",
            .legacy_writer_version = 4,
            .writable = true,
            .switched_on_by = IsSet<&TableProperties::enable_change_data_feed>},
    Feature{.id = kGeneratedColumns,
            .name = "generatedColumns",
            .legacy_writer_version = 4,
            .writable = true,
            .used_by = UsedByColumn<kGenerationKey>},
    Feature{.id = kColumnMapping,
            .name = "columnMapping",
            .is_reader_feature = true,
            .legacy_reader_version = 2,
            .legacy_writer_version = 5,
            .switched_on_by = MapsColumns,
            .used_by = UsedByMapping},
    Feature{.id = kIdentityColumns,
            .name = "identityColumns",
            .legacy_writer_version = 6,
            .writable = true,
            .used_by = UsedByColumn<kIdentityKeys>},
    Feature{.id = kDeletionVectors,
            .name = "deletionVectors",
            .is_reader_feature = true,
            .writable = true,
            .switched_on_by = IsSet<&TableProperties::enable_deletion_vectors>},
    Feature{.id = kRowTracking, .name = "rowTracking", .switched_on_by = IsSet<&TableProperties::enable_row_tracking>},
    Feature{.id = kTimestampNtz,
            .name = "timestampNtz",
            .is_reader_feature = true,
            .writable = true,
            .switched_on_by = HasType<TypeKind::kTimestampNtz>},
    Feature{.id = kDomainMetadata, .name = "domainMetadata", .writable = true},
    Feature{.id = kV2Checkpoint,
            .name = "v2Checkpoint",
            .is_reader_feature = true,
            .writable = true,
            .switched_on_by = IsSet<&TableProperties::checkpoint_policy_v2>},
    Feature{.id = kCatalogManaged, .name = "catalogManaged", .is_reader_feature = true, .readable = false},
    Feature{.id = kCatalogOwnedPreview, .name = "catalogOwned-preview", .is_reader_feature = true, .readable = false},
    Feature{.id = kCoordinatedCommitsPreview, .name = "coordinatedCommits-preview"},
    Feature{.id = kIcebergCompatV1,
            .name = "icebergCompatV1",
            .switched_on_by = IsSet<&TableProperties::enable_iceberg_compat_v1>},
    Feature{.id = kIcebergCompatV2,
            .name = "icebergCompatV2",
            .switched_on_by = IsSet<&TableProperties::enable_iceberg_compat_v2>},
    Feature{.id = kIcebergCompatV3,
            .name = "icebergCompatV3",
            .switched_on_by = IsSet<&TableProperties::enable_iceberg_compat_v3>},
    Feature{.id = kIcebergWriterCompatV1, .name = "icebergWriterCompatV1"},
    Feature{.id = kIcebergWriterCompatV2, .name = "icebergWriterCompatV2"},
    Feature{.id = kIcebergWriterCompatV3, .name = "icebergWriterCompatV3"},
    Feature{.id = kClustering, .name = "clustering"},
    Feature{.id = kVacuumProtocolCheck, .name = "vacuumProtocolCheck", .is_reader_feature = true, .writable = true},
    Feature{.id = kInCommitTimestamp,
            .name = "inCommitTimestamp",
            .writable = true,
            .switched_on_by = IsSet<&TableProperties::in_commit_timestamps>},
    Feature{.id = kInCommitTimestampPreview, .name = "inCommitTimestamp-preview"},
    Feature{.id = kTypeWidening,
            .name = "typeWidening",
            .is_reader_feature = true,
            .switched_on_by = IsSet<&TableProperties::enable_type_widening>},
    Feature{.id = kTypeWideningPreview, .name = "typeWidening-preview", .is_reader_feature = true},
    Feature{.id = kVariantType,
            .name = "variantType",
            .is_reader_feature = true,
            .readable = false,
            .switched_on_by = HasType<TypeKind::kVariant>,
            .used_by = UsedByType<TypeKind::kVariant>},
    Feature{.id = kVariantTypePreview, .name = "variantType-preview", .is_reader_feature = true, .readable = false},
    Feature{.id = kVariantShredding,
            .name = "variantShredding",
            .is_reader_feature = true,
            .readable = false,
            .switched_on_by = IsSet<&TableProperties::enable_variant_shredding>},
    Feature{.id = kVariantShreddingPreview,
            .name = "variantShredding-preview",
            .is_reader_feature = true,
            .readable = false},
    Feature{.id = kAllowColumnDefaults,
            .name = "allowColumnDefaults",
            .writable = true,
            .used_by = UsedByColumn<kDefaultKey>},
    Feature{.id = kCheckpointProtection, .name = "checkpointProtection"},
    Feature{.id = kMaterializePartitionColumns,
            .name = "materializePartitionColumns",
            .switched_on_by = MaterializesPartitionColumns},
    Feature{.id = kCollations, .name = "collations"},
    Feature{.id = kCollationsPreview, .name = "collations-preview"},
    Feature{.id = kColumnMappingUsageTracking, .name = "columnMappingUsageTracking"},
    Feature{.id = kGeospatial, .name = "geospatial", .is_reader_feature = true, .readable = false},
    Feature{.id = kGeospatialDev, .name = "geospatial-dev", .is_reader_feature = true, .readable = false},
    Feature{.id = kAdaptiveMetadataPreview,
            .name = "adaptiveMetadata-preview",
            .is_reader_feature = true,
            .readable = false},
    Feature{.id = kRedirectReaderWriterPreview,
            .name = "redirectReaderWriter-preview",
            .is_reader_feature = true,
            .readable = false},
    Feature{.id = kRedirectWriterOnlyPreview, .name = "redirectWriterOnly-preview"},
};

constexpr bool StandAtTheirIds() {
  for (size_t i = 0; i < kFeatures.size(); i++) {
    if (static_cast<size_t>(kFeatures[i].id) != i) return false;
  }
  return true;
}
static_assert(StandAtTheirIds());

const Feature& FeatureOf(TableFeature id) {
  assert(static_cast<size_t>(id) < kFeatures.size());
  return kFeatures[static_cast<size_t>(id)];
}

Error Unsupported(std::string_view feature, std::string what) {
  return Error(ErrorCode::kUnsupported, std::move(what))
      .WithReason(Reason::kUnsupportedTableFeature)
      .With("feature", std::string(feature));
}

Error NotReadable(std::string_view feature) {
  return Unsupported(feature, fmt::format("the table needs the reader feature '{}', which is not supported", feature));
}

Error NotWritable(std::string_view feature, std::string_view why) {
  return Unsupported(feature, fmt::format("the table cannot be written: the feature '{}' {}", feature, why));
}

Error CorruptProtocol(std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("protocol: {}", what)).WithReason(Reason::kCorruptTable);
}

bool Lists(const std::optional<std::vector<std::string>>& features, std::string_view name) {
  return features && std::find(features->begin(), features->end(), name) != features->end();
}

Result<void> CheckWellFormed(const Protocol& protocol) {
  if (protocol.min_reader_version < 0 || protocol.min_writer_version < 0)
    return CorruptProtocol("a version is negative");
  if (protocol.reader_features.has_value() != (protocol.min_reader_version == 3) && protocol.min_reader_version <= 3) {
    return CorruptProtocol(fmt::format("minReaderVersion is {}, but readerFeatures {}", protocol.min_reader_version,
                                       protocol.reader_features ? "are there" : "are absent"));
  }
  if (protocol.writer_features.has_value() != (protocol.min_writer_version == 7) && protocol.min_writer_version <= 7) {
    return CorruptProtocol(fmt::format("minWriterVersion is {}, but writerFeatures {}", protocol.min_writer_version,
                                       protocol.writer_features ? "are there" : "are absent"));
  }
  if (protocol.min_reader_version == 3 && protocol.min_writer_version < 7) {
    return CorruptProtocol(
        fmt::format("minReaderVersion 3 needs minWriterVersion 7, found {}", protocol.min_writer_version));
  }
  if (!protocol.reader_features || !protocol.writer_features) return {};
  for (const std::string& name : *protocol.reader_features) {
    if (!Lists(protocol.writer_features, name)) {
      return CorruptProtocol(fmt::format("the feature '{}' is in readerFeatures, but not in writerFeatures", name));
    }
  }
  return {};
}

// Refuses a table that uses a feature which the engine can only write around. Use counts even if the protocol does not
// list the feature, because its rules hold although some writer forgot to list it.
Result<void> CheckUse(const Metadata& metadata, const Schema& schema) {
  for (const Feature& feature : kFeatures) {
    if (feature.used_by == nullptr) continue;
    if (const auto use = feature.used_by(metadata, schema))
      return NotWritable(feature.name, fmt::format("is in use {}", *use));
  }
  return {};
}

using Features = std::set<TableFeature>;

Result<void> AddFeature(Features& features, std::string_view name) {
  const Feature* feature = FindFeature(name);
  if (feature == nullptr || !feature->writable) {
    return Unsupported(name, fmt::format("the feature '{}' is not supported for new tables", name));
  }
  features.insert(feature->id);
  return {};
}

// The features that the schema and the configuration need. Errors: Unsupported.
Result<Features> NeededFeatures(const Schema& schema, const StringMap& configuration) {
  const TableProperties properties = TableProperties::From(configuration);
  Features features;
  for (const Feature& feature : kFeatures) {
    if (feature.switched_on_by != nullptr && feature.switched_on_by(properties, schema))
      TRY(AddFeature(features, feature.name));
  }
  for (const auto& [key, value] : configuration) {
    if (key.starts_with(kFeaturePropertyPrefix))
      TRY(AddFeature(features, std::string_view(key).substr(kFeaturePropertyPrefix.size())));
  }
  return features;
}

bool NeedList(const Features& features) {
  return std::ranges::any_of(features, [](TableFeature id) { return FeatureOf(id).legacy_writer_version == 0; });
}

// The protocol with the legacy version for writers that the features need.
Protocol RaiseVersion(Protocol protocol, const Features& features) {
  for (const TableFeature id : features)
    protocol.min_writer_version = std::max(protocol.min_writer_version, FeatureOf(id).legacy_writer_version);
  return protocol;
}

// The protocol that lists these features by name.
Protocol ListFeatures(const Features& features) {
  Protocol protocol{.min_reader_version = 1, .min_writer_version = 7};
  protocol.writer_features.emplace();
  for (const TableFeature id : features) {
    const Feature& feature = FeatureOf(id);
    protocol.writer_features->emplace_back(feature.name);
    if (!feature.is_reader_feature) continue;
    protocol.min_reader_version = 3;
    if (!protocol.reader_features) protocol.reader_features.emplace();
    protocol.reader_features->emplace_back(feature.name);
  }
  return protocol;
}

}  // namespace

std::span<const Feature> AllFeatures() { return kFeatures; }

const Feature* FindFeature(std::string_view name) {
  const auto found =
      std::find_if(kFeatures.begin(), kFeatures.end(), [&](const Feature& feature) { return feature.name == name; });
  return found == kFeatures.end() ? nullptr : &*found;
}

bool HasFeature(const Protocol& protocol, TableFeature id) {
  const Feature& feature = FeatureOf(id);
  if (Lists(protocol.writer_features, feature.name) || Lists(protocol.reader_features, feature.name)) return true;
  if (feature.legacy_writer_version == 0 || protocol.min_writer_version >= 7) return false;
  return protocol.min_writer_version >= feature.legacy_writer_version &&
         protocol.min_reader_version >= feature.legacy_reader_version;
}

bool HasReaderFeature(const Protocol& protocol, TableFeature id) {
  const Feature& feature = FeatureOf(id);
  if (Lists(protocol.reader_features, feature.name)) return true;
  return feature.legacy_reader_version > 0 && protocol.min_reader_version < 3 &&
         protocol.min_reader_version >= feature.legacy_reader_version;
}

bool HasInCommitTimestamps(const Protocol& protocol, const TableProperties& properties) {
  return properties.in_commit_timestamps && HasFeature(protocol, kInCommitTimestamp);
}

Result<void> CheckReadable(const Protocol& protocol, const Metadata& metadata) {
  TRY(CheckWellFormed(protocol));
  if (protocol.min_reader_version > 3) {
    return Unsupported("minReaderVersion", fmt::format("the table needs reader version {}, at most 3 is supported",
                                                       protocol.min_reader_version));
  }
  if (protocol.reader_features) {
    for (const std::string& name : *protocol.reader_features) {
      const Feature* feature = FindFeature(name);
      if (feature == nullptr || !feature->readable) return NotReadable(name);
    }
  }
  if (LowerCase(metadata.format.provider) != "parquet") {
    return Unsupported(
        "format", fmt::format("the table's data files are '{}', only parquet is supported", metadata.format.provider));
  }
  TRY(NamedMappingMode(metadata.configuration));
  return {};
}

Result<void> CheckWritable(const Protocol& protocol, const Metadata& metadata, const Schema& schema) {
  TRY(CheckReadable(protocol, metadata));
  if (protocol.min_writer_version > 7) {
    return Unsupported("minWriterVersion", fmt::format("the table needs writer version {}, at most 7 is supported",
                                                       protocol.min_writer_version));
  }
  if (protocol.writer_features) {
    for (const std::string& name : *protocol.writer_features) {
      const Feature* feature = FindFeature(name);
      if (feature == nullptr) return NotWritable(name, "is unknown");
      // A listed column mapping that is not in use demands nothing of a writer. CheckUse refuses the modes that do.
      if (feature->id == kColumnMapping) continue;
      if (!feature->writable) return NotWritable(name, "is not supported for writing");
    }
  }
  return CheckUse(metadata, schema);
}

Result<void> CheckTypesListed(const Protocol& protocol, const Schema& schema) {
  const Feature& feature = FeatureOf(kTimestampNtz);
  if (!feature.switched_on_by({}, schema) || HasFeature(protocol, feature.id)) return {};
  return NotWritable(feature.name, fmt::format("is in use, but the protocol does not list it: set the table property "
                                               "'{}{}' to 'supported' by the writer that made the table, or "
                                               "create the table anew in its place",
                                               kFeaturePropertyPrefix, feature.name));
}

Result<Protocol> ProtocolForNewTable(const Schema& schema, const StringMap& configuration) {
  TRY(CheckTableProperties(configuration));
  Features features = TRY(NeededFeatures(schema, configuration));
  Metadata metadata;
  metadata.configuration = configuration;
  TRY(CheckUse(metadata, schema));
  if (!NeedList(features)) return RaiseVersion(Protocol(), features);
  // The features of (1, 2) still hold when features are listed by name.
  features.insert({kAppendOnly, kInvariants});
  return ListFeatures(features);
}

Result<Protocol> ExtendProtocol(const Protocol& present, const Schema& schema, const StringMap& configuration) {
  Features features = TRY(NeededFeatures(schema, configuration));
  std::erase_if(features, [&](TableFeature id) { return HasFeature(present, id); });
  if (features.empty()) return present;
  if (present.min_writer_version < 7 && !NeedList(features)) return RaiseVersion(present, features);
  for (const Feature& feature : kFeatures) {
    if (HasFeature(present, feature.id)) features.insert(feature.id);
  }
  Protocol protocol = ListFeatures(features);
  // A table may require reader version 3 although it lists no feature for readers.
  if (present.min_reader_version > protocol.min_reader_version) {
    protocol.min_reader_version = 3;
    protocol.reader_features.emplace();
  }
  return protocol;
}

}  // namespace yummy::delta
