#pragma once
// The files of a table's log and which of them make up a version (PROTOCOL.md, "Delta Log Entries", "Checkpoints").

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

struct CommitFile {
  int64_t version = 0;
  store::ObjectMeta meta;
};

/// A complete checkpoint: one file, all parts of a multi-part one, or a V2 checkpoint by its UUID name.
struct CheckpointFiles {
  int64_t version = 0;
  bool json = false;  // V2 in JSON form
  std::vector<store::ObjectMeta> parts;
};

/// The reconciled actions of the commits from `first` to `last`, in one file (PROTOCOL.md, "Log Compaction Files").
struct CompactionFile {
  int64_t first = 0;
  int64_t last = 0;
  store::ObjectMeta meta;
};

/// What makes up one version: the newest usable checkpoint at or below it, and the commits after that, without a gap.
struct LogSegment {
  int64_t version = 0;
  std::optional<CheckpointFiles> checkpoint;
  std::vector<CommitFile> commits;  // ascending, from checkpoint version + 1 (or 0) to version
  std::vector<CompactionFile>
      compactions;  // ascending, disjoint: each may be read in place of the commits that it covers
  std::optional<store::ObjectMeta> checksum;  // version's .crc
  store::ObjectMeta own_commit;               // version's own commit file, empty path when clean-up removed it
};

struct FindLogOptions {
  std::optional<int64_t> version;  // absent: the newest
  std::vector<std::string>
      unusable_checkpoints;  // paths of checkpoint files to pass over, because they could not be read
};

/// Lists the log once and picks the segment of the version. `_last_checkpoint` only tells where to start the list: a
/// hint that is absent, unreadable, stale or wrong costs a second list and never changes the answer. Errors: NotFound
/// (NOT_A_DELTA_TABLE, VERSION_NOT_FOUND with detail current_version, VERSION_EXPIRED with detail oldest_version),
/// Corrupt (CORRUPT_TABLE: "version 2 is missing"), PermissionDenied, Unavailable.
Result<LogSegment> FindLogSegment(const Context& context, store::ObjectStore& store, std::string_view table_path,
                                  const FindLogOptions& options = {});

/// What `_last_checkpoint` says, as far as it makes sense; absent when there is none or it cannot be read.
/// Errors: Cancelled, DeadlineExceeded.
Result<std::optional<int64_t>> ReadLastCheckpointHint(const Context& context, store::ObjectStore& store,
                                                      std::string_view table_path);

/// What the log still has from a version on.
struct LogTail {
  std::vector<CommitFile> commits;           // ascending; there may be gaps
  std::vector<CheckpointFiles> checkpoints;  // ascending

  /// The commit or the first file of a checkpoint at a path; null when it is not there.
  const store::ObjectMeta* Find(std::string_view path) const;
};

/// By one list.
Result<LogTail> ListTail(const Context& context, store::ObjectStore& store, std::string_view table_path,
                         int64_t from_version);

/// The bytes of a commit or a compaction that a list or a question named; a size of 0 is unknown. With an etag a cache
/// may answer. Errors: ResourceExhausted (reason LIMIT_EXCEEDED: more than 1 GiB), Unavailable (another size than
/// named), and the store's.
Result<std::string> ReadCommitFile(const Context& context, store::ObjectStore& store, const store::ObjectMeta& meta);

/// True when the folder has a _delta_log with a commit or a checkpoint.
Result<bool> IsDeltaTable(const Context& context, store::ObjectStore& store, std::string_view table_path);

}  // namespace yummy::delta
