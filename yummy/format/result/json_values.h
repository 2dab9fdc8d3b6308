#pragma once
// Writes Arrow arrays as JSON text. It has one loop per type, because results have millions of values.

#include <cstdint>
#include <string>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// Appends one value of an array as JSON. 64-bit integers are numbers, decimals have all their digits, dates are
/// 2026-11-22, timestamps are 2026-11-22T10:00:00.000000Z (those without a zone have no Z), binary is an array of
/// bytes, NaN and infinities are null, structs are objects, lists are arrays, maps are objects for string keys,
/// otherwise [{"key","value"}].
Result<void> AppendJsonValue(const arrow::Array& array, int64_t index, std::string& out);

/// Appends the values [begin, end) as AppendJsonValue does, with commas between them.
/// Errors: Unsupported (a type without a JSON form).
Result<void> AppendJsonValues(const arrow::Array& array, int64_t begin, int64_t end, std::string& out);

/// Appends a double or a float with a point or an exponent, so that a client reads it as such: 5.0, 1e+300. NaN and
/// infinities become null.
void AppendJsonNumber(std::string& out, double value);
void AppendJsonNumber(std::string& out, float value);

}  // namespace yummy::format
