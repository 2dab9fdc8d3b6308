#pragma once
// The state of a snapshot. For this module only: snapshot, checkpoint, transaction.

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

/// Protocol and metadata, and values derived from them. Versions with the same protocol and metadata share it.
struct TableShape {
  Protocol protocol;
  Metadata metadata;
  Schema schema;
  TableProperties properties;
  ColumnMappingMode column_mapping = ColumnMappingMode::kNone;
  std::vector<size_t> partition_columns;    // positions in schema
  std::vector<std::string> partition_keys;  // their keys in partitionValues: physical names

  /// Refuses a table that cannot be read, and metadata that contradicts itself.
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

/// True if both describe the same, unchanged object. A list may lack the `version` that a put has returned.
inline bool SameObject(const store::ObjectMeta& a, const store::ObjectMeta& b) {
  const bool same_version = a.version == b.version || a.version.empty() || b.version.empty();
  return a.etag == b.etag && same_version && a.size_bytes == b.size_bytes;
}

/// The bytes of the last commits up to a version. Writers check for conflicts with them, and checkpoints take their
/// tombstones, without another request to the store. Commits that do not fit are read again.
class RecentCommits {
 public:
  using Bytes = std::shared_ptr<const std::string>;

  /// The commits of `older` and that of the next version. When there are too many, the oldest are dropped.
  static RecentCommits Extend(const RecentCommits& older, int64_t version, Bytes bytes);
  /// Null if the commit is not held.
  Bytes Find(int64_t version) const;

 private:
  int64_t last_version_ = -1;
  std::vector<Bytes> commits_;  // ascending, without a gap, up to last_version_
};

/// An empty object; only its identity counts.
struct Lineage {};

struct Snapshot::State {
  std::shared_ptr<store::ObjectStore> store;
  std::string table_path;
  int64_t version = 0;
  store::ObjectMeta anchor;  // the commit of this version; its checkpoint if clean-up removed the commit
  // The anchor of the version before. Present if this process has put the commit of this version, and no list has shown
  // both together yet.
  std::optional<store::ObjectMeta> anchor_before;
  // All versions that were made from one another by refreshes share it. Between them, only new commits differ.
  std::shared_ptr<const Lineage> lineage;
  RecentCommits recent;
  std::shared_ptr<const TableShape> shape;
  FileSet files;
  std::shared_ptr<const std::vector<Txn>> txns;                // by appId
  std::shared_ptr<const std::vector<DomainMetadata>> domains;  // by domain, without removed domains
  const Clock* clock = nullptr;

  mutable std::mutex mutex;
  // Guarded by mutex, computed on first use:
  mutable bool commit_info_known = false;
  mutable std::optional<CommitInfo> commit_info;  // that of the commit of this version
  mutable std::optional<std::optional<int64_t>> row_count;
  mutable std::map<ColumnPath, ColumnSummary> summaries;

  /// The commitInfo of the commit of this version, read on first use; absent if it has none or cannot be read.
  std::optional<CommitInfo> OwnCommitInfo(const Context& context) const;
  bool uses_in_commit_timestamp() const;
};

}  // namespace yummy::delta
