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
delta::Operation OperationOf(const Write& write) {
  delta::Operation operation{"WRITE", {{"mode", Quoted(write.mode == WriteMode::kAppend ? "Append" : "Overwrite")}}};
  if (write.replace_where) operation.parameters.emplace_back("predicate", Quoted(Quoted(*write.replace_where)));
  return operation;
}

}  // namespace

Result<WriteReport> Write::Run(const Context& context, const Target& target) const {
  if (replace_where && schema_mode == SchemaMode::kReplace) {
    return Error(ErrorCode::kInvalidArgument, "rows that stay need their columns: replace_where takes no new schema")
        .WithReason(Reason::kInvalidParameter);
  }
  const auto transaction = TRY(target.table.Begin(context, OperationOf(*this)));
  TRY(StageSchema(*transaction, *rows->schema(), schema_mode));
  // Under WriteSerializable a concurrent blind append stands, ordered after the overwrite; under Serializable it
  // conflicts.
  if (mode == WriteMode::kOverwrite && !replace_where) {
    transaction->ReadWholeTable();
    for (const delta::FileId file : transaction->base()->files()) transaction->RemoveFile(file);
  }
  WriteReport report;
  report.change = TRY(target.session.Insert(context, *transaction, rows, {.replace_where = replace_where}));
  report.version = transaction->base()->version();
  const bool is_empty_append = mode == WriteMode::kAppend && report.change.inserted == 0;
  if (is_empty_append || dry_run) return report;
  report.version = TRY(delta::RequireCommitted(TRY(transaction->Commit(context)))).version;
  report.committed = true;
  return report;
}

}  // namespace yummy::table
