#pragma once
// What a regular expression takes to match, from its text.

#include <cstdint>
#include <string_view>

namespace yummy::duck {

/// How many parts a regular expression has when its counted repetitions are written out.
uint64_t PatternSize(std::string_view pattern);

/// Whether a match may be found only after the text far beyond it has been looked at, so that all matches of a text may
/// take time with the square of it. That is where something may be chosen, or repeated, in which something else follows
/// a repetition without end:
/// `"[^"]*"|.` looks for a second quotation mark up to the end, each time that it sees one. What is only put one after
/// another is not: where a longer match is looked for in vain, there is none to be found again.
bool MayLookFar(std::string_view pattern);

}  // namespace yummy::duck
