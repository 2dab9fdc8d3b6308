#pragma once
// DuckDB's transaction on one store. It holds the version of each table that its statements read, and the table that it
// writes.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "yummy/delta/commit/table.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/read_mark.h"

namespace yummy::duck {

class DeltaCatalog;
class DeltaTableEntry;

/// Owns the catalogue entries that its statements use. It is used while statements are planned, and by the thread that
/// begins or ends a statement; never by two threads at a time.
class DeltaTransaction final : public duckdb::Transaction {
 public:
  DeltaTransaction(duckdb::TransactionManager& manager, duckdb::ClientContext& context);
  ~DeltaTransaction() override;
  static DeltaTransaction& Get(duckdb::ClientContext& context, duckdb::Catalog& catalog);

  /// The version that was the newest when the transaction first asked for the table. The first call asks the store
  /// once. Throws: the errors of delta::Table::Current.
  delta::SnapshotRef Pin(duckdb::ClientContext& context, const std::shared_ptr<delta::Table>& table);

  /// The table of this name; null if there is none. Asks Lookup::find_table once, and throws its other errors.
  std::shared_ptr<delta::Table> Find(duckdb::ClientContext& context, DeltaCatalog& catalog, const std::string& schema,
                                     const std::string& table);

  /// The entry that an earlier lookup has made for this schema, name and version; null if there is none.
  DeltaTableEntry* FindEntry(const std::string& schema, const std::string& table, const delta::Snapshot* snapshot);
  DeltaTableEntry& Keep(duckdb::unique_ptr<DeltaTableEntry> entry);
  duckdb::SchemaCatalogEntry& Schema(DeltaCatalog& catalog, const std::string& name);

  /// The delta transaction with which a statement writes `table`. It begins here, at the version that this transaction
  /// reads, and is committed with it. Throws: Unsupported (reason ONE_TABLE_PER_TRANSACTION: a second table), and the
  /// errors of delta::Table::Begin.
  delta::Transaction& Writer(duckdb::ClientContext& context, const DeltaTableEntry& table,
                             const delta::Operation& operation);

  /// The mark for a scan of the pinned version of `table`. If this transaction writes the table, concurrent changes
  /// conflict with what the mark says was read.
  ReadMark& MarkRead(const delta::Table* table);

  struct Ended {
    int64_t version = 0;  // of the table that was written
    bool committed = false;
  };
  /// Commits the written table, if there is one. Errors: those of delta::Transaction::Commit; Conflict, OutcomeUnknown.
  Result<std::optional<Ended>> Commit(const Context& context);

 private:
  struct Pinned {
    std::shared_ptr<delta::Table> table;
    delta::SnapshotRef snapshot;
  };

  std::map<const delta::Table*, Pinned> pins_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<delta::Table>>
      tables_;  // by schema and name as written
  std::map<std::string, duckdb::unique_ptr<duckdb::SchemaCatalogEntry>> schemas_;
  std::vector<duckdb::unique_ptr<DeltaTableEntry>> entries_;
  std::vector<std::pair<const delta::Table*, std::unique_ptr<ReadMark>>> reads_;
  std::shared_ptr<delta::Table> written_;
  std::unique_ptr<delta::Transaction> writer_;
  bool changes_rows_ = false;  // by the statement that began writer_
};

class DeltaTransactions final : public duckdb::TransactionManager {
 public:
  explicit DeltaTransactions(duckdb::AttachedDatabase& database) : TransactionManager(database) {}

  duckdb::Transaction& StartTransaction(duckdb::ClientContext& context) override;
  duckdb::ErrorData CommitTransaction(duckdb::ClientContext& context, duckdb::Transaction& transaction) override;
  void RollbackTransaction(duckdb::Transaction& transaction) override;
  void Checkpoint(duckdb::ClientContext&, bool) override {}

 private:
  duckdb::unique_ptr<DeltaTransaction> Release(duckdb::Transaction& transaction);

  std::mutex mutex_;
  std::map<const duckdb::Transaction*, duckdb::unique_ptr<DeltaTransaction>> transactions_;  // guarded by mutex_
};

}  // namespace yummy::duck
