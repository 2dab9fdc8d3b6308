#pragma once
// Decimals as unscaled 128-bit integers, their text, and back.

#include <optional>
#include <string>
#include <string_view>

namespace yummy {

__extension__ typedef __int128 Int128;  // GCC and Clang have it; ISO C++ does not

/// "-12.345" or "-1.2345e1" at `scale` into the unscaled value; absent when it does not fit `precision` digits exactly.
std::optional<Int128> ParseDecimal(std::string_view text, int precision, int scale);
/// "-12.345" for -12345 at scale 3.
std::string FormatDecimal(Int128 unscaled, int scale);
void AppendDecimal(std::string& out, Int128 unscaled, int scale);

}  // namespace yummy
