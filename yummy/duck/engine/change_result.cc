#include "yummy/duck/engine/change_result.h"

#include <utility>

#include <arrow/api.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/state/watchdog.h"

namespace yummy::duck {
namespace {

class ChangeResult final : public QueryResult {
 public:
  explicit ChangeResult(const ChangeOutcome& outcome) : outcome_(outcome) {
    const ChangeReport& report = outcome.report;
    const std::pair<const char*, int64_t> counts[] = {
        {"version", outcome.version},
        {"num_affected_rows", report.inserted + report.updated + report.deleted},
        {"num_inserted_rows", report.inserted},
        {"num_updated_rows", report.updated},
        {"num_deleted_rows", report.deleted}};
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const auto& [name, count] : counts) {
      fields.push_back(arrow::field(name, arrow::int64(), false));
      columns.push_back(*arrow::MakeArrayFromScalar(arrow::Int64Scalar(count), 1));
    }
    schema_ = arrow::schema(std::move(fields));
    row_ = arrow::RecordBatch::Make(schema_, 1, std::move(columns));
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  const std::optional<std::vector<TableRead>>& reads() const override { return reads_; }
  const std::optional<ChangeOutcome>& outcome() const override { return outcome_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override { return std::exchange(row_, nullptr); }

 private:
  const std::optional<ChangeOutcome> outcome_;
  const std::optional<std::vector<TableRead>> reads_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> row_;
};

Result<ChangeOutcome> Run(SessionParts& session, StreamingQuery& query) {
  auto pending = session.connection.PendingQuery(std::move(query.statement), query.parameters,
                                                 duckdb::QueryResultOutputType::FORCE_MATERIALIZED);
  if (pending->HasError()) return session.Explain(pending->GetErrorObject(), query.sql);
  TRY(session.CheckProperties(pending->properties));
  const auto result = pending->Execute();
  if (result->HasError()) return session.Explain(result->GetErrorObject(), query.sql);
  return session.request.outcome();
}

}  // namespace

Result<std::unique_ptr<QueryResult>> RunChange(SessionParts& session, const Context& context, StreamingQuery query) {
  auto outcome = [&]() -> Result<ChangeOutcome> {
    QueryWatch watch(session.database->state().watchdog, context, *session.connection.context);
    try {
      return Run(session, query);
    } catch (...) {
      return session.Explain(CurrentException(), query.sql);
    }
  }();
  session.EndStatement();
  if (!outcome.ok()) return std::move(outcome).error();
  return std::make_unique<ChangeResult>(*outcome);
}

}  // namespace yummy::duck
