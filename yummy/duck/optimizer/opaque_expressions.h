#pragma once
// Expressions that DuckDB 1.5's optimiser draws wrong conclusions from, hidden from it.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Has every plan rewritten before it is optimised, with the same answers, so that the optimiser has no say in five
/// cases: an ANTI JOIN by an order or inequality, of which bounds prove that it holds for all pairs, would be empty
/// though its right side may be; `date_trunc('hour', x) <> c`, c not on the hour, would be true where x is null, and
/// `=` false; `CAST(x AS VARCHAR) > 'text'`, x a time with a zone, would be null where the text is no time; `x LIKE
/// 'п%а'` would fail; a join over a join that bounds prove to be without matches cannot be planned, which RequestState
/// finds out.
void RegisterOpaqueExpressions(duckdb::DBConfig& config);

}  // namespace yummy::duck
