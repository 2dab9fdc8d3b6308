#pragma once
// Handles raw pieces of JSON text, because statistics, commitInfo and column metadata are kept as they are in the log.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yummy::delta {

/// Appends a JSON string to `out`, unescaped. `text` begins just after the opening quote. Returns the length of the
/// content with the closing quote; absent if the string has no end, a bad escape or half a surrogate pair.
std::optional<size_t> ReadJsonString(std::string_view text, std::string& out);

/// The content of a JSON string with its quotes; absent if `json` is anything else.
std::optional<std::string> UnquoteJson(std::string_view json);

/// True when the text is a number by the grammar of RFC 8259, of any size.
bool IsJsonNumber(std::string_view text);

enum class JsonFraction { kRefuse, kCut };

/// The 64-bit integer of a JSON number, also in the form 1600000000000.0 or 1.6e12 of writers that compute with
/// doubles. Absent if the text is not a number, has a fraction that is to be refused, or does not fit.
std::optional<int64_t> ParseJsonInteger(std::string_view json, JsonFraction fraction);

/// The text without JSON white space at its ends.
std::string_view TrimJson(std::string_view text);

}  // namespace yummy::delta
