#include "yummy/duck/change/row_change.h"

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/duck/write/partitioned_writer.h"
#include "yummy/duck/write/sequence_writer.h"

namespace yummy::duck {
namespace {

std::unique_ptr<RowWriter> MakeWriter(DataFiles& files) {
  if (files.layout().partition_columns.empty()) return std::make_unique<SequenceWriter>(files);
  return std::make_unique<PartitionedWriter>(files);
}

}  // namespace

StatementRun::StatementRun(duckdb::ClientContext& context, delta::Transaction& transaction, Options options)
    : transaction_(transaction),
      request_(RequestOf(context).context()),
      layout_(ValueOrThrow(TableLayout::Make(transaction.metadata(), transaction.schema()))),
      stored_form_(ValueOrThrow(StoredForm::Make(layout_))),
      constraints_(layout_),
      condition_(options.condition),
      files_(context, transaction, options.store_ordinal, layout_),
      writer_(MakeWriter(files_)),
      ordered_(options.ordered) {
  assert(!condition_ || ordered_);
}

StatementRun::Local StatementRun::MakeLocal() { return {.rows = writer_->MakeLocal(), .row_count = 0}; }

void StatementRun::Write(Local& local, duckdb::DataChunk& rows) {
  ValueOrThrow(request_.Check());
  const auto first_row = ordered_ ? std::optional(local.row_count) : std::nullopt;
  ValueOrThrow(stored_form_.Apply(rows, first_row));
  ValueOrThrow(constraints_.Check(rows, first_row));
  if (condition_) ValueOrThrow(condition_->RequireAll(rows, local.row_count));
  writer_->Write(*local.rows, rows);
  local.row_count += rows.size();
}

void StatementRun::Combine(Local& local) {
  writer_->Combine(*local.rows);
  row_count_ += local.row_count;
}

InsertReport StatementRun::Finish() {
  ValueOrThrow(request_.Check());
  writer_->Finish();
  InsertReport report;
  report.rows = static_cast<int64_t>(row_count_.load());
  for (auto& add : files_.Take()) {
    report.files++;
    report.size_bytes += add.size_bytes;
    transaction_.AddFile(std::move(add));
  }
  transaction_.SetOperationMetric("numFiles", std::to_string(report.files));
  transaction_.SetOperationMetric("numOutputRows", std::to_string(report.rows));
  transaction_.SetOperationMetric("numOutputBytes", std::to_string(report.size_bytes));
  return report;
}

struct RowChangeOperator::Global final : duckdb::GlobalSinkState {
  std::unique_ptr<StatementRun> run;
  InsertReport report;
};

struct RowChangeOperator::ThreadState final : duckdb::LocalSinkState {
  std::optional<StatementRun::Local>
      local;  // made with the first chunk, because the global state is not available before
};

RowChangeOperator::RowChangeOperator(duckdb::PhysicalPlan& plan, Target target, duckdb::idx_t estimated_rows)
    : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, {duckdb::LogicalType::BIGINT}, estimated_rows),
      target_(std::move(target)) {}

duckdb::InsertionOrderPreservingMap<std::string> RowChangeOperator::ParamsToString() const {
  duckdb::InsertionOrderPreservingMap<std::string> result;
  result["Table"] = target_.table;
  return result;
}

duckdb::unique_ptr<duckdb::GlobalSinkState> RowChangeOperator::GetGlobalSinkState(
    duckdb::ClientContext& context) const {
  auto state = duckdb::make_uniq<Global>();
  auto& transaction = target_.transaction(context);
  state->run = std::make_unique<StatementRun>(
      context, transaction,
      StatementRun::Options{
          .store_ordinal = target_.store_ordinal, .ordered = target_.ordered, .condition = target_.condition});
  if (state->run->layout().types != target_.row_types) {
    Throw(Error(ErrorCode::kConflict,
                fmt::format("the columns of table {} changed while the statement was planned", target_.table))
              .WithReason(Reason::kMetadataChanged));
  }
  return state;
}

duckdb::unique_ptr<duckdb::LocalSinkState> RowChangeOperator::GetLocalSinkState(duckdb::ExecutionContext&) const {
  return duckdb::make_uniq<ThreadState>();
}

duckdb::SinkResultType RowChangeOperator::Sink(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                                               duckdb::OperatorSinkInput& input) const {
  auto& run = *input.global_state.Cast<Global>().run;
  auto& local = input.local_state.Cast<ThreadState>().local;
  if (!local) local = run.MakeLocal();
  run.Write(*local, chunk);
  return duckdb::SinkResultType::NEED_MORE_INPUT;
}

duckdb::SinkCombineResultType RowChangeOperator::Combine(duckdb::ExecutionContext&,
                                                         duckdb::OperatorSinkCombineInput& input) const {
  auto& local = input.local_state.Cast<ThreadState>().local;
  if (local) input.global_state.Cast<Global>().run->Combine(*local);
  return duckdb::SinkCombineResultType::FINISHED;
}

duckdb::SinkFinalizeType RowChangeOperator::Finalize(duckdb::Pipeline&, duckdb::Event&, duckdb::ClientContext&,
                                                     duckdb::OperatorSinkFinalizeInput& input) const {
  Finish(input.global_state);
  return duckdb::SinkFinalizeType::READY;
}

InsertReport RowChangeOperator::Finish(duckdb::GlobalSinkState& state) const {
  auto& global = state.Cast<Global>();
  global.report = global.run->Finish();
  return global.report;
}

duckdb::SourceResultType RowChangeOperator::GetDataInternal(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                                                            duckdb::OperatorSourceInput&) const {
  chunk.SetCardinality(1);
  chunk.SetValue(0, 0, duckdb::Value::BIGINT(sink_state->Cast<Global>().report.rows));
  return duckdb::SourceResultType::FINISHED;
}

}  // namespace yummy::duck
