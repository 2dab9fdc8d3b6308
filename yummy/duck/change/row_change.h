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
#include "yummy/duck/change/row_condition.h"
#include "yummy/duck/session.h"
#include "yummy/duck/write/data_files.h"
#include "yummy/duck/write/row_writer.h"
#include "yummy/duck/write/stored_form.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// One execution of a statement that writes. It holds the transaction, the constraints and the writer, which the
/// operators of all its clauses share. Write is safe from several threads, each with its own Local.
class StatementRun {
 public:
  struct Options {
    size_t store_ordinal = 0;
    bool ordered = false;               // one thread writes, and its rows are numbered in errors
    RowCondition* condition = nullptr;  // all rows must satisfy it; only with `ordered`
  };

  /// The rows that one thread holds back.
  struct Local {
    std::unique_ptr<RowWriter::Local> rows;
    uint64_t row_count = 0;
  };

  /// `transaction` outlives the run. Throws errors of the layout and of DuckDB's bind.
  StatementRun(duckdb::ClientContext& context, delta::Transaction& transaction, Options options);

  const TableLayout& layout() const { return layout_; }
  Local MakeLocal();
  /// Takes rows in the layout's columns, brings them into their stored form, checks and writes them. Throws: the errors
  /// of StoredForm, ConstraintCheck, RowCondition and the store; Cancelled, DeadlineExceeded.
  void Write(Local& local, duckdb::DataChunk& rows);
  void Combine(Local& local);
  /// Finishes the files, stages their add actions and sets the metrics of the operation. Call it once, after all calls
  /// of Combine.
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

/// As a sink it takes rows in the table's columns. As a source it gives one row with the number of changed rows.
class RowChangeOperator final : public duckdb::PhysicalOperator {
 public:
  struct Target {
    /// Gives the transaction to stage into. Called when the statement begins to run.
    std::function<delta::Transaction&(duckdb::ClientContext&)> transaction;
    size_t store_ordinal = 0;
    std::string table;                              // for messages
    duckdb::vector<duckdb::LogicalType> row_types;  // the types of the plan's rows
    bool ordered = false;
    RowCondition* condition = nullptr;  // as in StatementRun::Options; outlives the run
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

  /// Finishes the run and returns its report, for a caller without a pipeline. It sets no metrics of the operation.
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
