#pragma once
// Rewrites IS [NOT] DISTINCT FROM a constant, because DuckDB 1.5's filter pushdown gets it wrong.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Rewrites every plan before it is optimised; the answers stay the same. `x IS DISTINCT FROM 1` becomes `x IS NULL OR
/// x <> 1`, and `x IS NOT DISTINCT FROM 1` becomes `x IS NOT NULL AND x = 1`. DuckDB 1.5 pushes null-safe comparisons
/// within an OR down to scans as if null never satisfied them. So tables, files and row groups with nulls would be
/// skipped, and on a partition column an INTERNAL error would end the whole instance.
void RegisterNullSafeComparisons(duckdb::DBConfig& config);

}  // namespace yummy::duck
