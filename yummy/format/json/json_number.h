#pragma once
// JSON number tokens as exact values.

#include <cstdint>
#include <string_view>

#include "yummy/base/decimal_text.h"
#include "yummy/base/result.h"

namespace yummy::format {

/// True if the text is one number by the grammar of RFC 8259.
bool IsJsonNumber(std::string_view token);

/// The range of an integer column; `type` is for messages.
struct IntegerRange {
  int64_t min = INT64_MIN;
  int64_t max = INT64_MAX;
  std::string_view type = "long";
};

/// A whole number in any spelling: 1, 1.0, 1e2. `token` is the text that simdjson found where a number begins, and need
/// not be a number. Errors: InvalidArgument: INVALID_JSON (not a number), TYPE_MISMATCH (a fraction),
/// VALUE_OUT_OF_RANGE.
Result<int64_t> ParseJsonInteger(std::string_view token, const IntegerRange& range);

/// The nearest float or double. Errors: InvalidArgument: INVALID_JSON, VALUE_OUT_OF_RANGE (beyond the largest finite
/// value; or a whole number without point and exponent that the type cannot hold exactly).
Result<double> ParseJsonDouble(std::string_view token);
Result<float> ParseJsonFloat(std::string_view token);

/// The unscaled value of a number or of a string that holds one.
/// Errors: InvalidArgument: INVALID_VALUE (not a number), VALUE_OUT_OF_RANGE (too many digits before or after the
/// point).
Result<Int128> ParseJsonDecimal(std::string_view text, int precision, int scale);

/// Errors about values. The text of the value is cut to a readable length.
Error TypeMismatch(std::string_view expected, std::string_view found);
Error OutOfRange(std::string_view type, std::string_view value);
Error InvalidValue(std::string_view expected, std::string_view value);
/// For tokens that no JSON text may hold. The caller runs CheckJson to find the place.
Error InvalidJson();

}  // namespace yummy::format
