#pragma once
// Names as people type them: compared ignoring case, corrected when they are nearly right.

#include <span>
#include <string>
#include <string_view>

namespace yummy::delta {

/// ASCII letters in lower case; other bytes as they are.
std::string LowerCase(std::string_view text);

/// The candidate with the fewest single-character edits to `name`, ignoring case; empty when all differ in more than a third of it.
std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace yummy::delta
