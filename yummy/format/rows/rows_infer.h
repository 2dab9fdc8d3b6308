#pragma once
// Finds the columns of a JSON body of rows, for writes that may change the schema of a table.

#include <string_view>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// The columns of the body, in the order of their first appearance. A column of `known` (by name, ignoring case) keeps
/// its type. The type of another column follows from its values: boolean, long, double (if a value is not a whole
/// number), string, arrays and objects of these. Map, date, time and decimal are never guessed; Arrow bodies have them.
/// A body that is not JSON or has another shape gives no columns, and DecodeRowsJson reports the mistake. Errors:
/// InvalidArgument (SCHEMA_MISMATCH: the values of a new column have several types or are all null, detail column;
/// INVALID_SCHEMA: more columns and fields than a table may have).
Result<arrow::FieldVector> InferColumns(std::string_view body, const arrow::Schema& known);

}  // namespace yummy::format
