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

/// A complete checkpoint: one file, all parts of a multi-part checkpoint, or a V2 checkpoint with a UUID in its name.
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

/// The files that make up one version: the newest usable checkpoint at or below it, and all commits after that.
struct LogSegment {
  int64_t version = 0;
  std::optional<CheckpointFiles> checkpoint;
  std::vector<CommitFile> commits;  // ascending, from checkpoint version + 1 (or 0) to version
  std::vector<CompactionFile>
      compactions;  // ascending and disjoint; each may be read instead of the commits that it covers
  std::optional<store::ObjectMeta> checksum;  // the .crc file of the version
  store::ObjectMeta own_commit;               // the commit file of the version; an empty path if clean-up removed it
};

struct FindLogOptions {
  std::optional<int64_t> version;                 // absent: the newest
  std::vector<std::string> unusable_checkpoints;  // paths of checkpoint files to skip, because they could not be read
};

/// Lists the log once and picks the files of the version. `_last_checkpoint` only says where to start the list. A hint
/// that is absent, unreadable, stale or wrong costs a second list, and never changes the answer. Errors: NotFound
/// (NOT_A_DELTA_TABLE, VERSION_NOT_FOUND with detail current_version, VERSION_EXPIRED with detail oldest_version),
/// Corrupt (CORRUPT_TABLE: "version 2 is missing"), PermissionDenied, Unavailable.
Result<LogSegment> FindLogSegment(const Context& context, store::ObjectStore& store, std::string_view table_path,
                                  const FindLogOptions& options = {});

/// The version in `_last_checkpoint`, if it is readable and plausible; absent otherwise.
/// Errors: Cancelled, DeadlineExceeded.
Result<std::optional<int64_t>> ReadLastCheckpointHint(const Context& context, store::ObjectStore& store,
                                                      std::string_view table_path);

/// The files of the log from a version on.
struct LogTail {
  std::vector<CommitFile> commits;           // ascending; there may be gaps
  std::vector<CheckpointFiles> checkpoints;  // ascending

  /// The commit, or the first file of a checkpoint, at a path; null if it is not there.
  const store::ObjectMeta* Find(std::string_view path) const;
};

/// Reads the tail with one list.
Result<LogTail> ListTail(const Context& context, store::ObjectStore& store, std::string_view table_path,
                         int64_t from_version);

/// The bytes of a commit or a compaction that a list or Head has named; a size of 0 is unknown. With an etag a cache
/// may answer. Errors: ResourceExhausted (reason LIMIT_EXCEEDED: more than 1 GiB), Unavailable (another size than
/// named), those of the store.
Result<std::string> ReadCommitFile(const Context& context, store::ObjectStore& store, const store::ObjectMeta& meta);

/// True when the folder has a _delta_log with a commit or a checkpoint.
Result<bool> IsDeltaTable(const Context& context, store::ObjectStore& store, std::string_view table_path);

}  // namespace yummy::delta
