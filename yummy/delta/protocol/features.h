#pragma once
// The table of all table features, and what this engine does with each (PROTOCOL.md, "Table Features").

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

/// The features, in the order of the table.
enum class TableFeature {
  kAppendOnly,
  kInvariants,
  kCheckConstraints,
  kChangeDataFeed,
  kGeneratedColumns,
  kColumnMapping,
  kIdentityColumns,
  kDeletionVectors,
  kRowTracking,
  kTimestampNtz,
  kDomainMetadata,
  kV2Checkpoint,
  kCatalogManaged,
  kCatalogOwnedPreview,
  kCoordinatedCommitsPreview,
  kIcebergCompatV1,
  kIcebergCompatV2,
  kIcebergCompatV3,
  kIcebergWriterCompatV1,
  kIcebergWriterCompatV2,
  kIcebergWriterCompatV3,
  kClustering,
  kVacuumProtocolCheck,
  kInCommitTimestamp,
  kInCommitTimestampPreview,
  kTypeWidening,
  kTypeWideningPreview,
  kVariantType,
  kVariantTypePreview,
  kVariantShredding,
  kVariantShreddingPreview,
  kAllowColumnDefaults,
  kCheckpointProtection,
  kMaterializePartitionColumns,
  kCollations,
  kCollationsPreview,
  kColumnMappingUsageTracking,
  kGeospatial,
  kGeospatialDev,
  kAdaptiveMetadataPreview,
  kRedirectReaderWriterPreview,
  kRedirectWriterOnlyPreview,
};

struct Feature {
  TableFeature id;
  std::string_view name;
  bool is_reader_feature = false;  // true: reader-writer feature; false: writer-only
  int legacy_reader_version = 0;   // 0: none, the feature has no legacy version
  int legacy_writer_version = 0;
  bool readable = true;
  bool writable = false;  // tables with the feature can be written
  /// True if the properties or columns of a table need the feature. Null if only a delta.feature.* key switches it on.
  bool (*switched_on_by)(const TableProperties& properties, const Schema& schema) = nullptr;
  /// The use of the feature that makes a table read-only, such as "by the column 'a'"; absent if the table has none.
  std::optional<std::string> (*used_by)(const Metadata& metadata, const Schema& schema) = nullptr;
};

/// Every feature that PROTOCOL.md and its accepted RFCs name.
std::span<const Feature> AllFeatures();
const Feature* FindFeature(std::string_view name);

/// True when the protocol has the feature, by name or by its legacy version.
bool HasFeature(const Protocol& protocol, TableFeature id);
/// True when readers must know the feature to read the protocol's tables, by name or by its legacy version.
bool HasReaderFeature(const Protocol& protocol, TableFeature id);
/// True when each commit must have an in-commit timestamp: the feature is there and switched on.
bool HasInCommitTimestamps(const Protocol& protocol, const TableProperties& properties);

/// Refuses a protocol that is not well-formed (Corrupt), and one with an unknown reader feature or version
/// (Unsupported, reason UNSUPPORTED_TABLE_FEATURE; the message names the feature).
Result<void> CheckReadable(const Protocol& protocol, const Metadata& metadata);

/// Refuses tables that this engine must not write; the error names the feature. These are tables with unknown or
/// unsupported writer features, and tables that use a supported feature in an unsupported way (invariants with an
/// expression, check constraints, generated columns, identity columns, column mapping, row tracking, clustering …).
Result<void> CheckWritable(const Protocol& protocol, const Metadata& metadata, const Schema& schema);

/// Refuses to write a table if a column's type needs a feature that the protocol lacks (timestamp_ntz). Some writers
/// made such tables, and a writer that knows only the protocol would spoil them. Errors: Unsupported; the message names
/// the feature.
Result<void> CheckTypesListed(const Protocol& protocol, const Schema& schema);

/// The lowest protocol that the schema and the configuration of a new table need: (1,2) for plain types. Errors:
/// InvalidArgument (reason INVALID_TABLE_PROPERTY: unknown delta.* key, bad value, delta.min*Version),
/// Unsupported (a feature that cannot be written).
Result<Protocol> ProtocolForNewTable(const Schema& schema, const StringMap& configuration);

/// `present`, extended by the features that the schema and the configuration need. A table that is replaced keeps its
/// features, because the protocol of a table never goes down. Errors: Unsupported (a feature that cannot be written).
Result<Protocol> ExtendProtocol(const Protocol& present, const Schema& schema, const StringMap& configuration);

}  // namespace yummy::delta
