// Snapshot::Load and Snapshot::Refresh: from files of the log to a state.

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/logging.h"
#include "yummy/delta/log/checkpoint_reader.h"
#include "yummy/delta/log/log.h"
#include "yummy/delta/log/replay.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/snapshot/checksum.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

constexpr int kLoadAttemptsMax = 16;       // each attempt skips an unreadable checkpoint, or lists again
constexpr int64_t kProbedCommitsMax = 16;  // beyond that, one list is cheaper than one question per commit
constexpr size_t kRecentCommitsMax = 64;   // how many of the last commits a version keeps in memory
constexpr size_t kRecentBytesMax = 128 << 10;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

/// Commits that are read together: one, or those that a compaction covers.
struct LogPiece {
  std::span<const CommitFile> commits;
  const CompactionFile* compaction = nullptr;
};

/// `commits` as pieces, ascending. The compactions cover some of them.
std::vector<LogPiece> SplitLog(std::span<const CommitFile> commits, std::span<const CompactionFile> compactions) {
  std::vector<LogPiece> pieces;
  for (size_t i = 0; i < commits.size(); i += pieces.back().commits.size()) {
    if (!compactions.empty() && compactions.front().first == commits[i].version) {
      const CompactionFile& compaction = compactions.front();
      const auto covered = static_cast<size_t>(compaction.last - compaction.first + 1);
      pieces.push_back({commits.subspan(i, covered), &compaction});
      compactions = compactions.subspan(1);
    } else {
      pieces.push_back({commits.subspan(i, 1)});
    }
  }
  return pieces;
}

/// Commits of the log that follow one another: their bytes, and what is in them.
class ReadCommits {
 public:
  explicit ReadCommits(std::span<const CommitFile> files, std::span<const CompactionFile> compactions = {})
      : files_(files), pieces_(SplitLog(files, compactions)), bytes_(files.size()), actions_(pieces_.size()) {}

  size_t pieces() const { return pieces_.size(); }

  /// Reads and parses a piece. Safe from several threads for different pieces. If a compaction is gone or broken, its
  /// commits are read instead, so it never changes the answer.
  Result<void> Read(const Context& context, store::ObjectStore& store, size_t piece) {
    TRY(context.Check());
    if (const CompactionFile* compaction = pieces_[piece].compaction) {
      auto compacted = ReadCompaction(context, store, compaction->meta);
      if (compacted.ok()) {
        actions_[piece].push_back(std::move(compacted).value());
        return {};
      }
      Log(LogLevel::kWarn, "{}; reading the commits that it covers", compacted.error().ToString());
    }
    for (const CommitFile& commit : pieces_[piece].commits) {
      TRY(context.Check());
      TRY(Take(piece, commit, TRY(ReadCommitFile(context, store, commit.meta))));
    }
    return {};
  }

  /// Takes the bytes of the only commit.
  Result<void> Take(std::string bytes) { return Take(0, files_[0], std::move(bytes)); }

  /// Reconciles the commits, newest first. Call it once.
  Result<Replay> TakeReplay() {
    Replay replay;
    for (size_t i = actions_.size(); i > 0; i--) {
      for (size_t k = actions_[i - 1].size(); k > 0; k--) TRY(replay.TakeCommit(std::move(actions_[i - 1][k - 1])));
    }
    return replay;
  }

  RecentCommits Append(RecentCommits recent) const {
    for (size_t i = 0; i < files_.size(); i++) {
      if (bytes_[i]) recent = RecentCommits::Extend(recent, files_[i].version, bytes_[i]);
    }
    return recent;
  }

 private:
  static Result<std::vector<Action>> ReadCompaction(const Context& context, store::ObjectStore& store,
                                                    const store::ObjectMeta& meta) {
    return ParseCompaction(TRY(ReadCommitFile(context, store, meta)), meta.path);
  }

  Result<void> Take(size_t piece, const CommitFile& commit, std::string bytes) {
    auto held = std::make_shared<const std::string>(std::move(bytes));
    actions_[piece].push_back(TRY(ParseCommit(*held, commit.meta.path)));
    const auto position = static_cast<size_t>(&commit - files_.data());
    if (position + kRecentCommitsMax >= files_.size()) bytes_[position] = std::move(held);
    return {};
  }

  const std::span<const CommitFile> files_;
  const std::vector<LogPiece> pieces_;
  std::vector<RecentCommits::Bytes> bytes_;                // null for commits that are not kept
  std::vector<std::vector<std::vector<Action>>> actions_;  // by piece and commit, ascending
};

