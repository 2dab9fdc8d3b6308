#pragma once
// The version of this program and library.

namespace yummy {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace yummy
