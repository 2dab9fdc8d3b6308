#pragma once
// When the versions of a table came to be (PROTOCOL.md, "In-Commit Timestamps"): for time travel and history.

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

/// The commits that the log still has, with their times: in-commit timestamps from the version on that enabled them,
/// before that modification times of the files, made to rise by at least a millisecond from each version to the next.
class CommitTimes {
 public:
  /// The commits up to the version of `newest`.
  static Result<CommitTimes> List(const Context& context, const Snapshot& newest);

  /// The last version at or before a time. Reads a logarithmic number of commits when there are in-commit timestamps.
  /// Errors: NotFound (VERSION_NOT_FOUND: before the table's first version; VERSION_EXPIRED: before the oldest that is
  /// left), Corrupt.
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
  int64_t readable_from_ = 0;                 // older versions need commits that clean-up removed
  int64_t in_commit_from_ = 0;                // the first version with an in-commit timestamp
  std::optional<int64_t> in_commit_from_ms_;  // its time, when older versions have none
};

}  // namespace yummy::delta
