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
#include "yummy/delta/files/file_set.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

/// Protocol and metadata with what is derived from them. Shared by the versions that have the same.
struct TableShape {
  Protocol protocol;
  Metadata metadata;
  Schema schema;
  TableProperties properties;
  ColumnMappingMode column_mapping = ColumnMappingMode::kNone;
  std::vector<size_t> partition_columns;    // positions in schema
  std::vector<std::string> partition_keys;  // their keys in partitionValues: physical names

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

/// True when a path still holds what it held: the same object, unchanged. A list may lack the version that a put told.
inline bool SameObject(const store::ObjectMeta& a, const store::ObjectMeta& b) {
  const bool same_version = a.version == b.version || a.version.empty() || b.version.empty();
  return a.etag == b.etag && same_version && a.size_bytes == b.size_bytes;
}

/// The last commits of a version, as they are in the log: a writer compares itself with them, a checkpoint takes their
/// tombstones, without asking the store again. What does not fit is read again.
class RecentCommits {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// Those of `older` and the one of the version that follows; the oldest go first.
  static RecentCommits Extend(const RecentCommits& older, int64_t version, Bytes bytes);
  /// Null when it is not held.
  Bytes Find(int64_t version) const;

 private:
  int64_t last_version_ = -1;
  std::vector<Bytes> commits_;  // ascending, without a gap, up to last_version_
};

/// Only its identity counts.
struct Lineage {};

struct Snapshot::State {
  std::shared_ptr<store::ObjectStore> store;
  std::string table_path;
  int64_t version = 0;
  store::ObjectMeta anchor;  // the version's own commit; its checkpoint when clean-up removed the commit
  // The anchor of the version before, when the own commit was put by this process and no list has shown the two
  // together.
  std::optional<store::ObjectMeta> anchor_before;
  // The same for all versions that were made from one another: what is new in one is new since the other.
  std::shared_ptr<const Lineage> lineage;
  RecentCommits recent;
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
