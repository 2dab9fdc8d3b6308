#pragma once
// DuckDB's functions that trust their arguments, with bounds around them. A deadline interrupts a query between batches
// of rows only: one call that multiplies its arguments would run, or take memory, without end. And some recurse as deep
// as a value nests.

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Puts the bounds around the functions in the catalogue of the instance, and takes the aggregates away that SQL may
/// not call: their names could also come as a string (list_aggregate). For queries of all kinds. To be called before
/// there are any. Errors: Internal (a function is not there or is of another kind than the bounds expect).
Result<void> BoundFunctions(duckdb::DatabaseInstance& database);

}  // namespace yummy::duck
