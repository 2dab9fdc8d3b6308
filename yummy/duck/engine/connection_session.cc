#include "yummy/duck/engine/connection_session.h"

#include <algorithm>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/change/insert_batches.h"
#include "yummy/duck/engine/change_result.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/engine/streaming_result.h"
#include "yummy/duck/state/watchdog.h"

namespace yummy::duck {
namespace {

duckdb::Value ToValue(const Parameter& parameter) {
  struct Visitor {
    duckdb::Value operator()(std::monostate) const { return duckdb::Value(); }
    duckdb::Value operator()(bool value) const { return duckdb::Value::BOOLEAN(value); }
    duckdb::Value operator()(int64_t value) const { return duckdb::Value::BIGINT(value); }
    duckdb::Value operator()(double value) const { return duckdb::Value::DOUBLE(value); }
    duckdb::Value operator()(const std::string& value) const { return duckdb::Value(value); }
  };
  return std::visit(Visitor{}, parameter);
}

duckdb::case_insensitive_map_t<duckdb::BoundParameterData> ToParameters(const QueryOptions& options) {
  duckdb::case_insensitive_map_t<duckdb::BoundParameterData> parameters;
  for (size_t i = 0; i < options.parameters.size(); ++i) {
    parameters.emplace(std::to_string(i + 1), duckdb::BoundParameterData(ToValue(options.parameters[i])));
  }
  for (const auto& [name, value] : options.named_parameters)
    parameters.emplace(name, duckdb::BoundParameterData(ToValue(value)));
  return parameters;
}

}  // namespace

ConnectionSession::ConnectionSession(std::shared_ptr<Database> database, std::shared_ptr<Instance> instance)
    : parts_(std::move(database), std::move(instance)) {}

Result<std::unique_ptr<Session>> ConnectionSession::Open(std::shared_ptr<Database> database,
                                                         std::shared_ptr<Instance> instance) {
  return CatchErrors([&]() -> Result<std::unique_ptr<Session>> {
    return std::unique_ptr<Session>(new ConnectionSession(std::move(database), std::move(instance)));
  });
}

Result<GuardedStatement> ConnectionSession::Guard(const Context& context, const std::string& sql,
                                                  const QueryOptions& options) {
  const InstanceInfo& info = parts_.instance->info();
  GuardOptions guard{
      .sql_max_bytes = options.sql_max_bytes,
      .may_write = options.may_write,
      .parser = parts_.connection.context->GetParserOptions(),
      .is_store = [&](const std::string& name) { return info.IsStore(name); },
      .list_tables = [&](const std::string& store, const std::string& schema) -> Result<std::vector<std::string>> {
        const std::string& in_store = store.empty() ? options.store : store;
        if (in_store.empty()) {
          return Error(ErrorCode::kInvalidArgument, "SHOW TABLES needs a store: SHOW TABLES FROM store")
              .WithReason(Reason::kSqlInvalid);
        }
        const std::string& in_schema = !schema.empty() ? schema : store.empty() ? options.schema : std::string("main");
        return info.lookup->list_tables(context, in_store, in_schema);
      },
  };
  return GuardStatement(sql, guard);
}

void ConnectionSession::UseStore(const std::string& store, const std::string& schema) {
  if (search_path_ && search_path_->first == store && search_path_->second == schema) return;
  auto& path = *duckdb::ClientData::Get(*parts_.connection.context).catalog_search_path;
  if (store.empty()) {
    path.Reset();
  } else {
    path.Set(duckdb::CatalogSearchEntry(store, schema), duckdb::CatalogSetPathType::SET_DIRECTLY);
  }
  search_path_ = {store, schema};
}

Result<std::unique_ptr<QueryResult>> ConnectionSession::Query(const Context& context, std::string_view sql,
                                                              const QueryOptions& options) {
  TRY(context.Check());
  if (parts_.instance->retired()) return RetiredError();
  if (!options.store.empty() && !parts_.instance->info().IsStore(options.store)) {
    return Error(ErrorCode::kNotFound, "no store " + options.store)
        .WithReason(Reason::kStoreNotFound)
        .With("store", options.store);
  }
  return CatchErrors([&]() -> Result<std::unique_ptr<QueryResult>> {
    StreamingQuery query;
    query.sql = sql;
    query.batch_rows_max = options.batch_rows_max;
    GuardedStatement guarded = TRY(Guard(context, query.sql, options));
    query.statement = std::move(guarded.statement);
    query.parameters = ToParameters(options);
    // Without the text of the statement, DuckDB leaves positions as numbers, and we compute line and column ourselves.
    query.statement->query.clear();
    UseStore(options.store, options.schema);
    parts_.request.Start(context, options.pins);
    parts_.request.SetUntrusted(guarded.writes);
    if (!guarded.is_repeatable) parts_.request.NoteVarying();
    if (guarded.writes) return RunChange(parts_, context, std::move(query));
    return StartQuery(parts_, context, std::move(query));
  });
}

Result<ChangeReport> ConnectionSession::Insert(const Context& context, delta::Transaction& transaction,
                                               std::shared_ptr<arrow::RecordBatchReader> rows,
                                               const InsertOptions& options) {
  TRY(context.Check());
  if (parts_.instance->retired()) return RetiredError();
  const auto& stores = parts_.instance->info().lookup->stores;
  auto store = std::find_if(stores.begin(), stores.end(), [&](const Lookup::Store& candidate) {
    return candidate.object_store == transaction.table().object_store();
  });
  if (store == stores.end()) {
    return Error(ErrorCode::kInternal, "the table is in none of the configured stores: " + transaction.table().path());
  }
  parts_.request.Start(context, {});
  Result<ChangeReport> report = [&]() -> Result<ChangeReport> {
    QueryWatch watch(parts_.database->state().watchdog, context, *parts_.connection.context);
    try {
      return InsertRows(parts_.connection, transaction, static_cast<size_t>(store - stores.begin()), std::move(rows),
                        options);
    } catch (...) {
      return parts_.Explain(CurrentException(), {});
    }
  }();
  if (!report.ok() && parts_.instance->invalidated())
    parts_.database->state().Retire(*parts_.instance, parts_.request.files_in_use().suspect());
  parts_.EndStatement();
  return report;
}

}  // namespace yummy::duck
