#include "yummy/duck/change/insert_batches.h"

#include <memory>
#include <optional>
#include <utility>

#include "yummy/delta/commit/table.h"
#include "yummy/duck/change/arrow_rows.h"
#include "yummy/duck/change/row_change.h"
#include "yummy/duck/change/row_condition.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {
namespace {

/// Drives the operator like a pipeline with this one source. It needs no statement, because parsing and planning one
/// costs more than writing a row.
Result<ChangeReport> Drive(duckdb::ClientContext& context, delta::Transaction& transaction, size_t store_ordinal,
                           std::shared_ptr<arrow::RecordBatchReader> reader, const InsertOptions& options) {
  const auto layout = TRY(TableLayout::Make(transaction.metadata(), transaction.schema()));
  const auto source = TRY(ArrowRows::Make(context, layout, std::move(reader)));
  std::unique_ptr<RowCondition> condition;
  if (options.replace_where) {
    condition = TRY(RowCondition::Bind(context, layout, *options.replace_where));
    transaction.ReadFiles(condition->ToPredicate());
    for (const delta::FileId file : TRY(condition->FindFiles(*transaction.base()))) transaction.RemoveFile(file);
  }

  duckdb::PhysicalPlan plan(duckdb::Allocator::Get(context));
  auto statement = std::make_shared<RowChangeOperator::Statement>(RowChangeOperator::Target{
      .transaction = [&](duckdb::ClientContext&) -> delta::Transaction& { return transaction; },
      .row_types = layout.types,
      .options = {.source = {.store_ordinal = store_ordinal},
                  .table = transaction.table().path(),
                  .ordered = true,
                  .condition = condition.get()}});
  auto& sink = plan.Make<RowChangeOperator>(RowChange::kInsert, std::move(statement), true, duckdb::idx_t(1))
                   .Cast<RowChangeOperator>();
  duckdb::ThreadContext thread(context);
  duckdb::ExecutionContext execution(context, thread, nullptr);
  duckdb::InterruptState interrupt;
  const auto global = sink.GetGlobalSinkState(context);
  const auto local = sink.GetLocalSinkState(execution);
  duckdb::DataChunk rows;
  rows.Initialize(context, layout.types);
  duckdb::OperatorSinkInput input{*global, *local, interrupt};
  while (TRY(source->Next(rows))) sink.Sink(execution, rows, input);
  duckdb::OperatorSinkCombineInput combine{*global, *local, interrupt};
  sink.Combine(execution, combine);
  return sink.Finish(*global);
}

}  // namespace

Result<ChangeReport> InsertRows(duckdb::Connection& connection, delta::Transaction& transaction, size_t store_ordinal,
                                std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options) {
  std::optional<Result<ChangeReport>> report;
  // DuckDB's writer looks up settings and its own catalogue, which needs a transaction of DuckDB.
  connection.context->RunFunctionInTransaction(
      [&] { report.emplace(Drive(*connection.context, transaction, store_ordinal, std::move(rows), options)); });
  return std::move(*report);
}

}  // namespace yummy::duck