std::shared_ptr<const std::vector<Txn>> MergeTxns(const std::vector<Txn>& older, std::map<std::string, Txn> newer) {
  for (const Txn& txn : older) newer.try_emplace(txn.app_id, txn);
  auto merged = std::make_shared<std::vector<Txn>>();
  for (auto& [app_id, txn] : newer) merged->push_back(std::move(txn));
  return merged;
}

std::shared_ptr<const std::vector<DomainMetadata>> MergeDomains(const std::vector<DomainMetadata>& older,
                                                                std::map<std::string, DomainMetadata> newer) {
  for (const DomainMetadata& domain : older) newer.try_emplace(domain.domain, domain);
  auto merged = std::make_shared<std::vector<DomainMetadata>>();
  for (auto& [name, domain] : newer) {
    if (!domain.removed) merged->push_back(std::move(domain));
  }
  return merged;
}

/// True for errors of a checkpoint that can be skipped. Errors of the store itself cannot.
bool MayPassOver(const Error& error) {
  return error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kUnsupported;
}

struct Loading {
  const Context& context;
  std::shared_ptr<store::ObjectStore> store;
  std::string table_path;
  const LoadOptions& options;
};

Result<SnapshotRef> Assemble(const Loading& loading, const LogSegment& segment, ReadCommits commits,
                             CheckpointContents contents) {
  Replay replay = TRY(commits.TakeReplay());
  if (replay.protocol) contents.protocol = std::move(replay.protocol);
  if (replay.metadata) contents.metadata = std::move(replay.metadata);
  if (!contents.protocol) return Corrupt(fmt::format("no protocol action in the log of version {}", segment.version));
  if (!contents.metadata) return Corrupt(fmt::format("no metaData action in the log of version {}", segment.version));
  auto state = std::make_unique<Snapshot::State>();
  state->store = loading.store;
  state->table_path = loading.table_path;
  state->version = segment.version;
  state->clock = loading.options.clock;
  state->shape = TRY(TableShape::Make(std::move(*contents.protocol), std::move(*contents.metadata)));
  state->anchor = segment.own_commit;
  if (state->anchor.path.empty()) state->anchor = segment.checkpoint->parts[0];
  state->lineage = std::make_shared<const Lineage>();
  state->recent = commits.Append({});
  state->files.Append(contents.files.Finish());
  state->files.Remove(replay.TouchedKeys());
  state->files.Append(TRY(replay.AddedFiles()));
  state->txns = MergeTxns(contents.txns, std::move(replay.txns));
  state->domains = MergeDomains(contents.domains, std::move(replay.domains));
  // "Log compaction files do not preserve commitInfo actions", so the version's own commit is read when somebody wants
  // it.
  const bool own_is_compacted = !segment.compactions.empty() && segment.compactions.back().last == segment.version;
  if (!segment.commits.empty() && !own_is_compacted) {
    state->commit_info_known = true;
    state->commit_info = std::move(replay.newest_commit_info);
  }
  return std::make_shared<const Snapshot>(std::move(state));
}

/// One try with one list. An unusable checkpoint is reported through `unusable`.
Result<SnapshotRef> LoadOnce(const Loading& loading, const LogSegment& segment, std::vector<std::string>& unusable) {
  Result<CheckpointContents> checkpoint = CheckpointContents();
  ReadCommits commits(segment.commits, segment.compactions);
  const size_t checkpoints = segment.checkpoint ? 1 : 0;
  const auto read =
      ForEachInParallel(loading.options.executor, checkpoints + commits.pieces(), [&](size_t i) -> Result<void> {
        if (i >= checkpoints) return commits.Read(loading.context, *loading.store, i - checkpoints);
        checkpoint = ReadCheckpoint(loading.context, *loading.store, loading.table_path, *segment.checkpoint,
                                    loading.options.executor);
        return checkpoint.ok() ? Result<void>() : checkpoint.error();
      });
  if (!checkpoint.ok() && MayPassOver(checkpoint.error())) {
    for (const store::ObjectMeta& part : segment.checkpoint->parts) unusable.push_back(part.path);
  }
  TRY(read);
  SnapshotRef snapshot = TRY(Assemble(loading, segment, std::move(commits), std::move(checkpoint).value()));
  // A difference is only a warning. On other stores that is not worth a request.
  if (segment.checksum && loading.store->capabilities().is_local) {
    CompareChecksum(loading.context, *snapshot, *segment.checksum);
  }
  return snapshot;
}

}  // namespace

