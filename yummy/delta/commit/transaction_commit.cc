// Commits a checked transaction: waits for its turn, resolves conflicts, puts the version, and writes checkpoint and
// checksum.

#include <algorithm>
#include <cassert>
#include <chrono>
#include <limits>

#include <fmt/format.h>

#include "yummy/base/backoff.h"
#include "yummy/base/executor.h"
#include "yummy/base/logging.h"
#include "yummy/base/text.h"
#include "yummy/delta/checkpoint/checkpoint.h"
#include "yummy/delta/commit/commit_info.h"
#include "yummy/delta/commit/commit_writer.h"
#include "yummy/delta/commit/transaction_state.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

// If a version was seen this recently, we commit on top of it without asking again, because the put itself shows
// whether it is the newest. Only a table that was dropped and created again since then would not be noticed.
constexpr std::chrono::seconds kSeenMax{1};
constexpr int64_t kWinnersAtOnce = 64;

// A context that no request can cancel.
Context DetachedFor(std::chrono::milliseconds duration, const std::string& request_id) {
  return Context(std::chrono::steady_clock::now() + duration, std::stop_token(), request_id);
}

class CommitRun {
 public:
  CommitRun(Transaction::State& state, const Context& context)
      : state_(state),
        options_(state.table->options()),
        store_(*state.table->object_store()),
        context_(context),
        waiting_(context.WithDeadline(std::chrono::steady_clock::now() + options_.commit_deadline)),
        summary_(state.Summarize()),
        writer_(store_, state.table->path(), {options_.commit_retry.unknown_first, options_.commit_retry.unknown_max},
                *options_.random) {
    if (state.base == nullptr) return;
    version_ = state.base->version();
    timestamp_ms_ = state.base->timestamp_ms();
    const Snapshot::State& base = state.base->state();
    time_is_known_ = base.uses_in_commit_timestamp() || base.anchor.modified_micros != 0;
    protocol_ = state.base->protocol();
  }

  Result<CommitOutcome> Run();

 private:
  Result<void> CheckTime() const;
  Result<Gate::Place> TakeTurn();
  Result<CommitOutcome> GiveUp(const Error& error, const std::optional<WinningCommit>& winner) const;
  Result<CommitOutcome> RunInTurn();
  Result<std::optional<Conflict>> CatchUp(int attempts);
  Result<bool> BaseStands() const;
  Result<WinningCommit> ReadWinner(int64_t version);
  std::optional<Conflict> Follow(const WinningCommit& winner);
  Result<int64_t> NextInCommitTimestamp(int64_t now_ms);
  Result<CommitBytes> Build();
  std::string MetadataLine(int64_t version, int64_t timestamp_ms) const;
  std::string OtherLines(int64_t now_ms) const;
  Committed Publish(CommitBytes commit, PutWon won, Context::Time sent_at);
  void FollowUp(const Committed& committed);

  Transaction::State& state_;
  const TableOptions& options_;
  store::ObjectStore& store_;
  const Context& context_;
  const Context waiting_;  // context_, but ending at the table's commit_deadline
  const TransactionSummary summary_;
  CommitWriter writer_;

  // The last version that this transaction is known to be able to follow; -1 before version 0.
  int64_t version_ = -1;
  int64_t timestamp_ms_ = 0;   // the in-commit timestamp of version_, or its time in the base
  bool time_is_known_ = true;  // false: version_ has no in-commit timestamp, and the time of its file is unknown
  Protocol protocol_;          // the protocol at version_
  SnapshotRef newest_;         // Publish refreshes it
  std::string other_lines_;    // lines that are the same in every version that is tried
};

// Errors: those of the request's context, DeadlineExceeded (reason COMMIT_TIMEOUT: the table's own limit is over).
Result<void> CommitRun::CheckTime() const {
  TRY(context_.Check());
  if (waiting_.Check().ok()) return {};
  return Error(ErrorCode::kDeadlineExceeded, fmt::format("nothing was committed within {} ms: other commits came first",
                                                         options_.commit_deadline.count()))
      .WithReason(Reason::kCommitTimeout)
      .With("retryable", "true");
}

Result<Gate::Place> CommitRun::TakeTurn() {
  auto turn = state_.table->commit_queue().Enter(waiting_);
  if (!turn.ok()) TRY(CheckTime());
  return turn;
}

