#pragma once
// The times of the versions of a table (PROTOCOL.md, "In-Commit Timestamps"), for time travel and history.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/log/log.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

/// One commit of the history, newest first.
struct CommitSummary {
  int64_t version = 0;
  int64_t timestamp_ms = 0;
  CommitInfo info;
};

/// The commits that the log still has, with their times. From the version on that enabled them, these are in-commit
/// timestamps. Before it, they are the modification times of the files, adjusted so that each is at least a millisecond
/// later than the one before.
class CommitTimes {
 public:
  /// The commits up to the version of `newest`.
  static Result<CommitTimes> List(const Context& context, const Snapshot& newest);

  /// The last version at or before a time. With in-commit timestamps it reads a logarithmic number of commits. Errors:
  /// NotFound (VERSION_NOT_FOUND: before the first version of the table; VERSION_EXPIRED: before the oldest version
  /// that is left), Corrupt.
  Result<int64_t> FindVersion(const Context& context, int64_t millis);

  /// The newest `limit` commits, newest first.
  Result<std::vector<CommitSummary>> Summaries(const Context& context, size_t limit, Executor* executor) const;

 private:
  struct Commit {
    int64_t version = 0;
    store::ObjectMeta meta;
    int64_t file_time_ms = 0;  // monotone
  };
  Result<int64_t> TimeOf(const Context& context, const Commit& commit) const;
  Result<CommitInfo> ReadInfo(const Context& context, const Commit& commit) const;
  Error NothingBefore(const Context& context, int64_t millis) const;

  std::shared_ptr<store::ObjectStore> store_;
  std::vector<Commit> commits_;               // ascending
  int64_t readable_from_ = 0;                 // the oldest readable version; older ones need commits that were removed
  int64_t in_commit_from_ = 0;                // the first version with an in-commit timestamp
  std::optional<int64_t> in_commit_from_ms_;  // the time of that version, if older versions have no timestamps
};

}  // namespace yummy::delta
