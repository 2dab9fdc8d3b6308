#pragma once
// Typed access to the table properties (delta.*) that the engine obeys. An absent property has its default.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

enum class IsolationLevel { kWriteSerializable, kSerializable };
enum class ColumnMappingMode { kNone, kName, kId };

struct TableProperties {
  bool append_only = false;
  int64_t checkpoint_interval = 10;
  bool checkpoint_write_stats_as_json = true;
  bool checkpoint_write_stats_as_struct = false;
  bool checkpoint_policy_v2 = false;
  int64_t indexed_columns = 32;  // delta.dataSkippingNumIndexedCols; -1: all
  std::optional<std::vector<std::string>>
      statistics_columns;  // delta.dataSkippingStatsColumns: "a", "s.x", "`odd.name`"
  std::chrono::milliseconds deleted_file_retention = std::chrono::hours(24 * 7);
  std::chrono::milliseconds log_retention = std::chrono::hours(24 * 30);
  IsolationLevel isolation = IsolationLevel::kWriteSerializable;
  ColumnMappingMode column_mapping_mode = ColumnMappingMode::kNone;
  bool enable_deletion_vectors = false;
  bool enable_change_data_feed = false;
  bool enable_row_tracking = false;
  bool enable_type_widening = false;
  bool enable_variant_shredding = false;
  bool enable_iceberg_compat_v1 = false;
  bool enable_iceberg_compat_v2 = false;
  bool enable_iceberg_compat_v3 = false;
  bool enable_materialized_partition_columns = false;
  bool write_partition_columns_to_parquet = false;
  bool in_commit_timestamps = false;
  std::optional<int64_t> in_commit_timestamp_enablement_version;
  std::optional<int64_t> in_commit_timestamp_enablement_ms;
  std::optional<std::chrono::milliseconds> transaction_retention;
  int64_t target_file_size_bytes = 256LL << 20;
  std::string compression_codec = "zstd";  // delta.parquet.compression.codec, lower case

  /// Unreadable values get their default, because a reader must not fail on them. CheckTableProperties refuses them
  /// when a table is created.
  static TableProperties From(const StringMap& configuration);
};

/// The property "delta.feature.<name>" with the value "supported" adds a feature to the protocol of the table.
inline constexpr std::string_view kFeaturePropertyPrefix = "delta.feature.";
/// "delta.constraints.<name>" is a check constraint: its value is an expression.
inline constexpr std::string_view kConstraintPropertyPrefix = "delta.constraints.";
inline constexpr std::string_view kColumnMappingModeProperty = "delta.columnMapping.mode";
inline constexpr std::string_view kInCommitTimestampVersionProperty = "delta.inCommitTimestampEnablementVersion";
inline constexpr std::string_view kInCommitTimestampTimeProperty = "delta.inCommitTimestampEnablementTimestamp";

/// The mode in delta.columnMapping.mode, ignoring case; without the property it is none.
/// Errors: Corrupt (reason CORRUPT_TABLE: an unknown mode).
Result<ColumnMappingMode> NamedMappingMode(const StringMap& configuration);

/// Checks keys and values of table properties. A delta.* key must be known and its value must be of the right kind;
/// other keys are free. Errors: InvalidArgument (reason INVALID_TABLE_PROPERTY; detail "hint": the nearest known name).
Result<void> CheckTableProperties(const StringMap& configuration);

/// Reads the intervals that Spark accepts, without months and years: "interval 7 days", "interval 1 week 2 hours".
/// Absent if the text is not one.
std::optional<std::chrono::milliseconds> ParseInterval(std::string_view text);

}  // namespace yummy::delta
