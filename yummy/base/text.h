#pragma once
// Texts of others: compared, corrected when they are nearly right, cut and shown so that they do no harm.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yummy {

/// True when the text is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool IsUtf8(std::string_view text);

/// ASCII letters in lower case; other bytes as they are.
std::string LowerCase(std::string_view text);
/// Ignoring the case of ASCII letters.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);
/// Without these characters at its ends.
std::string_view Trimmed(std::string_view text, std::string_view spaces = " \t\r\n");
/// The name among `known` that is nearest to `name`, when it is near enough to be a slip; for "did you mean". Case, '_'
/// and '-' do not count: recordBatchDict and record_batch_dict are near.
std::optional<std::string> NearestName(std::string_view name, const std::vector<std::string>& known);

/// The beginning of `text`: at most `bytes_max`, no character of UTF-8 cut apart.
std::string_view Utf8Prefix(std::string_view text, size_t bytes_max);

/// `text` as it stands in the log: control characters, and bytes that are no UTF-8, as \x1b; a long one is cut. What a
/// client says looks like no line of ours and moves no terminal.
std::string LogText(std::string_view text);

}  // namespace yummy
