#pragma once
// Decides which types of incoming values a table column accepts.

#include <string>

#include "yummy/base/result.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

enum class Conversion {
  kNone,     // the same type
  kExact,    // every converted value keeps its meaning; a value that does not fit is an error
  kMayLose,  // may round, so the result must be compared with the source
};

/// The conversion of values of `source` for a column of `target`. Structs match by field name; missing fields become
/// null. Errors: InvalidArgument (TYPE_MISMATCH: there is no conversion; SCHEMA_MISMATCH: a struct has an unknown field
/// or lacks a NOT NULL field), detail "column" = `path`.
Result<Conversion> FindConversion(const duckdb::LogicalType& source, const delta::DataType& target,
                                  const std::string& path);

}  // namespace yummy::duck
