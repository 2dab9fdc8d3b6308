#pragma once
// Handles texts from outside: compares them, finds near misses, cuts them, and makes them safe to log.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yummy {

/// True when the text is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsUtf8(std::string_view text);

/// `text` with its ASCII letters in lower case; other bytes are unchanged.
std::string LowerCase(std::string_view text);
/// True when the texts are equal, ignoring the case of ASCII letters.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
/// `text` without these characters at its ends.
std::string_view Trimmed(std::string_view text, std::string_view spaces = " \t\r\n");
/// The name among `known` that is nearest to `name`, if it is near enough to be a typing error; for "did you mean".
/// Case, '_' and '-' do not count: recordBatchDict is near record_batch_dict.
std::optional<std::string> NearestName(std::string_view name, const std::vector<std::string>& known);

/// The beginning of `text`: at most `bytes_max` bytes, without cutting a UTF-8 character.
std::string_view Utf8Prefix(std::string_view text, size_t bytes_max);

/// `text` made safe for the log: control characters and bytes that are not UTF-8 are written as \x1b, and a long text
/// is cut. So a client can neither forge a line of the log nor control the terminal that shows it.
std::string LogText(std::string_view text);

}  // namespace yummy
