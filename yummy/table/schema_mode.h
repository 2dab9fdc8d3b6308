#pragma once
// What becomes of a table's schema when rows with other columns are written.

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/commit/transaction.h"

namespace yummy::table {

enum class SchemaMode {
  kKeep,     // the rows fit the table, or are refused
  kMerge,    // columns that the table has not are added to it, nullable
  kReplace,  // the table gets the columns of the rows, in their order; what it had of the same type stays as it was
};

/// Stages the schema that `rows` ask for; nothing when the table has it already. Columns match by name, ignoring case;
/// a column that stays keeps its name. Errors: InvalidArgument (INVALID_SCHEMA: names that no table may have, no
/// columns; INVALID_PARTITION: a partition column is missing or has become no primitive one; SCHEMA_MISMATCH: a new
/// column without a type), Unsupported (UNSUPPORTED_TYPE, a feature that the new types need and that cannot be
/// written).
Result<void> StageSchema(delta::Transaction& transaction, const arrow::Schema& rows, SchemaMode mode);

}  // namespace yummy::table
