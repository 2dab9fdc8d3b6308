#pragma once
// Arrow arrays as JSON text: loops over one type at a time, since results are millions of values.

#include <cstdint>
#include <string>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// Appends one value of an array as JSON, in the spelling of the column format: 64-bit integers as numbers, decimals
/// with all digits, dates 2026-11-22, timestamps 2026-11-22T10:00:00.000000Z, without the Z for timestamps without
/// zone, binary as an array of bytes, NaN and infinities as null, structs as objects, lists as arrays, maps as objects
/// for string keys, else [{"key","value"}].
Result<void> AppendJsonValue(const arrow::Array& array, int64_t index, std::string& out);

/// Appends the values [begin, end) with commas between them, in the spelling of AppendJsonValue.
/// Errors: Unsupported (a type without a JSON form).
Result<void> AppendJsonValues(const arrow::Array& array, int64_t begin, int64_t end, std::string& out);

/// Appends a double (a float) with a point or an exponent, so that a client reads it as one: 5.0, 1e+300; NaN and
/// infinities as null.
void AppendJsonNumber(std::string& out, double value);
void AppendJsonNumber(std::string& out, float value);

}  // namespace yummy::format
