#pragma once
// Checks every row before it is written to a file: NOT NULL at any depth, and dates that the log can hold as text.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// Safe from several threads once made.
class ConstraintCheck {
 public:
  explicit ConstraintCheck(const TableLayout& layout);
  ~ConstraintCheck();

  /// Checks rows in the layout's columns. Flattens vectors of columns with constraints. `first_row` numbers the rows in
  /// errors; it is absent if rows have no order. Errors: InvalidArgument (SCHEMA_MISMATCH: a null in a NOT NULL column,
  /// a value in a void column; VALUE_OUT_OF_RANGE: a date or timestamp outside of the years 0001 to 9999;
  /// INVALID_PARTITION_VALUE: binary in a partition column that is not UTF-8), details "column" (dotted path) and "row"
  /// (from 0).
  Result<void> Check(duckdb::DataChunk& rows, std::optional<uint64_t> first_row) const;

  struct Node;

 private:
  std::vector<std::unique_ptr<Node>> columns_;  // only columns that contain a constraint
};

}  // namespace yummy::duck