Result<SnapshotRef> Snapshot::Load(const Context& context, std::shared_ptr<store::ObjectStore> store,
                                   std::string table_path, const LoadOptions& options) {
  const Loading loading{
      .context = context, .store = std::move(store), .table_path = std::move(table_path), .options = options};
  FindLogOptions find{.version = options.version, .unusable_checkpoints = {}};
  std::optional<Error> first_error;
  for (int attempt = 0; attempt < kLoadAttemptsMax; attempt++) {
    auto segment = FindLogSegment(context, *loading.store, loading.table_path, find);
    // Without the checkpoint the log may be incomplete. Then the checkpoint's error is the cause.
    if (!segment.ok()) return first_error ? std::move(*first_error) : std::move(segment).error();
    const size_t unusable = find.unusable_checkpoints.size();
    auto snapshot = LoadOnce(loading, *segment, find.unusable_checkpoints);
    if (snapshot.ok()) return snapshot;
    // Clean-up may remove a commit between the list and the read. The next list shows what is left.
    const bool vanished = snapshot.error().code() == ErrorCode::kNotFound;
    const bool passed_over = find.unusable_checkpoints.size() > unusable;
    if (!vanished && !passed_over) return std::move(snapshot).error();
    if (passed_over)
      Log(LogLevel::kWarn, "table {}: {}; trying without it", loading.table_path, snapshot.error().ToString());
    if (!first_error) first_error = std::move(snapshot).error();
  }
  return std::move(*first_error);
}

namespace {

/// The commits after the snapshot's version, or that its anchor is no longer what it was.
struct NewCommits {
  bool anchor_changed = false;
  std::vector<CommitFile> commits;
};

/// Asks for the anchor and for each following commit. On local disk a question costs microseconds.
Result<NewCommits> ProbeCommits(const Context& context, const Snapshot::State& state) {
  NewCommits found;
  const auto anchor = state.store->Head(context, state.anchor.path);
  if (!anchor.ok() && anchor.error().code() != ErrorCode::kNotFound) return anchor.error();
  if (!anchor.ok() || !SameObject(*anchor, state.anchor)) {
    found.anchor_changed = true;
    return found;
  }
  for (int64_t version = state.version + 1; version <= state.version + kProbedCommitsMax; version++) {
    auto meta = state.store->Head(context, CommitPath(state.table_path, version));
    if (!meta.ok() && meta.error().code() != ErrorCode::kNotFound) return std::move(meta).error();
    if (!meta.ok()) return found;
    found.commits.push_back({version, std::move(meta).value()});
  }
  found.commits = TRY(ListTail(context, *state.store, state.table_path, state.version + 1)).commits;
  return found;
}

/// True if the tail of the log has the snapshot's own commit, and the commit that it was put on top of.
bool Stands(const Snapshot::State& state, const LogTail& tail) {
  const auto is_there = [&](const store::ObjectMeta& anchor) {
    const store::ObjectMeta* found = tail.Find(anchor.path);
    return found != nullptr && SameObject(*found, anchor);
  };
  return is_there(state.anchor) && (!state.anchor_before || is_there(*state.anchor_before));
}

/// Lists once, from the anchor on or from the anchor before it.
Result<NewCommits> ListNewCommits(const Context& context, const Snapshot::State& state) {
  const int64_t from = state.anchor_before ? state.version - 1 : state.version;
  LogTail tail = TRY(ListTail(context, *state.store, state.table_path, from));
  if (!Stands(state, tail)) return NewCommits{.anchor_changed = true, .commits = {}};
  std::erase_if(tail.commits, [&](const CommitFile& commit) { return commit.version <= state.version; });
  return NewCommits{.anchor_changed = false, .commits = std::move(tail.commits)};
}

/// True if the commits follow the version without a gap.
bool Follows(const std::vector<CommitFile>& commits, int64_t version) {
  for (const CommitFile& commit : commits) {
    if (commit.version != ++version) return false;
  }
  return true;
}

Result<std::unique_ptr<Snapshot::State>> Extend(const Snapshot::State& older, ReadCommits commits,
                                                const CommitFile& newest) {
  Replay replay = TRY(commits.TakeReplay());
  auto state = std::make_unique<Snapshot::State>();
  state->store = older.store;
  state->table_path = older.table_path;
  state->version = newest.version;
  state->anchor = newest.meta;
  state->lineage = older.lineage;
  state->recent = commits.Append(older.recent);
  state->clock = older.clock;
  state->shape = older.shape;
  if (replay.protocol || replay.metadata) {
    state->shape = TRY(TableShape::Make(replay.protocol ? std::move(*replay.protocol) : older.shape->protocol,
                                        replay.metadata ? std::move(*replay.metadata) : older.shape->metadata));
  }
  state->files = older.files;
  state->files.Remove(replay.TouchedKeys());
  state->files.Append(TRY(replay.AddedFiles()));
  state->txns = replay.txns.empty() ? older.txns : MergeTxns(*older.txns, std::move(replay.txns));
  state->domains = replay.domains.empty() ? older.domains : MergeDomains(*older.domains, std::move(replay.domains));
  state->commit_info_known = true;
  state->commit_info = std::move(replay.newest_commit_info);
  return state;
}

/// True if `later` was made from the older state, and its own commit is the one in the list or an even newer one.
bool LeadsTo(const std::vector<CommitFile>& commits, const Snapshot::State& older, const Snapshot::State& later) {
  if (later.lineage != older.lineage || later.version <= older.version) return false;
  const auto position = static_cast<size_t>(later.version - older.version - 1);
  return position >= commits.size() || SameObject(commits[position].meta, later.anchor);
}

/// The snapshot continued by the commits. Loads everything anew if clean-up has removed one of them meanwhile.
Result<SnapshotRef> Continue(const Context& context, const SnapshotRef& snapshot, const std::vector<CommitFile>& files,
                             Executor* executor) {
  const Snapshot::State& state = snapshot->state();
  ReadCommits commits(files);
  auto read =
      ForEachInParallel(executor, commits.pieces(), [&](size_t i) { return commits.Read(context, *state.store, i); });
  if (!read.ok() && read.error().code() == ErrorCode::kNotFound) {
    return Snapshot::Load(context, state.store, state.table_path,
                          {.version = {}, .executor = executor, .clock = state.clock});
  }
  TRY(std::move(read));
  return std::make_shared<const Snapshot>(TRY(Extend(state, std::move(commits), files.back())));
}

}  // namespace

