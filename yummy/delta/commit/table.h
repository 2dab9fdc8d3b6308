#pragma once
// One table in this process. It holds the newest snapshot, lets concurrent refreshes share one, and queues commits.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/base/executor.h"
#include "yummy/base/gate.h"
#include "yummy/base/random.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/snapshot/commit_times.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

/// The pauses of a commit. Each is random between zero and a bound that doubles.
struct CommitRetry {
  std::chrono::milliseconds unknown_first{50};  // before the same put is sent again
  std::chrono::milliseconds unknown_max{5'000};
  std::chrono::milliseconds conflict_first{10};  // before the next version is tried
  std::chrono::milliseconds conflict_max{500};
};

struct TableOptions {
  const Clock* clock = &Clock::System();
  Random* random = &Random::System();  // also draws the txnIds, so two writers of a table must not share a seed
  Executor* executor = nullptr;        // for parallel reads of the log
  Executor* background = nullptr;      // for checkpoints and checksums after a commit; absent: on the committing thread
  std::chrono::milliseconds commit_deadline =
      std::chrono::seconds(60);  // for waiting and conflicts; then again for settling a put
  CommitRetry commit_retry;
};

class Table : public std::enable_shared_from_this<Table> {
 public:
  static std::shared_ptr<Table> Make(std::shared_ptr<store::ObjectStore> store, std::string table_path,
                                     TableOptions options);
  ~Table();

  const std::string& path() const;
  const std::shared_ptr<store::ObjectStore>& object_store() const;

  /// The newest version. The store is asked once per request (Context::start), and concurrent calls share one question.
  /// A request that starts after a commit was acknowledged sees that commit.
  Result<SnapshotRef> Current(const Context& context);
  /// Errors: as Snapshot::Load.
  Result<SnapshotRef> AtVersion(const Context& context, int64_t version);
  /// The last version at or before the time. A time after the newest version gives the newest.
  /// Errors: NotFound (reason VERSION_NOT_FOUND: before the oldest version, the message names the range;
  /// VERSION_EXPIRED: log clean-up removed it).
  Result<SnapshotRef> AtTimestamp(const Context& context, int64_t micros);
  Result<std::vector<CommitSummary>> History(const Context& context, size_t limit);

  /// A transaction on the newest version. Errors: Unsupported (writer feature), and those of Current.
  Result<std::unique_ptr<Transaction>> Begin(const Context& context, Operation operation);
  /// A transaction on a version that was read before. Its commit meets the versions that came since as conflicts, or
  /// lets them stand. Errors: Unsupported (writer feature).
  Result<std::unique_ptr<Transaction>> Begin(SnapshotRef base, Operation operation);
  /// A transaction that creates the table at version 0. Errors: AlreadyExists (reason TABLE_EXISTS).
  Result<std::unique_ptr<Transaction>> BeginCreate(const Context& context, Operation operation);

  const TableOptions& options() const;

  /// For Transaction: publishes a committed version, which was the newest at `asked_at` or later.
  void Publish(SnapshotRef snapshot, Context::Time asked_at);
  /// For Transaction: commits of this process take turns in their order. A commit holds its place while it puts a
  /// version.
  Gate& commit_queue();

 private:
  Table(std::shared_ptr<store::ObjectStore> store, std::string table_path, TableOptions options);
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
