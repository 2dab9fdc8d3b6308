#include "yummy/table/write.h"

#include <arrow/record_batch.h>

#include "yummy/base/json.h"

namespace yummy::table {

namespace {

delta::Operation WriteOperation(std::string_view mode) {
  std::string quoted;
  AppendJsonString(quoted, mode);
  return {"WRITE", {{"mode", quoted}}};
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
  const auto transaction = TRY(table.Begin(context, WriteOperation("Append")));
  TRY(StageSchema(*transaction, *rows->schema(), options.schema_mode));
  WriteReport report;
  report.inserted = TRY(session.Insert(context, *transaction, std::move(rows)));
  if (report.inserted.rows == 0) {
    report.version = transaction->base()->version();
    return report;
  }
  return Finish(context, *transaction, options, report);
}

Result<WriteReport> Overwrite(const Context& context, duck::Session& session, delta::Table& table,
                              std::shared_ptr<arrow::RecordBatchReader> rows, const WriteOptions& options) {
  const auto transaction = TRY(table.Begin(context, WriteOperation("Overwrite")));
  TRY(StageSchema(*transaction, *rows->schema(), options.schema_mode));
  // Under WriteSerializable a concurrent blind append stands, ordered after the overwrite; under Serializable it conflicts.
  transaction->ReadWholeTable();
  WriteReport report;
  for (const delta::FileId file : transaction->base()->files()) {
    transaction->RemoveFile(file);
    report.files_removed++;
  }
  report.inserted = TRY(session.Insert(context, *transaction, std::move(rows)));
  return Finish(context, *transaction, options, report);
}

}  // namespace yummy::table