RecentCommits RecentCommits::Extend(const RecentCommits& older, int64_t version, Bytes bytes) {
  RecentCommits extended;
  extended.last_version_ = version;
  size_t size_bytes = bytes->size();
  if (size_bytes > kRecentBytesMax) return extended;
  extended.commits_.push_back(std::move(bytes));
  const bool follows = older.last_version_ + 1 == version;
  for (size_t i = follows ? older.commits_.size() : 0; i > 0 && extended.commits_.size() < kRecentCommitsMax; i--) {
    size_bytes += older.commits_[i - 1]->size();
    if (size_bytes > kRecentBytesMax) break;
    extended.commits_.push_back(older.commits_[i - 1]);
  }
  std::reverse(extended.commits_.begin(), extended.commits_.end());
  return extended;
}

RecentCommits::Bytes RecentCommits::Find(int64_t version) const {
  const int64_t back = last_version_ - version;
  if (back < 0 || back >= static_cast<int64_t>(commits_.size())) return nullptr;
  return commits_[commits_.size() - 1 - static_cast<size_t>(back)];
}

Result<SnapshotRef> Snapshot::Refresh(const Context& context, const SnapshotRef& snapshot, Executor* executor,
                                      const std::function<SnapshotRef()>& held) {
  const State& state = snapshot->state();
  const LoadOptions anew{.version = {}, .executor = executor, .clock = state.clock};
  NewCommits found =
      TRY(state.store->capabilities().is_local ? ProbeCommits(context, state) : ListNewCommits(context, state));
  // A gap in the list also means to load anew, because commits before a checkpoint may have been cleaned up.
  if (found.anchor_changed || !Follows(found.commits, state.version)) {
    return Load(context, state.store, state.table_path, anew);
  }
  if (found.commits.empty()) return snapshot;
  const SnapshotRef later = held ? held() : nullptr;
  if (later && LeadsTo(found.commits, state, later->state())) {
    if (later->version() >= found.commits.back().version) return later;
    found.commits.erase(found.commits.begin(), found.commits.begin() + (later->version() - state.version));
    return Continue(context, later, found.commits, executor);
  }
  return Continue(context, snapshot, found.commits, executor);
}

Result<SnapshotRef> Snapshot::Follow(const SnapshotRef& snapshot, store::ObjectMeta commit, std::string bytes) {
  const State& older = snapshot->state();
  const std::vector<CommitFile> files = {{older.version + 1, std::move(commit)}};
  ReadCommits commits(files);
  TRY(commits.Take(std::move(bytes)));
  auto state = TRY(Extend(older, std::move(commits), files[0]));
  state->anchor_before = older.anchor;
  return std::make_shared<const Snapshot>(std::move(state));
}

}  // namespace yummy::delta