// The conflict with the winner, which is the next version after version_; none if the transaction can follow it.
std::optional<Conflict> CommitRun::Follow(const WinningCommit& winner) {
  if (state_.base == nullptr) {
    Error error(ErrorCode::kAlreadyExists,
                fmt::format("table {} exists: another writer created it", state_.table->path()));
    return Conflict{std::move(error).WithReason(Reason::kTableExists), winner.version};
  }
  if (state_.required_version) {
    Error error(ErrorCode::kPreconditionFailed,
                fmt::format("the commit may only become version {}: another writer has it", *state_.required_version));
    return Conflict{
        std::move(error).WithReason(Reason::kVersionMismatch).With("current_version", std::to_string(winner.version)),
        winner.version};
  }
  const ConflictKind kind = Resolve(summary_, winner);
  if (kind != ConflictKind::kNone) return Conflict{ConflictError(kind, winner), winner.version};
  version_ = winner.version;
  time_is_known_ = false;
  for (const Action& action : winner.actions) {
    if (const Protocol* protocol = std::get_if<Protocol>(&action)) protocol_ = *protocol;
    const CommitInfo* info = std::get_if<CommitInfo>(&action);
    if (info == nullptr || !info->in_commit_timestamp_ms) continue;
    timestamp_ms_ = std::max(timestamp_ms_, *info->in_commit_timestamp_ms);
    time_is_known_ = true;
  }
  return std::nullopt;
}

// True when the newest version descends from the base. A table that was restored from a backup keeps its id, but the
// base may not be one of its versions. A commit would then leave a gap, or build on other files.
Result<bool> CommitRun::BaseStands() const {
  if (newest_->state().lineage == state_.base->state().lineage) return true;
  const store::ObjectMeta& anchor = state_.base->state().anchor;
  const auto now = store_.Head(waiting_, anchor.path);
  if (now.ok()) return SameObject(*now, anchor);
  if (now.error().code() != ErrorCode::kNotFound) return now.error();
  // Log clean-up removes the oldest commits, never the newest.
  return newest_->version() > state_.base->version();
}

Result<WinningCommit> CommitRun::ReadWinner(int64_t version) {
  TRY(CheckTime());
  const RecentCommits::Bytes bytes = newest_->state().recent.Find(version);
  if (!bytes) return writer_.Read(waiting_, version);
  return WinningCommit{version, TRY(ParseCommit(*bytes, CommitPath(state_.table->path(), version)))};
}

// Looks for commits after version_, and resolves conflicts with each of them.
Result<std::optional<Conflict>> CommitRun::CatchUp(int attempts) {
  // On local disk a question costs little. After a lost race there is certainly a newer version.
  const bool must_ask = attempts > 0 || store_.capabilities().is_local;
  newest_ = TRY(state_.table->Current(
      waiting_.WithStart(must_ask ? Context::Time::max() : std::chrono::steady_clock::now() - kSeenMax)));
  if (newest_->metadata().id != state_.base->metadata().id || !TRY(BaseStands())) {
    // The table was dropped and created again, replaced or set back, so the reads and staged files belong to another
    // table.
    const WinningCommit winner{newest_->version(), {}};
    return Conflict{ConflictError(ConflictKind::kMetadataChanged, winner), winner.version};
  }
  while (version_ < newest_->version()) {
    std::vector<std::optional<Result<WinningCommit>>> winners(
        static_cast<size_t>(std::min(newest_->version() - version_, kWinnersAtOnce)));
    TRY(ForEachInParallel(options_.executor, winners.size(), [&, first = version_ + 1](size_t i) -> Result<void> {
      winners[i] = ReadWinner(first + static_cast<int64_t>(i));
      return {};
    }));
    for (std::optional<Result<WinningCommit>>& winner : winners) {
      if (!winner->ok() && winner->error().code() == ErrorCode::kNotFound) {
        // Log clean-up was faster than this transaction.
        Error error(ErrorCode::kConflict,
                    fmt::format("nothing was committed: version {}, which the commit has to be compared "
                                "with, is no longer in the log",
                                version_ + 1));
        return Conflict{std::move(error).WithReason(Reason::kConcurrentModification), version_ + 1};
      }
      if (auto conflict = Follow(TRY(std::move(*winner)))) return conflict;
    }
  }
  return std::nullopt;
}

// PROTOCOL.md, "Writer Requirements for In-Commit Timestamps": the time of the attempt, but later than the commit
// before. If this commit enables them, it is later than the modification time of the file before.
Result<int64_t> CommitRun::NextInCommitTimestamp(int64_t now_ms) {
  if (version_ < 0) return now_ms;
  if (!time_is_known_) {
    const auto before = TRY(store_.Head(waiting_, CommitPath(state_.table->path(), version_)));
    timestamp_ms_ = std::max(timestamp_ms_, before.modified_micros / 1000);
    time_is_known_ = true;
  }
  if (timestamp_ms_ == std::numeric_limits<int64_t>::max()) {
    return Error(ErrorCode::kCorrupt,
                 fmt::format("the in-commit timestamp of version {} leaves no later one", version_))
        .WithReason(Reason::kCorruptTable);
  }
  return std::max(now_ms, timestamp_ms_ + 1);
}

