#include "yummy/duck/catalog/delta_transaction.h"

#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/schema_entry.h"
#include "yummy/duck/catalog/table_entry.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

constexpr const char* kAppend = "WRITE";  // the operation of an INSERT

bool IsAbsent(const Error& error) {
  return error.code() == ErrorCode::kNotFound &&
         (error.reason() == Reason::kTableNotFound || error.reason() == Reason::kNotADeltaTable);
}

}  // namespace

DeltaTransaction::DeltaTransaction(duckdb::TransactionManager& transactions, duckdb::ClientContext& client)
    : Transaction(transactions, client) {}

DeltaTransaction::~DeltaTransaction() = default;

DeltaTransaction& DeltaTransaction::Get(duckdb::ClientContext& context, duckdb::Catalog& catalog) {
  return Transaction::Get(context, catalog).Cast<DeltaTransaction>();
}

delta::SnapshotRef DeltaTransaction::Pin(duckdb::ClientContext& client, const std::shared_ptr<delta::Table>& table) {
  auto found = pins_.find(table.get());
  if (found != pins_.end()) return found->second.snapshot;
  auto snapshot = ValueOrThrow(table->Current(RequestOf(client).context()));
  pins_[table.get()] = Pinned{table, snapshot};
  return snapshot;
}

std::shared_ptr<delta::Table> DeltaTransaction::Find(duckdb::ClientContext& client, DeltaCatalog& catalog,
                                                     const std::string& schema, const std::string& table) {
  const auto key = std::make_pair(schema, table);
  auto found = tables_.find(key);
  if (found != tables_.end()) return found->second;
  const Lookup& lookup = *catalog.instance().lookup;
  auto result = lookup.find_table(RequestOf(client).context(), catalog.store_name(), schema, table);
  if (!result.ok()) {
    if (IsAbsent(result.error())) return nullptr;
    Throw(result.error());
  }
  return tables_.emplace(key, *std::move(result)).first->second;
}

DeltaTableEntry* DeltaTransaction::FindEntry(const std::string& schema, const std::string& table,
                                             const delta::Snapshot* snapshot) {
  for (const auto& entry : entries_) {
    if (entry->snapshot().get() == snapshot && entry->name == table && entry->schema.name == schema) return entry.get();
  }
  return nullptr;
}

DeltaTableEntry& DeltaTransaction::Keep(duckdb::unique_ptr<DeltaTableEntry> entry) {
  entries_.push_back(std::move(entry));
  return *entries_.back();
}

duckdb::SchemaCatalogEntry& DeltaTransaction::Schema(DeltaCatalog& catalog, const std::string& name) {
  auto& schema = schemas_[name];
  if (!schema) {
    duckdb::CreateSchemaInfo info;
    info.schema = name;
    schema = duckdb::make_uniq<DeltaSchemaEntry>(catalog, info);
  }
  return *schema;
}

delta::Transaction& DeltaTransaction::Writer(duckdb::ClientContext& client, const DeltaTableEntry& table,
                                             const delta::Operation& operation) {
  if (!table.table()) Throw(Error(ErrorCode::kInternal, "a table without its log: " + table.name));
  const auto snapshot = Pin(client, table.table());
  if (table.snapshot() != snapshot) {
    Throw(Error(ErrorCode::kUnsupported, fmt::format("only the newest version of {} can be changed, not version {}",
                                                     table.table()->path(), table.snapshot()->version()))
              .WithReason(Reason::kUnsupportedSql));
  }
  if (writer_) {
    if (written_ != table.table()) {
      Throw(Error(ErrorCode::kUnsupported, fmt::format("a transaction can write to one table: {} after {}",
                                                       table.table()->path(), written_->path()))
                .WithReason(Reason::kOneTablePerTransaction));
    }
    if (changes_rows_ || operation.name != kAppend) {
      Throw(Error(ErrorCode::kUnsupported,
                  fmt::format("a transaction can hold one statement that changes rows: {} after another statement that "
                              "wrote to {}",
                              operation.name, written_->path()))
                .WithReason(Reason::kUnsupportedSql)
                .With("hint", "commit each statement by itself"));
    }
    return *writer_;
  }
  writer_ = ValueOrThrow(table.table()->Begin(snapshot, operation));
  written_ = table.table();
  changes_rows_ = operation.name != kAppend;
  return *writer_;
}

ReadMark& DeltaTransaction::MarkRead(const delta::Table* table) {
  return *reads_.emplace_back(table, std::make_unique<ReadMark>()).second;
}

Result<std::optional<DeltaTransaction::Ended>> DeltaTransaction::Commit(const Context& request_context) {
  if (!writer_) return std::optional<Ended>();
  // A statement that met no row leaves the table as it is.
  if (writer_->is_empty()) return std::optional(Ended{writer_->base()->version(), false});
  for (const auto& [table, mark] : reads_) {
    if (table == written_.get()) mark->StageTo(*writer_);
  }
  const auto committed = TRY(delta::RequireCommitted(TRY(writer_->Commit(request_context))));
  return std::optional(Ended{committed.version, true});
}

duckdb::Transaction& DeltaTransactions::StartTransaction(duckdb::ClientContext& context) {
  auto transaction = duckdb::make_uniq<DeltaTransaction>(*this, context);
  DeltaTransaction& started = *transaction;
  std::lock_guard<std::mutex> guard(mutex_);
  transactions_[&started] = std::move(transaction);
  return started;
}

// DuckDB does not roll back after an error. So the transaction ends here in both cases, and its staged files are
// deleted.
duckdb::ErrorData DeltaTransactions::CommitTransaction(duckdb::ClientContext& context,
                                                       duckdb::Transaction& transaction) {
  const auto ended = Release(transaction);
  RequestState& request = RequestOf(context);
  auto result = ended->Commit(request.context());
  if (result.ok()) {
    if (*result) request.NoteVersion((*result)->version, (*result)->committed);
    return {};
  }
  request.KeepError(result.error());
  return ToErrorData(result.error());
}

void DeltaTransactions::RollbackTransaction(duckdb::Transaction& transaction) { Release(transaction).reset(); }

duckdb::unique_ptr<DeltaTransaction> DeltaTransactions::Release(duckdb::Transaction& transaction) {
  std::lock_guard<std::mutex> guard(mutex_);
  auto found = transactions_.find(&transaction);
  if (found == transactions_.end()) Throw(Error(ErrorCode::kInternal, "a transaction that did not begin here"));
  auto released = std::move(found->second);
  transactions_.erase(found);
  return released;
}

}  // namespace yummy::duck
