#pragma once
// Checks nanoseconds in Arrow data. A Delta timestamp has microseconds, and DuckDB's import would silently cut the
// rest.

#include <cstdint>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::duck {

/// Refuses timestamps, at any depth, that are not whole microseconds. `first_row` numbers the rows in errors.
/// Errors: InvalidArgument (TYPE_MISMATCH; details "column", and "row" when the column itself is the timestamp).
Result<void> CheckNanosecondsExact(const arrow::RecordBatch& batch, uint64_t first_row);

}  // namespace yummy::duck
