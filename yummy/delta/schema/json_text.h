#pragma once
// Raw pieces of JSON text: the log keeps statistics, commitInfo and column metadata as they stand.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yummy::delta {

/// Appends the string whose content begins at `text` (just after its opening quote) to `out`, unescaped.
/// The length of that content with its closing quote; absent when it has no end, a bad escape or half a surrogate pair.
std::optional<size_t> ReadJsonString(std::string_view text, std::string& out);

/// The content of a JSON string that has its quotes; absent when `json` is anything else.
std::optional<std::string> UnquoteJson(std::string_view json);

/// True when the text is a number by the grammar of RFC 8259, of any size.
bool IsJsonNumber(std::string_view text);

enum class JsonFraction { kRefuse, kCut };

/// The integer of 64 bits that a JSON number is, also in the form of 1600000000000.0 or 1.6e12, as writers that compute
/// with doubles have it. Absent for what is no number, has a fraction that is to be refused, or does not fit.
std::optional<int64_t> ParseJsonInteger(std::string_view json, JsonFraction fraction);

/// The text without JSON's white space at its ends.
std::string_view TrimJson(std::string_view text);

}  // namespace yummy::delta
