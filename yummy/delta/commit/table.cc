#include "yummy/delta/commit/table.h"

#include <algorithm>
#include <condition_variable>
#include <list>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/commit/transaction_state.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/snapshot/commit_times.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

constexpr size_t kOldSnapshotsMax = 8;

/// One question to the store about the newest version. Several callers may wait for its answer.
struct Flight {
  std::optional<Context::Time> asked_at;  // just before the question was sent
  std::optional<Result<SnapshotRef>> result;
};

bool IsNotATable(const Error& error) {
  return error.code() == ErrorCode::kNotFound && error.reason() == Reason::kNotADeltaTable;
}

}  // namespace

struct Table::State {
  std::shared_ptr<store::ObjectStore> store;
  std::string path;
  TableOptions options;
  Gate commit_queue{1};

  std::mutex mutex;
  std::condition_variable_any changed;
  SnapshotRef newest;                // it and the members below are guarded by mutex
  Context::Time asked_at;            // newest was the newest version then, or later
  std::shared_ptr<Flight> flying;    // the question that is in flight
  std::shared_ptr<Flight> boarding;  // the next question: for callers that began after flying was sent
  std::list<SnapshotRef> old;        // older versions for time travel, the last used first

  LoadOptions load_options(std::optional<int64_t> version) const {
    return {.version = version, .executor = options.executor, .clock = options.clock};
  }

  Result<SnapshotRef> Ask(const Context& context, const SnapshotRef& base) {
    const auto held = [this] {
      const std::lock_guard lock(mutex);
      return newest;
    };
    if (base) return Snapshot::Refresh(context, base, options.executor, held);
    return Snapshot::Load(context, store, path, load_options({}));
  }

  /// Runs the boarding flight. `lock` is held on entry and on return, but not in between.
  void Fly(const Context& context, std::unique_lock<std::mutex>& lock) {
    flying = std::exchange(boarding, nullptr);
    flying->asked_at = std::chrono::steady_clock::now();
    const SnapshotRef base = newest;
    lock.unlock();
    Result<SnapshotRef> result = Ask(context, base);
    lock.lock();
    // A version that was published meanwhile may be newer than the answer.
    if (result.ok() && (newest == base || newest == nullptr || newest->version() <= (*result)->version())) {
      newest = *result;
      asked_at = *flying->asked_at;
    }
    if (!result.ok() && IsNotATable(result.error()) && newest == base) newest = nullptr;
    flying->result = std::move(result);
    flying = nullptr;
    changed.notify_all();
  }

  /// The snapshot of the version, if it is held.
  SnapshotRef FindHeld(int64_t version) {
    const std::lock_guard lock(mutex);
    if (newest && newest->version() == version) return newest;
    const auto at =
        std::find_if(old.begin(), old.end(), [&](const SnapshotRef& held) { return held->version() == version; });
    if (at == old.end()) return nullptr;
    old.splice(old.begin(), old, at);
    return *at;
  }

  void Hold(SnapshotRef snapshot) {
    const std::lock_guard lock(mutex);
    std::erase_if(old, [&](const SnapshotRef& held) { return held->version() == snapshot->version(); });
    old.push_front(std::move(snapshot));
    if (old.size() > kOldSnapshotsMax) old.pop_back();
  }
};

std::shared_ptr<Table> Table::Make(std::shared_ptr<store::ObjectStore> store, std::string table_path,
                                   TableOptions options) {
  // The constructor is private.
  return std::shared_ptr<Table>(new Table(std::move(store), std::move(table_path), std::move(options)));  // NOLINT
}

Table::Table(std::shared_ptr<store::ObjectStore> store, std::string table_path, TableOptions options)
    : state_(std::make_unique<State>()) {
  state_->store = std::move(store);
  state_->path = std::move(table_path);
  state_->options = std::move(options);
}

Table::~Table() = default;

const std::string& Table::path() const { return state_->path; }
const std::shared_ptr<store::ObjectStore>& Table::object_store() const { return state_->store; }
const TableOptions& Table::options() const { return state_->options; }
Gate& Table::commit_queue() { return state_->commit_queue; }

