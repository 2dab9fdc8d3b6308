#pragma once
// IS [NOT] DISTINCT FROM a constant, in words that DuckDB 1.5's filter pushdown understands.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Has every plan rewritten before it is optimised, with the same answers: `x IS DISTINCT FROM 1` becomes `x IS NULL OR
/// x <> 1`, `x IS NOT DISTINCT FROM 1` becomes `x IS NOT NULL AND x = 1`. DuckDB 1.5 pushes null-safe comparisons
/// within an OR down to scans as if null never satisfied them: tables, files and row groups with nulls are left out,
/// and on a partition column the whole instance ends with an INTERNAL error.
void RegisterNullSafeComparisons(duckdb::DBConfig& config);

}  // namespace yummy::duck
