#pragma once
// DuckDB's functions that trust their arguments, with bounds around them. A deadline interrupts a query between batches of rows only:
// one call that multiplies its arguments would run, or take memory, without end. And some recurse as deep as a value nests.

#include <cstdint>

#include "yummy/base/result.h"
#include "yummy/duck/duckdb_headers.h"

namespace yummy::duck {

/// What one call may do for one row. Beyond it the query ends with InvalidArgument (FUNCTION_LIMIT; details name, limit).
struct FunctionLimits {
  static constexpr uint64_t kStepsMax = 1 << 28;    // about a second
  static constexpr uint64_t kBytesMax = 64 << 20;   // of the value that it makes
  static constexpr uint64_t kEntriesMax = 1 << 20;  // of the list that it makes: as a constant it takes time and memory
  static constexpr uint64_t kJsonDepthMax = 200;
  static constexpr uint64_t kPatternMax = 10'000;  // of a regular expression, its counted repetitions written out
  static constexpr uint64_t kNameMax = 10'000;     // bytes of the name of an aggregate
};

/// Puts the bounds around the functions in the catalogue of the instance, and takes the aggregates away that SQL may not call: their
/// names could also come as a string (list_aggregate). For queries of all kinds. To be called before there are any.
/// Errors: Internal (a function is not there or is of another kind than the bounds expect).
Result<void> BoundFunctions(duckdb::DatabaseInstance& database);

}  // namespace yummy::duck
