#pragma once
// Puts bounds around functions of DuckDB that trust their arguments. A deadline interrupts a query only between batches
// of rows, so a call that multiplies its arguments could run, or take memory, without end. Other functions recurse as
// deep as a value nests.

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Puts the bounds around the functions in the catalogue of the instance. Removes the aggregates that SQL may not call,
/// because their names could also come as a string (list_aggregate). This holds for all queries; call it before the
/// first one. Errors: Internal (a function is missing, or is of another kind than its bound expects).
Result<void> BoundFunctions(duckdb::DatabaseInstance& database);

}  // namespace yummy::duck
