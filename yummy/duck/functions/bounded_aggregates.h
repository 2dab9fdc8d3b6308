#pragma once
// DuckDB's aggregates, made to see a deadline. As a window an aggregate is called for one frame after another within a
// batch of rows, and it can be called for rows of long lists: the engine itself looks at the interrupt between batches
// only.

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Whether the aggregate keeps no more than a few numbers, of arguments that are numbers, and never fails: it needs no
/// look.
bool IsSmallAggregate(const duckdb::AggregateFunction& function);

/// Makes the aggregate look at the interrupt between slices of the rows, and of the states, of every call; and fail
/// only where it gives a result. Errors: Internal (it is of a kind that cannot be wrapped).
Result<void> BoundAggregate(duckdb::AggregateFunction& function);

}  // namespace yummy::duck
