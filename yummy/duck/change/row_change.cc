#include "yummy/duck/change/row_change.h"

#include <cassert>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/commit/stage_vectors.h"
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

/// A file of which rows are changed.
struct StatementRun::ChangedFile {
  delta::FileId id = 0;
  delta::DeletionVectorRef gone;  // all rows that are not live any more
  bool is_empty = false;          // no row is left
  bool counts_rows = false;       // its statistics say how many rows it has
};

StatementRun::StatementRun(duckdb::ClientContext& context, delta::Transaction& transaction, Options options)
    : context_(context),
      transaction_(transaction),
      options_(std::move(options)),
      request_(RequestOf(context).context()),
      layout_(ValueOrThrow(TableLayout::Make(transaction.metadata(), transaction.schema()))),
      stored_form_(ValueOrThrow(StoredForm::Make(layout_))),
      constraints_(layout_),
      files_(context, transaction, options_.source.store_ordinal, layout_),
      writer_(MakeWriter(files_)),
      marks_(options_.table, options_.second_mark) {
  assert(!options_.condition || options_.ordered);
}

StatementRun::Local StatementRun::MakeLocal() { return {.rows = writer_->MakeLocal(), .row_count = 0}; }

void StatementRun::Change(Local& local, RowChange change, duckdb::DataChunk& rows) {
  ValueOrThrow(request_.Check());
  if (change == RowChange::kInsert) {
    inserted_ += static_cast<int64_t>(rows.size());
    Write(local, rows);
    return;
  }
  RequireChangeable();
  const auto changed = static_cast<int64_t>(marks_.Mark(rows, change == RowChange::kDelete ? 0 : layout_.types.size()));
  if (change == RowChange::kDelete) {
    deleted_ += changed;
    return;
  }
  updated_ += changed;
  duckdb::DataChunk columns;
  columns.InitializeEmpty(layout_.types);
  for (duckdb::idx_t i = 0; i < layout_.types.size(); i++) columns.data[i].Reference(rows.data[i]);
  columns.SetCardinality(rows);
  Write(local, columns);
}

void StatementRun::Write(Local& local, duckdb::DataChunk& rows) {
  const auto first_row = options_.ordered ? std::optional(local.row_count) : std::nullopt;
  ValueOrThrow(stored_form_.Apply(rows, first_row));
  ValueOrThrow(constraints_.Check(rows, first_row));
  if (options_.condition) ValueOrThrow(options_.condition->RequireAll(rows, local.row_count));
  writer_->Write(*local.rows, rows);
  local.row_count += rows.size();
}

// The change feed of a table is written with every change of rows, or the feed is wrong for good (PROTOCOL.md, "Change
// Data Files").
void StatementRun::RequireChangeable() const {
  if (!layout_.properties.enable_change_data_feed) return;
  Throw(Error(ErrorCode::kUnsupported,
              fmt::format("rows of table {} cannot be changed: its change data feed is on, and change files are not "
                          "written yet",
                          options_.table))
            .WithReason(Reason::kUnsupportedTableFeature)
            .With("feature", "changeDataFeed")
            .With("hint", "append to the table or overwrite it, or switch delta.enableChangeDataFeed off"));
}

void StatementRun::Combine(Local& local) { writer_->Combine(*local.rows); }

ChangeReport StatementRun::Finish() {
  ValueOrThrow(request_.Check());
  report_.inserted = inserted_;
  report_.updated = updated_;
  report_.deleted = deleted_;
  std::vector<ChangedFile> with_vectors;
  std::vector<ChangedFile> to_copy;
  for (ChangedFile& file : ChangedFiles()) {
    if (file.is_empty) {
      transaction_.RemoveFile(file.id);
      report_.removed_files++;
    } else if (layout_.properties.enable_deletion_vectors && file.counts_rows) {
      with_vectors.push_back(std::move(file));
    } else {
      to_copy.push_back(std::move(file));
    }
  }
  StageVectors(with_vectors);
  Copy(to_copy);
  writer_->Finish();
  for (auto& add : files_.Take()) {
    report_.files++;
    report_.size_bytes += add.size_bytes;
    transaction_.AddFile(std::move(add));
  }
  SetMetrics();
  return report_;
}

std::vector<StatementRun::ChangedFile> StatementRun::ChangedFiles() {
  std::vector<ChangedFile> changed;
  for (RowMarks::File& marked : marks_.Take()) {
    const delta::Snapshot& base = *transaction_.base();
    const delta::FileView file = base.file(marked.id);
    delta::DeletionVectorBuilder gone;
    gone.AddAll(marked.rows);
    if (file.deletion_vector) {
      gone.AddAll(*ValueOrThrow(
          options_.source.instance->deletion_vectors.Load(request_, options_.source.store_ordinal, base, file)));
    }
    auto rows = std::make_shared<const delta::DeletionVector>(gone.Build());
    // A row beyond the count of the log shows that the count is wrong.
    const bool counts_rows = file.num_records > 0 && rows->max() < static_cast<uint64_t>(file.num_records);
    const bool is_empty = counts_rows && rows->cardinality() == static_cast<uint64_t>(file.num_records);
    changed.push_back({marked.id, std::move(rows), is_empty, counts_rows});
  }
  return changed;
}

