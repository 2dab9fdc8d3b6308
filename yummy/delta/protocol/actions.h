#pragma once
// The actions of the log (PROTOCOL.md, "Actions"), as plain data.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace yummy::delta {

/// Keys and texts; an absent text is a JSON null.
using PartitionValues = std::vector<std::pair<std::string, std::optional<std::string>>>;
using StringMap = std::map<std::string, std::string>;

struct DeletionVectorDescriptor {
  char storage_type = 'u';  // u: relative file, i: inline, p: absolute path
  std::string path_or_inline;
  std::optional<int32_t> offset;
  int32_t size_bytes = 0;
  int64_t cardinality = 0;

  /// storageType + pathOrInlineDv [+ "@" + offset]: the second half of a logical file's key.
  std::string unique_id() const;
  friend bool operator==(const DeletionVectorDescriptor&, const DeletionVectorDescriptor&) = default;
};

struct Add {
  std::string path;  // URI-encoded, as in the log
  PartitionValues partition_values;
  int64_t size_bytes = 0;
  int64_t modification_time_ms = 0;
  bool data_change = true;
  std::optional<std::string> stats;  // JSON text
  std::optional<StringMap> tags;
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::optional<int64_t> base_row_id;
  std::optional<int64_t> default_row_commit_version;
  std::optional<std::string> clustering_provider;
  friend bool operator==(const Add&, const Add&) = default;
};

struct Remove {
  std::string path;
  std::optional<int64_t> deletion_timestamp_ms;
  bool data_change = true;
  bool extended_file_metadata = false;
  std::optional<PartitionValues> partition_values;
  std::optional<int64_t> size_bytes;
  std::optional<StringMap> tags;
  std::optional<DeletionVectorDescriptor> deletion_vector;
  std::optional<int64_t> base_row_id;
  std::optional<int64_t> default_row_commit_version;
  friend bool operator==(const Remove&, const Remove&) = default;
};

struct Cdc {
  std::string path;
  PartitionValues partition_values;
  int64_t size_bytes = 0;
  friend bool operator==(const Cdc&, const Cdc&) = default;
};

/// The format of a table's data files.
struct Format {
  std::string provider = "parquet";
  StringMap options;
  friend bool operator==(const Format&, const Format&) = default;
};

struct Metadata {
  std::string id;
  std::optional<std::string> name;
  std::optional<std::string> description;
  Format format;
  std::string schema_string;
  std::vector<std::string> partition_columns;
  StringMap configuration;
  std::optional<int64_t> created_time_ms;
  friend bool operator==(const Metadata&, const Metadata&) = default;
};

struct Protocol {
  int32_t min_reader_version = 1;
  int32_t min_writer_version = 2;
  std::optional<std::vector<std::string>> reader_features;
  std::optional<std::vector<std::string>> writer_features;
  friend bool operator==(const Protocol&, const Protocol&) = default;
};

struct Txn {
  std::string app_id;
  int64_t version = 0;
  std::optional<int64_t> last_updated_ms;
  friend bool operator==(const Txn&, const Txn&) = default;
};

struct DomainMetadata {
  std::string domain;
  std::string configuration;
  bool removed = false;
  friend bool operator==(const DomainMetadata&, const DomainMetadata&) = default;
};

struct CommitInfo {
  std::string json;  // the whole object, unchanged from the log
  std::optional<int64_t> timestamp_ms;
  std::optional<int64_t> in_commit_timestamp_ms;
  std::optional<std::string> txn_id;
  std::optional<std::string> operation;
  std::optional<bool> is_blind_append;
  friend bool operator==(const CommitInfo&, const CommitInfo&) = default;
};

struct Sidecar {
  std::string path;
  int64_t size_bytes = 0;
  int64_t modification_time_ms = 0;
  friend bool operator==(const Sidecar&, const Sidecar&) = default;
};

struct CheckpointMetadata {
  int64_t version = 0;
  std::optional<StringMap> tags;
  friend bool operator==(const CheckpointMetadata&, const CheckpointMetadata&) = default;
};

using Action =
    std::variant<Add, Remove, Cdc, Metadata, Protocol, Txn, DomainMetadata, CommitInfo, Sidecar, CheckpointMetadata>;

}  // namespace yummy::delta
