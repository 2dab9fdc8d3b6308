#pragma once
// Texts of others, cut and shown so that they do no harm.

#include <cstddef>
#include <string>
#include <string_view>

namespace yummy {

/// The beginning of `text`: at most `bytes_max`, no character of UTF-8 cut apart.
std::string_view Utf8Prefix(std::string_view text, size_t bytes_max);

/// `text` as it stands in the log: control characters, and bytes that are no UTF-8, as \x1b; a long one is cut. What a client says
/// looks like no line of ours and moves no terminal.
std::string LogText(std::string_view text);

}  // namespace yummy
