#pragma once
// Nanoseconds in Arrow data: a Delta timestamp has microseconds, and DuckDB's import cuts what is finer without a word.

#include <cstdint>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::duck {

/// Refuses timestamps, at any depth, that are no whole microseconds. `first_row` numbers the rows in errors.
/// Errors: InvalidArgument (TYPE_MISMATCH; details "column", and "row" when the column itself is the timestamp).
Result<void> CheckNanosecondsExact(const arrow::RecordBatch& batch, uint64_t first_row);

}  // namespace yummy::duck
