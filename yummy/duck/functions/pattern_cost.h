#pragma once
// Estimates from its text what a regular expression costs to match.

#include <cstdint>
#include <string_view>

namespace yummy::duck {

/// The number of parts of a regular expression with its counted repetitions written out.
uint64_t PatternSize(std::string_view pattern);

/// True if finding a match may read the text far beyond the match. Then finding all matches may take time that grows
/// with the square of the text. This happens if an alternative or a repeated part contains something after an unbounded
/// repetition: `"[^"]*"|.` searches for a second quotation mark up to the end of the text each time it sees one. A
/// plain sequence is harmless, because once its longer match fails, there is no further match to find.
bool MayLookFar(std::string_view pattern);

}  // namespace yummy::duck