void StatementRun::StageVectors(const std::vector<ChangedFile>& files) {
  std::vector<delta::DeletionVectorRef> vectors;
  for (const ChangedFile& file : files) vectors.push_back(file.gone);
  auto descriptors = ValueOrThrow(delta::StageVectors(request_, transaction_, vectors));
  for (size_t i = 0; i < files.size(); i++) {
    delta::StageDeletedRows(transaction_, files[i].id, std::move(descriptors[i]));
    report_.vectors++;
  }
}

void StatementRun::Copy(const std::vector<ChangedFile>& files) {
  if (files.empty()) return;
  std::vector<FileToCopy> sources;
  for (const ChangedFile& file : files) {
    transaction_.RemoveFile(file.id);
    report_.removed_files++;
    sources.push_back({file.id, file.gone});
  }
  std::atomic<int64_t> copied = 0;
  ReadKeptRows(context_, options_.source, transaction_.base(), sources, files_.executor(),
               [&](const ReadPartOfRows& read_part) {
                 const auto local = writer_->MakeLocal();
                 read_part([&](duckdb::DataChunk& rows) {
                   copied += static_cast<int64_t>(rows.size());
                   writer_->Write(*local, rows);
                 });
                 writer_->Combine(*local);
               });
  report_.copied = copied;
}

// By the names of Delta-Spark.
void StatementRun::SetMetrics() const {
  const auto set = [this](const char* name, int64_t value) {
    transaction_.SetOperationMetric(name, std::to_string(value));
  };
  const bool changes = report_.updated + report_.deleted + report_.removed_files + report_.vectors > 0;
  set(changes ? "numAddedFiles" : "numFiles", report_.files);
  set("numOutputRows", report_.inserted + report_.updated + report_.copied);
  set("numOutputBytes", report_.size_bytes);
  if (!changes) return;
  set("numRemovedFiles", report_.removed_files);
  set("numDeletionVectorsAdded", report_.vectors);
  set("numUpdatedRows", report_.updated);
  set("numDeletedRows", report_.deleted);
  set("numInsertedRows", report_.inserted);
  set("numCopiedRows", report_.copied);
}

struct RowChangeOperator::Global final : duckdb::GlobalSinkState {
  std::shared_ptr<StatementRun> run;
  ChangeReport report;
};

struct RowChangeOperator::ThreadState final : duckdb::LocalSinkState {
  std::optional<StatementRun::Local> local;  // made with the first chunk: the global state is not at hand before
};

RowChangeOperator::RowChangeOperator(duckdb::PhysicalPlan& plan, RowChange change, std::shared_ptr<Statement> statement,
                                     bool is_first, duckdb::idx_t estimated_rows)
    : PhysicalOperator(plan, duckdb::PhysicalOperatorType::EXTENSION, {duckdb::LogicalType::BIGINT}, estimated_rows),
      change_(change),
      statement_(std::move(statement)),
      is_first_(is_first) {}

duckdb::InsertionOrderPreservingMap<std::string> RowChangeOperator::ParamsToString() const {
  duckdb::InsertionOrderPreservingMap<std::string> result;
  result["Table"] = statement_->target.options.table;
  return result;
}

duckdb::unique_ptr<duckdb::GlobalSinkState> RowChangeOperator::GetGlobalSinkState(
    duckdb::ClientContext& context) const {
  auto state = duckdb::make_uniq<Global>();
  const Target& target = statement_->target;
  if (is_first_) {
    statement_->run = std::make_shared<StatementRun>(context, target.transaction(context), target.options);
    if (statement_->run->layout().types != target.row_types) {
      Throw(Error(ErrorCode::kConflict,
                  fmt::format("the columns of table {} changed while the statement was planned", target.options.table))
                .WithReason(Reason::kMetadataChanged));
    }
  }
  state->run = statement_->run;
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
  run.Change(*local, change_, chunk);
  return duckdb::SinkResultType::NEED_MORE_INPUT;
}

duckdb::SinkCombineResultType RowChangeOperator::Combine(duckdb::ExecutionContext&,
                                                         duckdb::OperatorSinkCombineInput& input) const {
  auto& local = input.local_state.Cast<ThreadState>().local;
  if (local) input.global_state.Cast<Global>().run->Combine(*local);
  return duckdb::SinkCombineResultType::FINISHED;
}

// Every clause has combined all its threads by now, so the first operator finishes for all.
duckdb::SinkFinalizeType RowChangeOperator::Finalize(duckdb::Pipeline&, duckdb::Event&, duckdb::ClientContext& context,
                                                     duckdb::OperatorSinkFinalizeInput& input) const {
  if (is_first_) RequestOf(context).NoteChange(Finish(input.global_state));
  return duckdb::SinkFinalizeType::READY;
}

ChangeReport RowChangeOperator::Finish(duckdb::GlobalSinkState& state) const {
  auto& global = state.Cast<Global>();
  global.report = global.run->Finish();
  statement_->run.reset();
  return global.report;
}

duckdb::SourceResultType RowChangeOperator::GetDataInternal(duckdb::ExecutionContext&, duckdb::DataChunk& chunk,
                                                            duckdb::OperatorSourceInput&) const {
  const ChangeReport& report = sink_state->Cast<Global>().report;
  chunk.SetCardinality(1);
  chunk.SetValue(0, 0, duckdb::Value::BIGINT(report.inserted + report.updated + report.deleted));
  return duckdb::SourceResultType::FINISHED;
}

}  // namespace yummy::duck
