#pragma once
// Which columns a JSON body of rows has, for writes that may change the table's schema.

#include <string_view>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// The columns of the body in the order in which they come first: those that `known` has as they are there (by name,
/// ignoring case), others by their values: boolean, long, double (when one is no whole number), string, arrays and
/// objects of these. Map, date, time and decimal are never guessed: Arrow bodies have them. A body that is no JSON, or
/// of another shape, has none: DecodeRowsJson says what is wrong with it. Errors: InvalidArgument (SCHEMA_MISMATCH: a
/// new column whose values are of several types, or all null, detail column; INVALID_SCHEMA: more columns and fields
/// than a table may have).
Result<arrow::FieldVector> InferColumns(std::string_view body, const arrow::Schema& known);

}  // namespace yummy::format
