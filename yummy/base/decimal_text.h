#pragma once
// Decimals as unscaled 128-bit integers; converts them to text and back.

#include <optional>
#include <string>
#include <string_view>

namespace yummy {

__extension__ typedef __int128 Int128;  // GCC and Clang have it; ISO C++ does not

/// The unscaled value at `scale` of "-12.345" or "-1.2345e1". Absent when `precision` digits cannot hold it exactly.
std::optional<Int128> ParseDecimal(std::string_view text, int precision, int scale);
/// The text of an unscaled value: "-12.345" for -12345 at scale 3.
std::string FormatDecimal(Int128 unscaled, int scale);
void AppendDecimal(std::string& out, Int128 unscaled, int scale);

}  // namespace yummy
