#pragma once
// Checks that a text is well-formed JSON, before anything reads it.

#include <cstddef>
#include <string_view>

#include "yummy/base/result.h"

namespace yummy::format {

/// Refuses a text that is not one well-formed JSON value, has more than `depth_max` levels, or repeats a key.
/// Errors: InvalidArgument (INVALID_JSON, JSON_TOO_DEEP, DUPLICATE_KEY, INVALID_UTF8; details location_line,
/// location_column).
Result<void> CheckJson(std::string_view body, size_t depth_max);

}  // namespace yummy::format
