#pragma once
// Hides expressions from DuckDB 1.5's optimiser from which it draws wrong conclusions.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Rewrites every plan before it is optimised; the answers stay the same. It hides operands in five cases:
/// - an ANTI JOIN by an order or an inequality: if bounds prove the condition for all pairs, it would give no rows,
/// even
///   if its right side turns out to be empty
/// - `date_trunc('hour', x) <> c`, with c not on the hour: it would be true where x is null, and `=` would be false
/// - `CAST(x AS VARCHAR) > 'text'`, with x a timestamp with a zone: it would be null if the text is not a time
/// - `x LIKE 'п%а'`: it would fail
/// - a join above a join that bounds prove to have no matches: it cannot be planned. RequestState notices that, and has
///   the statement planned again
void RegisterOpaqueExpressions(duckdb::DBConfig& config);

}  // namespace yummy::duck
