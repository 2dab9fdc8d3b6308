#include "yummy/table/write.h"

#include <arrow/record_batch.h>

#include "yummy/base/json.h"

namespace yummy::table {

namespace {

std::string Quoted(std::string_view text) {
  std::string quoted;
  AppendJsonString(quoted, text);
  return quoted;
}

// As Spark has it: the value of a parameter is a string, which for a condition holds JSON.
delta::Operation WriteOperation(std::string_view mode, const std::optional<std::string>& condition) {
  delta::Operation operation{"WRITE", {{"mode", Quoted(mode)}}};
  if (condition) operation.parameters.emplace_back("predicate", Quoted(Quoted(*condition)));
  return operation;
}

Result<WriteReport> Finish(const Context& context, delta::Transaction& transaction, const WriteOptions& options,
                           WriteReport report) {
  report.version = transaction.base()->version();
  if (options.dry_run) return report;
  transaction.SetOperationMetric("numFiles", std::to_string(report.inserted.files));
  transaction.SetOperationMetric("numOutputRows", std::to_string(report.inserted.rows));
  transaction.SetOperationMetric("numOutputBytes", std::to_string(report.inserted.size_bytes));
  report.version = TRY(delta::RequireCommitted(TRY(transaction.Commit(context)))).version;
  report.committed = true;
  return report;
}

}  // namespace

Result<WriteReport> Append(const Context& context, duck::Session& session, delta::Table& table,
                           std::shared_ptr<arrow::RecordBatchReader> rows, const WriteOptions& options) {
  const auto transaction = TRY(table.Begin(context, WriteOperation("Append", {})));
  TRY(StageSchema(*transaction, *rows->schema(), options.schema_mode));
  WriteReport report;
  report.inserted = TRY(session.Insert(context, *transaction, std::move(rows), {}));
  if (report.inserted.rows == 0) {
    report.version = transaction->base()->version();
    return report;
  }
  return Finish(context, *transaction, options, report);
}

Result<WriteReport> Overwrite(const Context& context, duck::Session& session, delta::Table& table,
                              std::shared_ptr<arrow::RecordBatchReader> rows, const WriteOptions& options) {
  if (options.replace_where && options.schema_mode == SchemaMode::kReplace) {
    return Error(ErrorCode::kInvalidArgument, "rows that stay need their columns: replace_where takes no new schema")
        .WithReason("INVALID_PARAMETER");
  }
  const auto transaction = TRY(table.Begin(context, WriteOperation("Overwrite", options.replace_where)));
  TRY(StageSchema(*transaction, *rows->schema(), options.schema_mode));
  // Under WriteSerializable a concurrent blind append stands, ordered after the overwrite; under Serializable it
  // conflicts.
  if (!options.replace_where) {
    transaction->ReadWholeTable();
    for (const delta::FileId file : transaction->base()->files()) transaction->RemoveFile(file);
  }
  WriteReport report;
  report.inserted =
      TRY(session.Insert(context, *transaction, std::move(rows), {.replace_where = options.replace_where}));
  return Finish(context, *transaction, options, report);
}

}  // namespace yummy::table
