#pragma once
// A condition in SQL on a table's partition columns. It decides about whole files, and about rows before they are
// written.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <duckdb/execution/expression_executor.hpp>

#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// For one thread, within a transaction of DuckDB.
class RowCondition {
 public:
  /// Parses `sql` alone, as one expression, with the limits and the functions of untrusted SQL. `layout` outlives the
  /// result. Errors: InvalidArgument (SQL_SYNTAX, SQL_TOO_LONG, TOO_DEEP, UNKNOWN_COLUMN …), PermissionDenied
  /// (SQL_NOT_ALLOWED), Unsupported (UNSUPPORTED_CONDITION: a column does not partition the table).
  static Result<std::unique_ptr<RowCondition>> Bind(duckdb::ClientContext& context, const TableLayout& layout,
                                                    const std::string& sql);

  /// A predicate for the conflict check. It is true for every row that satisfies the condition.
  delta::Predicate ToPredicate() const;
  /// The live files whose rows satisfy the condition. Either all rows of a file do, or none. Errors: Corrupt (a
  /// partition value that its type cannot have).
  Result<std::vector<delta::FileId>> FindFiles(const delta::Snapshot& snapshot);
  /// Checks that all rows satisfy the condition. Errors: InvalidArgument (ROW_OUTSIDE_CONDITION, detail "row": counted
  /// from `first_row`).
  Result<void> RequireAll(duckdb::DataChunk& rows, uint64_t first_row);

 private:
  RowCondition(duckdb::ClientContext& context, const TableLayout& layout,
               duckdb::unique_ptr<duckdb::Expression> expression, std::string sql);
  /// Tells for each row whether it satisfies the condition. A null result counts as no.
  std::vector<bool> Evaluate(duckdb::DataChunk& rows);

  duckdb::ClientContext& context_;
  const TableLayout& layout_;
  const duckdb::unique_ptr<duckdb::Expression> expression_;
  const std::string sql_;
  duckdb::ExpressionExecutor executor_;
};

}  // namespace yummy::duck
