#pragma once
// The operator that changes rows of a table. It is the sink of every statement that writes, and of Session::Insert.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/change/constraint_check.h"
#include "yummy/duck/change/kept_rows.h"
#include "yummy/duck/change/row_condition.h"
#include "yummy/duck/change/row_marks.h"
#include "yummy/duck/session.h"
#include "yummy/duck/write/data_files.h"
#include "yummy/duck/write/row_writer.h"
#include "yummy/duck/write/stored_form.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// What a clause of a statement does to its rows, and the columns that it takes: the table's, then, but for kInsert,
/// the identity of the row that it changes (kFileIdColumn, file_row_number). kDelete takes the identity alone.
enum class RowChange { kInsert, kUpdate, kDelete };

/// One execution of a statement that writes: its transaction, constraints and writer, shared by the operators of all
/// its clauses. Write and Change are safe from several threads with a Local each.
class StatementRun {
 public:
  struct Options {
    ScanSource source;
    std::string table;                  // for messages
    bool ordered = false;               // one thread writes, and its rows are numbered in errors
    RowCondition* condition = nullptr;  // all rows must satisfy it; with `ordered` only
    RowMarks::SecondMark second_mark = RowMarks::SecondMark::kRefused;
  };

  /// The rows of one thread.
  struct Local {
    std::unique_ptr<RowWriter::Local> rows;
    uint64_t row_count = 0;
  };

  /// `transaction` outlives the run. Throws what its layout or DuckDB's bind refuse.
  StatementRun(duckdb::ClientContext& context, delta::Transaction& transaction, Options options);

  const TableLayout& layout() const { return layout_; }
  Local MakeLocal();
  /// Takes rows in the columns of the change. New rows are brought into their stored form, checked and written. Throws:
  /// the errors of StoredForm, ConstraintCheck, RowCondition and RowMarks, cancelled, deadline passed, and the store's
  /// errors.
  void Change(Local& local, RowChange change, duckdb::DataChunk& rows);
  void Combine(Local& local);
  /// Finishes the files and stages their add actions, and what became of the files whose rows were changed: a new
  /// deletion vector, a rewrite, or nothing if no row is left. Sets the metrics of the operation. Call it once, after
  /// all calls of Combine.
  ChangeReport Finish();

 private:
  struct ChangedFile;
  void Write(Local& local, duckdb::DataChunk& rows);
  void RequireChangeable() const;
  std::vector<ChangedFile> ChangedFiles();
  void StageVectors(const std::vector<ChangedFile>& files);
  void Copy(const std::vector<ChangedFile>& files);
  void SetMetrics() const;

  duckdb::ClientContext& context_;
  delta::Transaction& transaction_;
  const Options options_;
  const Context& request_;
  const TableLayout layout_;
  const StoredForm stored_form_;
  const ConstraintCheck constraints_;
  DataFiles files_;
  const std::unique_ptr<RowWriter> writer_;
  RowMarks marks_;
  std::atomic<int64_t> inserted_ = 0;
  std::atomic<int64_t> updated_ = 0;
  std::atomic<int64_t> deleted_ = 0;
  ChangeReport report_;
};

/// Sink of the rows of one clause. As a source, one row with the number of rows that changed.
class RowChangeOperator final : public duckdb::PhysicalOperator {
 public:
  struct Target {
    /// The transaction to stage into, asked for when the statement begins to run.
    std::function<delta::Transaction&(duckdb::ClientContext&)> transaction;
    duckdb::vector<duckdb::LogicalType> row_types;  // of the table, as the statement was planned
    StatementRun::Options options;
  };

  /// The operators of one statement share `statement`: the first one begins and finishes the run.
  struct Statement {
    explicit Statement(Target chosen) : target(std::move(chosen)) {}
    Target target;
    std::shared_ptr<StatementRun> run;  // of the execution that is under way
  };

  RowChangeOperator(duckdb::PhysicalPlan& plan, RowChange change, std::shared_ptr<Statement> statement, bool is_first,
                    duckdb::idx_t estimated_rows);

  std::string GetName() const override { return "ROW_CHANGE"; }
  duckdb::InsertionOrderPreservingMap<std::string> ParamsToString() const override;
  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return !statement_->target.options.ordered; }
  bool IsSource() const override { return true; }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(duckdb::ExecutionContext& context) const override;
  duckdb::SinkResultType Sink(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override;
  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext& context,
                                        duckdb::OperatorSinkCombineInput& input) const override;
  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline& pipeline, duckdb::Event& event, duckdb::ClientContext& context,
                                    duckdb::OperatorSinkFinalizeInput& input) const override;

  /// Finishes the run, as Finalize does, for a caller that has no pipeline.
  ChangeReport Finish(duckdb::GlobalSinkState& state) const;

 protected:
  duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                           duckdb::OperatorSourceInput& input) const override;

 private:
  struct Global;
  struct ThreadState;
  const RowChange change_;
  const std::shared_ptr<Statement> statement_;
  const bool is_first_;
};

}  // namespace yummy::duck
