#pragma once
// Makes DuckDB's aggregates stop at a deadline. The engine itself checks for an interrupt only between batches of rows.
// But in a window an aggregate runs over many frames within one batch, and one batch may hold long lists.

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True if the aggregate takes numbers, keeps only a few numbers and never fails. Such an aggregate needs no wrapper.
bool IsSmallAggregate(const duckdb::AggregateFunction& function);

/// Wraps the aggregate. Every call then handles its rows and states in slices and checks for an interrupt in between.
/// The aggregate fails only where it returns a result. Errors: Internal (it is of a kind that cannot be wrapped).
Result<void> BoundAggregate(duckdb::AggregateFunction& function);

}  // namespace yummy::duck
