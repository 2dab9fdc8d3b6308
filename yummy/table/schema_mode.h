#pragma once
// How a write with other columns changes the schema of a table.

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/commit/transaction.h"

namespace yummy::table {

enum class SchemaMode {
  kKeep,     // the rows fit the table, or are refused
  kMerge,    // new columns are added to the table, nullable
  kReplace,  // the table gets the columns of the rows, in their order; columns of the same type stay as they are
};

/// Stages the schema that `rows` need, unless the table already has it. Columns match by name, ignoring case; a column
/// that stays keeps its name. Errors: InvalidArgument (INVALID_SCHEMA: names that no table may have, no columns;
/// INVALID_PARTITION: a partition column is missing or is no longer primitive; SCHEMA_MISMATCH: a new column without a
/// type), Unsupported (UNSUPPORTED_TYPE; a feature that the new types need cannot be written).
Result<void> StageSchema(delta::Transaction& transaction, const arrow::Schema& rows, SchemaMode mode);

}  // namespace yummy::table
