#include "yummy/delta/snapshot/commit_times.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
constexpr int64_t kFormatMaxMs = 253'402'300'799'999;  // the end of the year 9999
constexpr int64_t kFormatMinMs = -62'135'596'800'000;  // the start of the year 1

std::string FormatMillis(int64_t millis) {
  return FormatTimestamp(std::clamp(millis, kFormatMinMs, kFormatMaxMs) * 1000, true);
}

}  // namespace

Result<CommitTimes> CommitTimes::List(const Context& context, const Snapshot& newest) {
  CommitTimes times;
  times.store_ = newest.object_store();
  times.in_commit_from_ = kNever;
  const TableProperties& properties = newest.properties();
  if (HasInCommitTimestamps(newest.protocol(), properties)) {
    // "If a table has commits from a period before", both properties are set. Otherwise every version has a timestamp.
    times.in_commit_from_ = properties.in_commit_timestamp_enablement_version.value_or(0);
    if (times.in_commit_from_ > 0) times.in_commit_from_ms_ = properties.in_commit_timestamp_enablement_ms;
  }
  int64_t last = std::numeric_limits<int64_t>::min();
  LogTail log = TRY(ListTail(context, *times.store_, newest.table_path(), 0));
  const bool is_whole = !log.commits.empty() && log.commits.front().version == 0;
  if (!is_whole && !log.checkpoints.empty()) times.readable_from_ = log.checkpoints.front().version;
  for (CommitFile& file : log.commits) {
    if (file.version > newest.version()) break;
    const int64_t modified = file.meta.modified_micros / 1000;
    last = std::max(modified, last == std::numeric_limits<int64_t>::min() ? modified : last + 1);
    times.commits_.push_back({file.version, std::move(file.meta), last});
  }
  return times;
}

Result<CommitInfo> CommitTimes::ReadInfo(const Context& context, const Commit& commit) const {
  TRY(context.Check());
  for (Action& action : TRY(ParseActions(TRY(ReadCommitFile(context, *store_, commit.meta)), commit.meta.path))) {
    if (auto* info = std::get_if<CommitInfo>(&action)) return std::move(*info);
  }
  return CommitInfo();
}

Result<int64_t> CommitTimes::TimeOf(const Context& context, const Commit& commit) const {
  if (commit.version < in_commit_from_) return commit.file_time_ms;
  const CommitInfo info = TRY(ReadInfo(context, commit));
  if (info.in_commit_timestamp_ms) return *info.in_commit_timestamp_ms;
  return Error(ErrorCode::kCorrupt, fmt::format("commit {} has no inCommitTimestamp", commit.meta.path))
      .WithReason(Reason::kCorruptTable);
}

Error CommitTimes::NothingBefore(const Context& context, int64_t millis) const {
  const auto first =
      std::ranges::find_if(commits_, [&](const Commit& commit) { return commit.version >= readable_from_; });
  if (first == commits_.end()) {
    return Error(ErrorCode::kNotFound, "the log has no commits left, only a checkpoint")
        .WithReason(Reason::kVersionExpired);
  }
  const bool expired = first->version > 0;
  auto oldest = TimeOf(context, *first);
  if (!oldest.ok()) return std::move(oldest).error();
  auto newest = TimeOf(context, commits_.back());
  if (!newest.ok()) return std::move(newest).error();
  return Error(ErrorCode::kNotFound, fmt::format("no version at {}: the oldest{} is {} of {}, the newest {} of {}",
                                                 FormatMillis(millis), expired ? " that is left" : "", first->version,
                                                 FormatMillis(*oldest), commits_.back().version, FormatMillis(*newest)))
      .WithReason(expired ? Reason::kVersionExpired : Reason::kVersionNotFound)
      .With("oldest_version", std::to_string(first->version))
      .With("current_version", std::to_string(commits_.back().version));
}

Result<int64_t> CommitTimes::FindVersion(const Context& context, int64_t millis) {
  // "If timestamp X >= the enablement timestamp, only versions >= the enablement version should be considered".
  // Otherwise only older versions.
  const auto border = std::partition_point(commits_.begin(), commits_.end(),
                                           [&](const Commit& commit) { return commit.version < in_commit_from_; });
  const bool by_file_time = in_commit_from_ == kNever || (in_commit_from_ms_ && millis < *in_commit_from_ms_);
  size_t low = by_file_time ? 0 : static_cast<size_t>(border - commits_.begin());
  const size_t first = low;
  size_t high = by_file_time ? static_cast<size_t>(border - commits_.begin()) : commits_.size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (TRY(TimeOf(context, commits_[middle])) <= millis) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == first) return NothingBefore(context, millis);
  return commits_[low - 1].version;
}

Result<std::vector<CommitSummary>> CommitTimes::Summaries(const Context& context, size_t limit,
                                                          Executor* executor) const {
  const size_t count = std::min(limit, commits_.size());
  std::vector<CommitSummary> summaries(count);
  TRY(ForEachInParallel(executor, count, [&](size_t i) -> Result<void> {
    const Commit& commit = commits_[commits_.size() - 1 - i];
    summaries[i].version = commit.version;
    summaries[i].info = TRY(ReadInfo(context, commit));
    summaries[i].timestamp_ms = commit.file_time_ms;
    if (commit.version >= in_commit_from_) {
      summaries[i].timestamp_ms = summaries[i].info.in_commit_timestamp_ms.value_or(commit.file_time_ms);
    }
    return {};
  }));
  return summaries;
}

}  // namespace yummy::delta
