#pragma once
// The operator that changes rows of a table: the sink of every statement that writes, and of Session::Insert.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/change/constraint_check.h"
#include "yummy/duck/change/row_condition.h"
#include "yummy/duck/session.h"
#include "yummy/duck/write/data_files.h"
#include "yummy/duck/write/row_writer.h"
#include "yummy/duck/write/stored_form.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// One execution of a statement that writes: its transaction, constraints and writer, shared by the operators of all
/// its clauses. Write is safe from several threads with a Local each.
class StatementRun {
 public:
  struct Options {
    size_t store_ordinal = 0;
    bool ordered = false;               // one thread writes, and its rows are numbered in errors
    RowCondition* condition = nullptr;  // what all rows must satisfy; with `ordered` only
  };

  /// Rows of one thread.
  struct Local {
    std::unique_ptr<RowWriter::Local> rows;
    uint64_t row_count = 0;
  };

  /// `transaction` outlives the run. Throws what its layout or DuckDB's bind refuse.
  StatementRun(duckdb::ClientContext& context, delta::Transaction& transaction, Options options);

  const TableLayout& layout() const { return layout_; }
  Local MakeLocal();
  /// Brings rows in the layout's columns into their stored form, checks and writes them. Throws: the errors of
  /// StoredForm, ConstraintCheck and RowCondition, cancelled, deadline passed, and the store's errors.
  void Write(Local& local, duckdb::DataChunk& rows);
  void Combine(Local& local);
  /// Finishes the files, stages their add actions and sets the metrics of the operation. After every Combine, once.
  InsertReport Finish();

 private:
  delta::Transaction& transaction_;
  const Context& request_;
  const TableLayout layout_;
  const StoredForm stored_form_;
  const ConstraintCheck constraints_;
  RowCondition* const condition_;
  DataFiles files_;
  const std::unique_ptr<RowWriter> writer_;
  const bool ordered_;
  std::atomic<uint64_t> row_count_ = 0;
};

/// Sink of rows in the table's columns; as a source, one row with the number of rows that changed.
class RowChangeOperator final : public duckdb::PhysicalOperator {
 public:
  struct Target {
    /// The transaction to stage into, asked for when the statement begins to run.
    std::function<delta::Transaction&(duckdb::ClientContext&)> transaction;
    size_t store_ordinal = 0;
    std::string table;                              // for messages
    duckdb::vector<duckdb::LogicalType> row_types;  // as the plan delivers them
    bool ordered = false;
    RowCondition* condition = nullptr;  // as StatementRun::Options has it; outlives the run
  };

  RowChangeOperator(duckdb::PhysicalPlan& plan, Target target, duckdb::idx_t estimated_rows);

  std::string GetName() const override { return "ROW_CHANGE"; }
  duckdb::InsertionOrderPreservingMap<std::string> ParamsToString() const override;
  bool IsSink() const override { return true; }
  bool ParallelSink() const override { return !target_.ordered; }
  bool IsSource() const override { return true; }

  duckdb::unique_ptr<duckdb::GlobalSinkState> GetGlobalSinkState(duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::LocalSinkState> GetLocalSinkState(duckdb::ExecutionContext& context) const override;
  duckdb::SinkResultType Sink(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                              duckdb::OperatorSinkInput& input) const override;
  duckdb::SinkCombineResultType Combine(duckdb::ExecutionContext& context,
                                        duckdb::OperatorSinkCombineInput& input) const override;
  duckdb::SinkFinalizeType Finalize(duckdb::Pipeline& pipeline, duckdb::Event& event, duckdb::ClientContext& context,
                                    duckdb::OperatorSinkFinalizeInput& input) const override;

  /// What Finalize does, for a caller that has no pipeline: the report of the finished run.
  InsertReport Finish(duckdb::GlobalSinkState& state) const;

 protected:
  duckdb::SourceResultType GetDataInternal(duckdb::ExecutionContext& context, duckdb::DataChunk& chunk,
                                           duckdb::OperatorSourceInput& input) const override;

 private:
  struct Global;
  struct ThreadState;
  Target target_;
};

}  // namespace yummy::duck
