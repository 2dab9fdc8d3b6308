#pragma once
// What a transaction holds until it commits. For this module only.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "yummy/delta/commit/conflict.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction.h"

namespace yummy::delta {

/// A transaction on `base_or_null`. Without a base it creates the table at version 0.
std::unique_ptr<Transaction> MakeTransaction(std::shared_ptr<Table> table, SnapshotRef base_or_null,
                                             Operation operation);

struct RemovedFile {
  FileId id = 0;
  bool data_change = true;
};

struct Transaction::State {
  std::shared_ptr<Table> table;  // shared: one per table; the registry of tables holds it as well
  SnapshotRef base;              // null: creates the table
  Operation operation;
  std::vector<std::pair<std::string, std::string>> metrics;

  std::optional<Metadata> new_metadata;
  std::optional<Protocol> new_protocol;
  Schema new_schema;                  // the schema of new_metadata
  std::optional<Error> schema_error;  // why new_metadata has no schema
  std::vector<Add> adds;
  std::vector<RemovedFile> removes;     // files of base, each at most once
  std::vector<Txn> txns;                // at most one per application
  std::vector<DomainMetadata> domains;  // at most one per domain

  bool read_whole_table = false;
  std::vector<Predicate> read_predicates;
  std::optional<int64_t> required_version;
  bool has_ended = false;  // Commit was called

  std::atomic<uint32_t> files_named = 0;
  std::mutex staged_mutex;
  std::vector<std::string> staged;  // paths within the store; guarded by staged_mutex

  /// The metadata and the protocol after the commit; null while a new table has none.
  const Metadata* metadata() const;
  const Protocol* protocol() const;
  const Schema& schema() const;

  TransactionSummary Summarize() const;
  /// The action that RemoveFile writes.
  Remove MakeRemove(const RemovedFile& file, int64_t deletion_timestamp_ms) const;

  /// Takes the staged paths, so that they are no longer deleted at the end.
  std::vector<std::string> TakeStaged();
  /// Deletes the staged files. Failures are logged; vacuum removes files that are left.
  void DeleteStaged();
  /// Deletes the staged files that no committed action names. If an action cannot be understood, all of them stay.
  void DeleteUnusedStaged();
  /// The paths within the store of all files that the committed actions name and that may be staged: data files, and
  /// files of deletion vectors. Removes name only files of the base. Errors: Corrupt, PermissionDenied.
  Result<std::unordered_set<std::string>> NamedFiles() const;
};

/// Refuses what must not be committed; asks no store. Errors: see Transaction::Commit.
Result<void> CheckTransaction(const Transaction::State& state);

/// Commits a checked transaction. Errors: see Transaction::Commit.
Result<CommitOutcome> RunCommit(Transaction::State& state, const Context& context);

}  // namespace yummy::delta