// The line of the metadata. If the table has commits without in-commit timestamps, it also says where these begin.
std::string CommitRun::MetadataLine(int64_t version, int64_t timestamp_ms) const {
  Metadata metadata = *state_.new_metadata;
  if (state_.base != nullptr) {
    const StringMap& before = state_.base->metadata().configuration;
    if (!HasInCommitTimestamps(state_.base->protocol(), state_.base->properties())) {
      metadata.configuration[std::string(kInCommitTimestampVersionProperty)] = std::to_string(version);
      metadata.configuration[std::string(kInCommitTimestampTimeProperty)] = std::to_string(timestamp_ms);
    } else {
      for (const std::string_view key : {kInCommitTimestampVersionProperty, kInCommitTimestampTimeProperty}) {
        if (const auto entry = before.find(std::string(key)); entry != before.end())
          metadata.configuration.insert(*entry);
      }
    }
  }
  return WriteAction(metadata) + "\n";
}

std::string CommitRun::OtherLines(int64_t now_ms) const {
  std::string lines;
  const auto append = [&lines](const Action& action) {
    lines += WriteAction(action);
    lines += '\n';
  };
  for (const Txn& txn : state_.txns) append(txn);
  for (const DomainMetadata& domain : state_.domains) append(domain);
  for (const RemovedFile& file : state_.removes) append(state_.MakeRemove(file, now_ms));
  for (const Add& add : state_.adds) append(add);
  return lines;
}

// The commit file of the version after version_.
Result<CommitBytes> CommitRun::Build() {
  const int64_t now_ms = options_.clock->now_millis();
  const Protocol& protocol = state_.new_protocol ? *state_.new_protocol : protocol_;
  CommitInfoFields fields;
  if (HasInCommitTimestamps(protocol, TableProperties::From(state_.metadata()->configuration))) {
    fields.in_commit_timestamp_ms = TRY(NextInCommitTimestamp(now_ms));
  }
  fields.timestamp_ms = now_ms;
  if (state_.base) fields.read_version = state_.base->version();
  fields.isolation = OnlyRearranges(summary_)                                   ? "SnapshotIsolation"
                     : summary_.isolation == IsolationLevel::kWriteSerializable ? "WriteSerializable"
                                                                                : "Serializable";
  fields.is_blind_append = IsBlindAppend(summary_);
  const std::string txn_id = options_.random->Uuid();
  fields.txn_id = txn_id;

  CommitBytes commit{version_ + 1, txn_id, {}};
  commit.bytes = WriteAction(MakeCommitInfo(state_.operation, state_.metrics, fields)) + "\n";
  if (state_.new_protocol) commit.bytes += WriteAction(*state_.new_protocol) + "\n";
  if (state_.new_metadata && fields.in_commit_timestamp_ms) {
    commit.bytes += MetadataLine(commit.version, *fields.in_commit_timestamp_ms);
  } else if (state_.new_metadata) {
    commit.bytes += WriteAction(*state_.new_metadata) + "\n";
  }
  commit.bytes += other_lines_;
  // Readers would take bytes that are not UTF-8 for damage, or for another value.
  if (!IsUtf8(commit.bytes)) {
    return Error(ErrorCode::kInvalidArgument, "the commit holds text that is no UTF-8: nothing was written")
        .WithReason(Reason::kInvalidCommit);
  }
  return commit;
}

Unknown MakeUnknown(const CommitBytes& commit, const Error& last) {
  Error error(ErrorCode::kOutcomeUnknown,
              fmt::format("the store did not say whether version {} was committed (txnId {}): {}", commit.version,
                          commit.txn_id, last.message()));
  return {std::move(error)
              .WithReason(Reason::kCommitStateUnknown)
              .With("version", std::to_string(commit.version))
              .With("txn_id", commit.txn_id),
          commit.version, commit.txn_id};
}

// The outcome if it stopped before a put: because the request ended, the table's own limit is over (then the last
// winner is named), or the store failed.
Result<CommitOutcome> CommitRun::GiveUp(const Error& error, const std::optional<WinningCommit>& winner) const {
  TRY(context_.Check());
  if (error.code() != ErrorCode::kDeadlineExceeded || waiting_.Check().ok()) return error;
  if (winner) return Conflict{ConflictError(ConflictKind::kNone, *winner), winner->version};
  TRY(CheckTime());
  return error;
}