Result<SnapshotRef> Table::Current(const Context& context) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  while (true) {
    TRY(context.Check());
    if (state.newest && state.asked_at >= context.start()) return state.newest;
    // A question from before this request began does not count, because its sender may have seen a later commit
    // acknowledged.
    const bool may_share = state.flying && *state.flying->asked_at >= context.start();
    if (!may_share && !state.boarding) state.boarding = std::make_shared<Flight>();
    const std::shared_ptr<Flight> mine = may_share ? state.flying : state.boarding;
    const auto may_fly = [&] { return !state.flying && state.boarding == mine; };
    state.changed.wait_until(lock, context.stop_token(), context.deadline(),
                             [&] { return mine->result.has_value() || may_fly(); });
    if (!mine->result && may_fly()) {
      state.Fly(context, lock);
      return *mine->result;
    }
    if (!mine->result) continue;  // the deadline or a stop; Check returns the error
    const bool pilot_left = !mine->result->ok() && (mine->result->error().code() == ErrorCode::kCancelled ||
                                                    mine->result->error().code() == ErrorCode::kDeadlineExceeded);
    // If the request that asked was cancelled, its error is not an answer for the others.
    if (!pilot_left) return *mine->result;
  }
}

Result<SnapshotRef> Table::AtVersion(const Context& context, int64_t version) {
  SnapshotRef held = state_->FindHeld(version);
  if (held) {
    const store::ObjectMeta& anchor = held->state().anchor;
    const auto now = state_->store->Head(context, anchor.path);
    if (!now.ok() && now.error().code() != ErrorCode::kNotFound) return now.error();
    // Otherwise the table was dropped and created again, or log clean-up removed the commit.
    if (now.ok() && SameObject(*now, anchor)) return held;
  }
  if (!held) {
    SnapshotRef newest = TRY(Current(context));
    if (newest->version() == version) return newest;
  }
  SnapshotRef snapshot = TRY(Snapshot::Load(context, state_->store, state_->path, state_->load_options(version)));
  state_->Hold(snapshot);
  return snapshot;
}

Result<SnapshotRef> Table::AtTimestamp(const Context& context, int64_t micros) {
  SnapshotRef newest = TRY(Current(context));
  CommitTimes times = TRY(CommitTimes::List(context, *newest));
  const int64_t millis = micros >= 0 ? micros / 1000 : -((-(micros + 1)) / 1000) - 1;
  const int64_t version = TRY(times.FindVersion(context, millis));
  if (version == newest->version()) return newest;
  return AtVersion(context, version);
}

Result<std::vector<CommitSummary>> Table::History(const Context& context, size_t limit) {
  SnapshotRef newest = TRY(Current(context));
  CommitTimes times = TRY(CommitTimes::List(context, *newest));
  return times.Summaries(context, limit, state_->options.executor);
}

Result<std::unique_ptr<Transaction>> Table::Begin(const Context& context, Operation operation) {
  return Begin(TRY(Current(context)), std::move(operation));
}

Result<std::unique_ptr<Transaction>> Table::Begin(SnapshotRef base, Operation operation) {
  TRY(CheckWritable(base->protocol(), base->metadata(), base->schema()));
  return MakeTransaction(shared_from_this(), std::move(base), std::move(operation));
}

Result<std::unique_ptr<Transaction>> Table::BeginCreate(const Context& context, Operation operation) {
  auto current = Current(context);
  if (current.ok()) {
    return Error(ErrorCode::kAlreadyExists, fmt::format("there is a table in {} already", state_->path))
        .WithReason(Reason::kTableExists);
  }
  if (!IsNotATable(current.error())) return std::move(current).error();
  return MakeTransaction(shared_from_this(), nullptr, std::move(operation));
}

void Table::Publish(SnapshotRef snapshot, Context::Time asked_at) {
  const std::lock_guard lock(state_->mutex);
  const bool same_table = state_->newest && state_->newest->metadata().id == snapshot->metadata().id;
  if (same_table && state_->newest->version() > snapshot->version()) return;
  state_->newest = std::move(snapshot);
  state_->asked_at = asked_at;
}

}  // namespace yummy::delta
