#pragma once
// A change of one table: staged, then committed as one version by put-if-absent, with the conflicts resolved as the
// protocol and Spark define them.

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

/// What commitInfo says of the commit: "WRITE" with {"mode": "Append"}, and so on, as Spark names them.
struct Operation {
  std::string name;
  std::vector<std::pair<std::string, std::string>> parameters;  // value: raw JSON text
};

struct Committed {
  int64_t version = 0;
  SnapshotRef snapshot;  // at least that version; null when it could not be read: the commit stands all the same
  int attempts = 1;      // puts that were sent, of all versions tried
};
/// Another commit won and both cannot stand. Nothing of ours is visible; staged files are deleted.
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

/// The committed version, or the error of the other two.
Result<Committed> RequireCommitted(CommitOutcome outcome);

/// Not safe from several threads, but for StageFile and RecordStaged.
class Transaction {
 public:
  ~Transaction();  // deletes staged files, unless they were committed or may have been
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  /// The version that this transaction read; absent when it creates the table.
  const SnapshotRef& base() const;
  Table& table() const;
  /// The metadata as it will be: the staged one, else the base's.
  const Metadata& metadata() const;
  const Schema& schema() const;

  /// A path for a new data file, below the table, decoded: "<partition folder>part-00000-<uuid>-c000.zstd.parquet".
  /// Unique. Within the store the file is at the table's path + "/" + this; Add.path is EncodeLogPath of this. The file
  /// counts as staged from now on. Safe from several threads.
  std::string StageFile(const PartitionValues& partition_values);
  /// Counts a path within the store as staged: it is deleted when nothing is committed. Safe from several threads.
  void RecordStaged(std::string store_path);

  /// What is said twice counts once: the last metadata, protocol, txn of an application, state of a domain.
  /// Mistakes are reported by Commit.
  void SetMetadata(Metadata metadata);
  void SetProtocol(Protocol protocol);
  void AddFile(Add add);
  /// Removes a live file of base(). `data_change` as the protocol has it.
  void RemoveFile(FileId id, bool data_change = true);
  void SetTxn(Txn txn);
  void SetDomainMetadata(DomainMetadata domain);
  void SetOperationMetric(std::string name, std::string value);

  /// What was read, for the conflict check. A transaction that read nothing and only adds is a blind append.
  void ReadWholeTable();
  void ReadFiles(Predicate predicate);
  /// The commit may only become this version (If-Match).
  void RequireVersion(int64_t version);

  /// Commits; once. Commits of this process take turns. Conflicts with others are resolved and the next version is
  /// tried, with pauses, until the earlier of the context's deadline and the table's commit_deadline. Once a put was
  /// sent, neither the context's deadline nor its stop ends it: what the store did is settled within another
  /// commit_deadline. A transaction with nothing staged commits a version that holds commitInfo only; whether that is
  /// wanted the caller decides. Files staged but not added are deleted after the commit (those that end in ".parquet":
  /// what names deletion vectors is not known here). Checkpoint and checksum are written after the commit; their
  /// failure is logged, not returned. Errors, all definite, nothing is visible and staged files are deleted:
  /// InvalidArgument (reason INVALID_COMMIT: no operation, adds that do not fit the table or each other …), Conflict
  /// (reason APPEND_ONLY), PreconditionFailed (RequireVersion), Unsupported, those of Table::Current and of the store,
  /// and DeadlineExceeded and Cancelled between two puts.
  Result<CommitOutcome> Commit(const Context& context);

  struct State;
  explicit Transaction(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