Result<CommitOutcome> CommitRun::RunInTurn() {
  const auto turn = TRY(TakeTurn());
  Backoff backoff(options_.commit_retry.conflict_first, options_.commit_retry.conflict_max, *options_.random);
  int attempts = 0;
  std::optional<WinningCommit> winner;
  while (true) {
    if (state_.base != nullptr) {
      auto conflict = CatchUp(attempts);
      if (!conflict.ok()) return GiveUp(conflict.error(), winner);
      if (*conflict) return *std::move(*conflict);
    }
    Result<CommitBytes> built = Build();
    if (!built.ok()) return GiveUp(built.error(), winner);
    CommitBytes& commit = *built;
    TRY(context_.Check());
    // From here on only the store's answer counts. A request that ends now must not leave the version undecided.
    const Context::Time sent_at = std::chrono::steady_clock::now();
    PutOutcome put = TRY(writer_.Put(DetachedFor(options_.commit_deadline, context_.request_id()), commit));
    if (auto* won = std::get_if<PutWon>(&put)) {
      won->tries += attempts;
      return Publish(std::move(commit), std::move(*won), sent_at);
    }
    if (const auto* undecided = std::get_if<PutUndecided>(&put)) return MakeUnknown(commit, undecided->last);
    winner = std::move(std::get<PutLost>(put).winner);
    attempts++;
    if (auto conflict = Follow(*winner)) return std::move(*conflict);
    if (const auto waited = backoff.Wait(waiting_); !waited.ok()) return GiveUp(waited.error(), winner);
  }
}

// Makes the version known in this process. If it cannot be read now, it is still committed.
Committed CommitRun::Publish(CommitBytes commit, PutWon won, Context::Time sent_at) {
  const Context context = DetachedFor(options_.commit_deadline, context_.request_id());
  const auto& store = state_.table->object_store();
  const int64_t version = commit.version;
  const int attempts = won.tries;
  auto snapshot = [&]() -> Result<SnapshotRef> {
    if (!newest_) {
      return Snapshot::Load(context, store, state_.table->path(),
                            {.version = {}, .executor = options_.executor, .clock = options_.clock});
    }
    assert(newest_->version() + 1 == version);
    // Without the metadata of the put, the commit has to be listed and read.
    if (!won.meta) return Snapshot::Refresh(context, newest_, options_.executor);
    return Snapshot::Follow(newest_, std::move(*won.meta), std::move(commit.bytes));
  }();
  if (!snapshot.ok() || (*snapshot)->version() < version) {
    Log(LogLevel::kWarn, "table {}: version {} is committed, but cannot be read: {}", state_.table->path(), version,
        snapshot.ok() ? "the store does not list it" : snapshot.error().ToString());
    return {version, nullptr, attempts};
  }
  state_.table->Publish(*snapshot, sent_at);
  return {version, std::move(*snapshot), attempts};
}

// On a far store each put costs, and a checksum per version would double them. So there it is written only with a
// checkpoint.
void WriteFollowUps(const Snapshot& snapshot, bool with_checkpoint, const TableOptions& options) {
  const Context context = DetachedFor(options.commit_deadline, "");
  const auto report = [&](std::string_view what, const Result<void>& written) {
    if (written.ok()) return;
    Log(LogLevel::kWarn, "table {}: no {} of version {}: {}", snapshot.table_path(), what, snapshot.version(),
        written.error().ToString());
  };
  const bool with_checksum = with_checkpoint || snapshot.object_store()->capabilities().is_local;
  if (with_checksum) report("checksum", WriteChecksum(context, snapshot));
  if (with_checkpoint) report("checkpoint", WriteCheckpoint(context, snapshot, *options.clock, options.executor));
}

void CommitRun::FollowUp(const Committed& committed) {
  if (committed.snapshot == nullptr) return;
  const int64_t interval = std::max<int64_t>(committed.snapshot->properties().checkpoint_interval, 1);
  const bool with_checkpoint = committed.version > 0 && committed.version % interval == 0;
  if (options_.background == nullptr) {
    WriteFollowUps(*committed.snapshot, with_checkpoint, options_);
    return;
  }
  // The task copies the options, because the table may be gone when it runs.
  auto task = [snapshot = committed.snapshot, with_checkpoint, options = options_] {
    WriteFollowUps(*snapshot, with_checkpoint, options);
  };
  if (!options_.background->Submit(std::move(task)).ok()) {
    Log(LogLevel::kDebug, "table {}: checksum and checkpoint of version {} are left out, the queue is full",
        state_.table->path(), committed.version);
  }
}

Result<CommitOutcome> CommitRun::Run() {
  // This is done before waiting for the turn, because a large commit takes a while to serialise.
  other_lines_ = OtherLines(options_.clock->now_millis());
  auto outcome = RunInTurn();
  if (!outcome.ok()) return outcome;
  if (const auto* committed = std::get_if<Committed>(&*outcome)) FollowUp(*committed);
  return outcome;
}

}  // namespace

Result<CommitOutcome> RunCommit(Transaction::State& state, const Context& context) {
  return CommitRun(state, context).Run();
}

}  // namespace yummy::delta
