#pragma once
// Raw pieces of JSON text: the log keeps statistics, commitInfo and column metadata as they stand.

#include <cstddef>
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

/// The text without JSON's white space at its ends.
std::string_view TrimJson(std::string_view text);

}  // namespace yummy::delta
