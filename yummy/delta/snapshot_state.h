#pragma once
// What a snapshot holds. For this module only: snapshot, checkpoint, transaction.

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "yummy/base/clock.h"
#include "yummy/delta/file_set.h"
#include "yummy/delta/snapshot.h"

namespace yummy::delta {

/// Protocol and metadata with what is derived from them. Shared by the versions that have the same.
struct TableShape {
  Protocol protocol;
  Metadata metadata;
  Schema schema;
  TableProperties properties;
  std::vector<size_t> partition_columns;    // positions in schema
  std::vector<std::string> partition_keys;  // their keys in partitionValues: physical names under column mapping

  bool has_column_mapping() const { return properties.column_mapping != ColumnMappingMode::kNone; }

  /// Refuses a table that cannot be read, and metadata that contradict themselves.
  /// Errors: Corrupt (reason CORRUPT_TABLE), Unsupported.
  static Result<std::shared_ptr<const TableShape>> Make(Protocol protocol, Metadata metadata);
};

/// Where the facts about a column come from.
struct ColumnSource {
  enum class Kind { kNone, kPartition, kStatistics };
  Kind kind = Kind::kNone;
  size_t partition = 0;  // position in partition_columns
  LeafColumn leaf;

  static ColumnSource Find(const TableShape& shape, const ColumnPath& path);
};

/// True when a path still holds what it held: the same object, unchanged.
inline bool SameObject(const store::ObjectMeta& a, const store::ObjectMeta& b) {
  return a.etag == b.etag && a.version == b.version && a.size_bytes == b.size_bytes;
}

struct Snapshot::State {
  std::shared_ptr<store::ObjectStore> store;
  std::string table_path;
  int64_t version = 0;
  store::ObjectMeta anchor;  // the version's own commit; its checkpoint when clean-up removed the commit
  std::shared_ptr<const TableShape> shape;
  FileSet files;
  std::shared_ptr<const std::vector<Txn>> txns;                // by appId
  std::shared_ptr<const std::vector<DomainMetadata>> domains;  // by domain, without the removed ones
  const Clock* clock = nullptr;

  mutable std::mutex mutex;
  // Guarded by mutex, computed on first use:
  mutable bool commit_info_known = false;
  mutable std::optional<CommitInfo> commit_info;  // the own commit's
  mutable std::optional<std::optional<int64_t>> row_count;
  mutable std::map<ColumnPath, ColumnSummary> summaries;

  /// The commitInfo of the own commit, read when it is not known yet; absent when it has none or cannot be read.
  std::optional<CommitInfo> OwnCommitInfo(const Context& context) const;
  bool uses_in_commit_timestamp() const;
};

}  // namespace yummy::delta
