// Snapshot::Load and Snapshot::Refresh: from files of the log to a state.

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/log.h"
#include "yummy/delta/actions_json.h"
#include "yummy/delta/checkpoint.h"
#include "yummy/delta/checkpoint_read.h"
#include "yummy/delta/log.h"
#include "yummy/delta/path.h"
#include "yummy/delta/replay.h"
#include "yummy/delta/snapshot_state.h"

namespace yummy::delta {

namespace {

constexpr int kLoadAttemptsMax = 16;       // each passes over a checkpoint that cannot be read, or lists again
constexpr int64_t kProbedCommitsMax = 16;  // beyond that a list is cheaper than one question a commit

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason("CORRUPT_TABLE");
}

Result<std::vector<Action>> ReadCommit(const Context& context, store::ObjectStore& store, const CommitFile& commit) {
  TRY(context.Check());
  return ParseCommit(TRY(ReadCommitFile(context, store, commit.meta)), commit.meta.path);
}

Result<std::vector<Action>> ReadCompaction(const Context& context, store::ObjectStore& store,
                                           const CompactionFile& compaction) {
  return ParseCompaction(TRY(ReadCommitFile(context, store, compaction.meta)), compaction.meta.path);
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

/// The actions of a piece, commit by commit, ascending; those of a compaction as if they were one commit's. A compaction that
/// is gone or broken costs its commits' reads and never changes the answer.
Result<std::vector<std::vector<Action>>> ReadPiece(const Context& context, store::ObjectStore& store,
                                                   const LogPiece& piece) {
  std::vector<std::vector<Action>> actions;
  if (piece.compaction != nullptr) {
    TRY(context.Check());
    auto compacted = ReadCompaction(context, store, *piece.compaction);
    if (compacted.ok()) {
      actions.push_back(std::move(compacted).value());
      return actions;
    }
    Log(LogLevel::kWarn, "{}; reading the commits that it covers", compacted.error().ToString());
  }
  for (const CommitFile& commit : piece.commits) actions.push_back(TRY(ReadCommit(context, store, commit)));
  return actions;
}

/// Reads and parses the pieces at once, then reconciles them newest first.
Result<Replay> ReplayPieces(const Context& context, store::ObjectStore& store, const std::vector<LogPiece>& pieces,
                            Executor* executor) {
  std::vector<std::vector<std::vector<Action>>> read(pieces.size());
  TRY(ForEachInParallel(executor, pieces.size(), [&](size_t i) -> Result<void> {
    read[i] = TRY(ReadPiece(context, store, pieces[i]));
    return {};
  }));
  Replay replay;
  for (size_t i = pieces.size(); i > 0; i--) {
    for (size_t k = read[i - 1].size(); k > 0; k--) TRY(replay.TakeCommit(std::move(read[i - 1][k - 1])));
  }
  return replay;
}

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

/// A checkpoint that cannot be used is passed over; what the store itself refuses is not.
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

Result<SnapshotRef> Assemble(const Loading& loading, const LogSegment& segment, Replay replay,
                             CheckpointContents contents) {
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
  state->files.Append(contents.files.Finish());
  state->files.Remove(replay.TouchedKeys());
  state->files.Append(TRY(replay.AddedFiles()));
  state->txns = MergeTxns(contents.txns, std::move(replay.txns));
  state->domains = MergeDomains(contents.domains, std::move(replay.domains));
  // "Log compaction files do not preserve commitInfo actions": then the own commit is asked when somebody wants it.
  const bool own_is_compacted = !segment.compactions.empty() && segment.compactions.back().last == segment.version;
  if (!segment.commits.empty() && !own_is_compacted) {
    state->commit_info_known = true;
    state->commit_info = std::move(replay.newest_commit_info);
  }
  return std::make_shared<const Snapshot>(std::move(state));
}

/// One try with one list. An unusable checkpoint is reported through `unusable`.
Result<SnapshotRef> LoadOnce(const Loading& loading, const LogSegment& segment, std::vector<std::string>& unusable) {
  CheckpointContents contents;
  if (segment.checkpoint) {
    auto read = ReadCheckpoint(loading.context, *loading.store, loading.table_path, *segment.checkpoint,
                               loading.options.executor);
    if (!read.ok()) {
      if (MayPassOver(read.error())) {
        for (const store::ObjectMeta& part : segment.checkpoint->parts) unusable.push_back(part.path);
      }
      return std::move(read).error();
    }
    contents = std::move(read).value();
  }
  Replay replay = TRY(ReplayPieces(loading.context, *loading.store, SplitLog(segment.commits, segment.compactions),
                                   loading.options.executor));
  SnapshotRef snapshot = TRY(Assemble(loading, segment, std::move(replay), std::move(contents)));
  if (segment.checksum) CompareChecksum(loading.context, *snapshot, *segment.checksum);
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
    // Without its checkpoint the log may be incomplete: then the checkpoint is what is wrong.
    if (!segment.ok()) return first_error ? std::move(*first_error) : std::move(segment).error();
    const size_t unusable = find.unusable_checkpoints.size();
    auto snapshot = LoadOnce(loading, *segment, find.unusable_checkpoints);
    if (snapshot.ok()) return snapshot;
    // Clean-up may remove a commit between the list and the read: the next list shows what there is.
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

bool AnchorIsCommit(const Snapshot::State& state) {
  return state.anchor.path == CommitPath(state.table_path, state.version);
}

/// On local disk a question costs microseconds: one for the anchor and one for each commit that follows.
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
  found.commits = TRY(ListCommits(context, *state.store, state.table_path, state.version + 1));
  return found;
}

/// One list from the anchor on.
Result<NewCommits> ListNewCommits(const Context& context, const Snapshot::State& state) {
  NewCommits found;
  found.commits = TRY(ListCommits(context, *state.store, state.table_path, state.version));
  if (found.commits.empty() || found.commits[0].version != state.version ||
      !SameObject(found.commits[0].meta, state.anchor)) {
    found.anchor_changed = true;
    return found;
  }
  found.commits.erase(found.commits.begin());
  return found;
}

/// True when the commits follow the version one by one.
bool Follows(const std::vector<CommitFile>& commits, int64_t version) {
  for (const CommitFile& commit : commits) {
    if (commit.version != ++version) return false;
  }
  return true;
}

Result<SnapshotRef> Extend(const Snapshot::State& older, Replay replay, const CommitFile& newest) {
  auto state = std::make_unique<Snapshot::State>();
  state->store = older.store;
  state->table_path = older.table_path;
  state->version = newest.version;
  state->anchor = newest.meta;
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
  return std::make_shared<const Snapshot>(std::move(state));
}

}  // namespace

Result<SnapshotRef> Snapshot::Refresh(const Context& context, const SnapshotRef& snapshot, Executor* executor) {
  const State& state = snapshot->state();
  const LoadOptions anew{.version = {}, .executor = executor, .clock = state.clock};
  const bool probes = state.store->capabilities().is_local || !AnchorIsCommit(state);
  NewCommits found = TRY(probes ? ProbeCommits(context, state) : ListNewCommits(context, state));
  // Anew, too, when a list shows a gap: commits may have been cleaned up behind a checkpoint.
  if (found.anchor_changed || !Follows(found.commits, state.version)) {
    return Load(context, state.store, state.table_path, anew);
  }
  if (found.commits.empty()) return snapshot;
  auto replay = ReplayPieces(context, *state.store, SplitLog(found.commits, {}), executor);
  if (!replay.ok() && replay.error().code() == ErrorCode::kNotFound)
    return Load(context, state.store, state.table_path, anew);
  if (!replay.ok()) return std::move(replay).error();
  return Extend(state, std::move(replay).value(), found.commits.back());
}

}  // namespace yummy::delta
