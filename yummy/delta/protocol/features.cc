#include "yummy/delta/protocol/features.h"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/delta/protocol/column_mapping.h"

namespace yummy::delta {

namespace {

// Sources: PROTOCOL.md, "Valid Feature Names in Table Features", the accepted and the open RFCs, and the preview names
// that delta-spark registers. A writer-only feature is readable by its nature.
constexpr std::array kFeatures = {
    Feature{.name = "appendOnly", .legacy_writer_version = 2, .writable = true},
    Feature{.name = "invariants", .legacy_writer_version = 2, .writable = true},
    Feature{.name = "checkConstraints", .legacy_writer_version = 3, .writable = true},
    Feature{.name = "changeDataFeed", .legacy_writer_version = 4, .writable = true},
    Feature{.name = "generatedColumns", .legacy_writer_version = 4, .writable = true},
    Feature{.name = "columnMapping", .is_reader_feature = true, .legacy_reader_version = 2, .legacy_writer_version = 5},
    Feature{.name = "identityColumns", .legacy_writer_version = 6, .writable = true},
    Feature{.name = "deletionVectors", .is_reader_feature = true, .writable = true},
    Feature{.name = "rowTracking"},
    Feature{.name = "timestampNtz", .is_reader_feature = true, .writable = true},
    Feature{.name = "domainMetadata", .writable = true},
    Feature{.name = "v2Checkpoint", .is_reader_feature = true, .writable = true},
    Feature{.name = "catalogManaged", .is_reader_feature = true, .readable = false},
    Feature{.name = "catalogOwned-preview", .is_reader_feature = true, .readable = false},
    Feature{.name = "coordinatedCommits-preview"},
    Feature{.name = "icebergCompatV1"},
    Feature{.name = "icebergCompatV2"},
    Feature{.name = "icebergCompatV3"},
    Feature{.name = "icebergWriterCompatV1"},
    Feature{.name = "icebergWriterCompatV2"},
    Feature{.name = "icebergWriterCompatV3"},
    Feature{.name = "clustering"},
    Feature{.name = "vacuumProtocolCheck", .is_reader_feature = true, .writable = true},
    Feature{.name = "inCommitTimestamp", .writable = true},
    Feature{.name = "inCommitTimestamp-preview"},
    Feature{.name = "typeWidening", .is_reader_feature = true},
    Feature{.name = "typeWidening-preview", .is_reader_feature = true},
    Feature{.name = "variantType", .is_reader_feature = true, .readable = false},
    Feature{.name = "variantType-preview", .is_reader_feature = true, .readable = false},
    Feature{.name = "variantShredding", .is_reader_feature = true, .readable = false},
    Feature{.name = "variantShredding-preview", .is_reader_feature = true, .readable = false},
    Feature{.name = "allowColumnDefaults", .writable = true},
    Feature{.name = "checkpointProtection"},
    Feature{.name = "materializePartitionColumns"},
    Feature{.name = "collations"},
    Feature{.name = "collations-preview"},
    Feature{.name = "columnMappingUsageTracking"},
    Feature{.name = "geospatial", .is_reader_feature = true, .readable = false},
    Feature{.name = "geospatial-dev", .is_reader_feature = true, .readable = false},
    Feature{.name = "adaptiveMetadata-preview", .is_reader_feature = true, .readable = false},
    Feature{.name = "redirectReaderWriter-preview", .is_reader_feature = true, .readable = false},
    Feature{.name = "redirectWriterOnly-preview"},
};

// A property that switches a feature on.
struct Switch {
  std::string_view key;
  std::string_view value;  // in lower case
  std::string_view feature;
};
constexpr std::array kSwitches = {
    Switch{"delta.appendOnly", "true", "appendOnly"},
    Switch{"delta.enableChangeDataFeed", "true", "changeDataFeed"},
    Switch{"delta.enableChangeDataCapture", "true", "changeDataFeed"},  // its name before Delta 2.0
    Switch{"delta.enableDeletionVectors", "true", "deletionVectors"},
    Switch{"delta.enableInCommitTimestamps", "true", "inCommitTimestamp"},
    Switch{"delta.checkpointPolicy", "v2", "v2Checkpoint"},
    Switch{"delta.columnMapping.mode", "name", "columnMapping"},
    Switch{"delta.columnMapping.mode", "id", "columnMapping"},
    Switch{"delta.enableRowTracking", "true", "rowTracking"},
    Switch{"delta.enableTypeWidening", "true", "typeWidening"},
    Switch{"delta.enableIcebergCompatV1", "true", "icebergCompatV1"},
    Switch{"delta.enableIcebergCompatV2", "true", "icebergCompatV2"},
    Switch{"delta.enableIcebergCompatV3", "true", "icebergCompatV3"},
    Switch{"delta.enableVariantShredding", "true", "variantShredding"},
    Switch{"delta.enableMaterializePartitionColumnsFeature", "true", "materializePartitionColumns"},
    Switch{"delta.writePartitionColumnsToParquet", "true", "materializePartitionColumns"},
};

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

template <typename Visit>
Result<void> EachFieldBelow(const DataType& type, Visit&& visit) {
  for (const Field& field : type.fields) {
    TRY(visit(field));
    TRY(EachFieldBelow(field.type, visit));
  }
  for (const DataType& child : type.children) TRY(EachFieldBelow(child, visit));
  return {};
}

template <typename Visit>
Result<void> EachField(const Schema& schema, Visit&& visit) {
  for (const Field& field : schema) {
    TRY(visit(field));
    TRY(EachFieldBelow(field.type, visit));
  }
  return {};
}

// Refuses a table that uses a feature which the engine can only write around. Use counts even if the protocol does not
// list the feature, because its rules hold although some writer forgot to list it.
Result<void> CheckUse(const Metadata& metadata, const Schema& schema) {
  for (const auto& [key, value] : metadata.configuration) {
    if (key.starts_with(kConstraintPropertyPrefix)) {
      return NotWritable("checkConstraints", fmt::format("is in use by '{}'", key));
    }
  }
  if (TRY(NamedMappingMode(metadata.configuration)) != ColumnMappingMode::kNone) {
    return NotWritable(
        "columnMapping",
        fmt::format("is in use with mode '{}'", metadata.configuration.at(std::string(kColumnMappingModeProperty))));
  }
  return EachField(schema, [](const Field& field) -> Result<void> {
    const auto in_use = [&](std::string_view feature) {
      return NotWritable(feature, fmt::format("is in use by the column '{}'", field.name));
    };
    for (const auto& [key, value] : field.metadata) {
      if (key == "delta.invariants") return in_use("invariants");
      if (key == "delta.generationExpression") return in_use("generatedColumns");
      if (key.starts_with("delta.identity.")) return in_use("identityColumns");
      if (key == "CURRENT_DEFAULT") return in_use("allowColumnDefaults");
    }
    if (field.type.kind == TypeKind::kVariant) return in_use("variantType");
    return {};
  });
}

Result<void> AddFeature(std::set<std::string_view>& names, std::string_view name) {
  const Feature* feature = FindFeature(name);
  if (feature == nullptr || !feature->writable) {
    return Unsupported(name, fmt::format("the feature '{}' is not supported for new tables", name));
  }
  names.insert(feature->name);
  return {};
}

bool UsesType(const DataType& type, TypeKind kind) {
  const auto in_field = [&](const Field& field) { return UsesType(field.type, kind); };
  const auto in_child = [&](const DataType& child) { return UsesType(child, kind); };
  return type.kind == kind || std::any_of(type.fields.begin(), type.fields.end(), in_field) ||
         std::any_of(type.children.begin(), type.children.end(), in_child);
}

bool UsesType(const Schema& schema, TypeKind kind) {
  return std::any_of(schema.begin(), schema.end(), [&](const Field& field) { return UsesType(field.type, kind); });
}

// The features that the schema and the configuration need. Errors: Unsupported.
Result<std::set<std::string_view>> NeededFeatures(const Schema& schema, const StringMap& configuration) {
  std::set<std::string_view> names;
  for (const Switch& item : kSwitches) {
    const auto found = configuration.find(std::string(item.key));
    if (found != configuration.end() && LowerCase(found->second) == item.value) TRY(AddFeature(names, item.feature));
  }
  for (const auto& [key, value] : configuration) {
    if (key.starts_with(kFeaturePropertyPrefix))
      TRY(AddFeature(names, std::string_view(key).substr(kFeaturePropertyPrefix.size())));
  }
  if (UsesType(schema, TypeKind::kTimestampNtz)) TRY(AddFeature(names, "timestampNtz"));
  if (UsesType(schema, TypeKind::kVariant)) TRY(AddFeature(names, "variantType"));
  return names;
}

// The protocol that lists these features by name.
Protocol ListFeatures(const std::set<std::string_view>& names) {
  Protocol protocol{.min_reader_version = 1, .min_writer_version = 7};
  protocol.writer_features.emplace();
  for (const Feature& feature : kFeatures) {
    if (!names.contains(feature.name)) continue;
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

bool HasFeature(const Protocol& protocol, std::string_view name) {
  if (Lists(protocol.writer_features, name) || Lists(protocol.reader_features, name)) return true;
  const Feature* feature = FindFeature(name);
  if (feature == nullptr || feature->legacy_writer_version == 0 || protocol.min_writer_version >= 7) return false;
  return protocol.min_writer_version >= feature->legacy_writer_version &&
         protocol.min_reader_version >= feature->legacy_reader_version;
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
  TRY(ColumnMappingModeOf(protocol, metadata.configuration));
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
      if (name == "columnMapping") continue;
      if (!feature->writable) return NotWritable(name, "is not supported for writing");
    }
  }
  return CheckUse(metadata, schema);
}

Result<void> CheckTypesListed(const Protocol& protocol, const Schema& schema) {
  constexpr std::string_view kFeature = "timestampNtz";
  if (!UsesType(schema, TypeKind::kTimestampNtz) || HasFeature(protocol, kFeature)) return {};
  return NotWritable(kFeature, fmt::format("is in use, but the protocol does not list it: set the table property "
                                           "'delta.feature.{}' to 'supported' by the writer that made the table, or "
                                           "create the table anew in its place",
                                           kFeature));
}

Result<Protocol> ProtocolForNewTable(const Schema& schema, const StringMap& configuration) {
  TRY(CheckTableProperties(configuration));
  std::set<std::string_view> names = TRY(NeededFeatures(schema, configuration));
  Metadata metadata;
  metadata.configuration = configuration;
  TRY(CheckUse(metadata, schema));

  Protocol protocol;  // (1, 2)
  const bool needs_features = std::any_of(
      names.begin(), names.end(), [](std::string_view name) { return FindFeature(name)->legacy_writer_version == 0; });
  if (!needs_features) {
    for (const std::string_view name : names)
      protocol.min_writer_version = std::max(protocol.min_writer_version, FindFeature(name)->legacy_writer_version);
    return protocol;
  }
  // The features of (1, 2) still hold when features are listed by name.
  names.insert("appendOnly");
  names.insert("invariants");
  return ListFeatures(names);
}

Result<Protocol> ExtendProtocol(const Protocol& present, const Schema& schema, const StringMap& configuration) {
  std::set<std::string_view> names = TRY(NeededFeatures(schema, configuration));
  std::erase_if(names, [&](std::string_view name) { return HasFeature(present, name); });
  if (names.empty()) return present;
  const bool needs_list = std::any_of(
      names.begin(), names.end(), [](std::string_view name) { return FindFeature(name)->legacy_writer_version == 0; });
  if (present.min_writer_version < 7 && !needs_list) {
    Protocol protocol = present;
    for (const std::string_view name : names)
      protocol.min_writer_version = std::max(protocol.min_writer_version, FindFeature(name)->legacy_writer_version);
    return protocol;
  }
  for (const Feature& feature : kFeatures) {
    if (HasFeature(present, feature.name)) names.insert(feature.name);
  }
  Protocol protocol = ListFeatures(names);
  // A table may require reader version 3 although it lists no feature for readers.
  if (present.min_reader_version > protocol.min_reader_version) {
    protocol.min_reader_version = 3;
    protocol.reader_features.emplace();
  }
  return protocol;
}

}  // namespace yummy::delta
