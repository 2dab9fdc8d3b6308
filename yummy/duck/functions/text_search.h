#pragma once
// The search for a part in a text. DuckDB's compares the whole part at every place: of long texts and long parts it
// takes hours, and sees no deadline meanwhile. These take one step for each byte.

#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// A part up to which DuckDB's search is good: it compares so much at once.
inline constexpr size_t kShortPartBytes = 32;

/// Where the part begins first in the text; npos when it does not. Of empty parts it is 0.
size_t FindPart(std::string_view text, std::string_view part);

/// Puts FindPart into `contains` of texts, `instr`, `position` and `strpos`; leaves other functions.
void ReplaceSearch(duckdb::ScalarFunction& function);

/// Keeps the optimiser from putting a search of its own in the place of a LIKE, or of a regular expression, that looks
/// for a long part.
void KeepLongSearch(duckdb::BoundFunctionExpression& call, std::string_view pattern);

}  // namespace yummy::duck
