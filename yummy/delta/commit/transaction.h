#pragma once
// A change of one table. It is staged first, and then committed as one version by put-if-absent. Conflicts are resolved
// as the protocol and Spark define.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/files/predicate.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

class Table;

/// What commitInfo says about the commit, in Spark's words: "WRITE" with {"mode": "Append"}, and so on.
struct Operation {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;  // value: raw JSON text
};

struct Committed {
  int64_t version = 0;
  SnapshotRef snapshot;  // at least that version; null if it could not be read, although it is committed
  int attempts = 1;      // the puts that were sent, for all versions tried
};
/// Another commit won, and ours cannot follow it. Nothing of ours is visible; staged files are deleted.
struct Conflict {
  /// Conflict (CONCURRENT_MODIFICATION, PROTOCOL_CHANGED …) with details "current_version", "winner" (its operation);
  /// AlreadyExists (TABLE_EXISTS) when the table was being created; PreconditionFailed when RequireVersion cannot hold.
  Error error;
  int64_t winning_version = 0;
};
/// The store did not say whether the commit was applied. Staged files are kept.
struct Unknown {
  Error error;  // OutcomeUnknown, reason COMMIT_STATE_UNKNOWN, details "version", "txn_id"
  int64_t version = 0;
  std::string txn_id;
};
using CommitOutcome = std::variant<Committed, Conflict, Unknown>;

/// The committed version, or the error of Conflict or Unknown.
Result<Committed> RequireCommitted(CommitOutcome outcome);

/// Not safe from several threads, except StageFile and RecordStaged.
class Transaction {
 public:
  ~Transaction();  // deletes the staged files, unless they are or may be committed
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// The version that this transaction read; absent when it creates the table.
  const SnapshotRef& base() const;
  Table& table() const;
  /// The metadata after the commit: the staged one, otherwise that of the base.
  const Metadata& metadata() const;
  const Schema& schema() const;
  /// True if nothing is staged that a commit would say of the table.
  bool is_empty() const;

  /// A unique, decoded path for a new data file, relative to the table: "<partition
  /// folder>part-00000-<uuid>-c000.zstd.parquet". Its path within the store is the table's path + "/" + this. Its
  /// Add.path is EncodeLogPath of this. The file counts as staged from now on. Safe from several threads.
  std::string StageFile(const PartitionValues& partition_values);
  /// Registers a path within the store as staged, whatever the file holds. It is deleted unless an action that is
  /// committed names it, as data file or deletion vector. Safe from several threads.
  void RecordStaged(std::string store_path);

  /// The last call counts, per application for txns and per domain for domains. Commit reports mistakes.
  void SetMetadata(Metadata metadata);
  void SetProtocol(Protocol protocol);
  void AddFile(Add add);
  /// Removes a live file of base(). `data_change` is the protocol's dataChange.
  void RemoveFile(FileId id, bool data_change = true);
  void SetTxn(Txn txn);
  void SetDomainMetadata(DomainMetadata domain);
  void SetOperationMetric(std::string name, std::string value);

  /// Record what was read, for the conflict check. A transaction that has read nothing and only adds is a blind append.
  void ReadWholeTable();
  void ReadFiles(Predicate predicate);
  /// Lets the commit become this version only (If-Match).
  void RequireVersion(int64_t version);

  /// Commits. Call it once. Commits of this process take turns. After a lost race, conflicts are resolved and the next
  /// version is tried, with pauses, until the context's deadline or the table's commit_deadline, whichever is earlier.
  /// Once a put was sent, neither the deadline nor the stop of the context ends it: its outcome is settled within
  /// another commit_deadline.
  /// A transaction with nothing staged commits a version that holds only commitInfo; the caller decides whether that is
  /// wanted. After the commit, staged files that no committed action names are deleted. Checkpoint and checksum are
  /// written after the commit; if that fails, it is logged, not returned. All errors are definite: nothing is visible,
  /// and staged files are deleted. Errors: InvalidArgument (reason INVALID_COMMIT: no operation, adds that do not fit
  /// the table or each other …), Conflict (reason APPEND_ONLY), PreconditionFailed (RequireVersion), Unsupported, those
  /// of Table::Current and of the store, DeadlineExceeded and Cancelled (between two puts).
  Result<CommitOutcome> Commit(const Context& context);

  struct State;
  explicit Transaction(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
