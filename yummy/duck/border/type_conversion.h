#pragma once
// Which types of incoming values a table column takes.

#include <string>

#include "yummy/base/result.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

enum class Conversion {
  kNone,     // the same type
  kExact,    // every value that converts keeps its meaning; one that does not fit fails
  kMayLose,  // rounds: the result must be compared with the source
};

/// What it takes to store values of `source` in a column of `target`. Structs match by field name; their missing fields
/// are null. Errors: InvalidArgument (TYPE_MISMATCH: no conversion; SCHEMA_MISMATCH: an unknown field of a struct, a
/// missing NOT NULL field), detail "column" = `path`.
Result<Conversion> FindConversion(const duckdb::LogicalType& source, const delta::DataType& target,
                                  const std::string& path);

}  // namespace yummy::duck
