#pragma once
// Searches for a part in a text. DuckDB's search compares the whole part at every place; for long texts and long parts
// that takes hours and ignores the deadline. This one takes one step per byte.

#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// The length of a part up to which DuckDB's search is fast, because it compares so many bytes at once.
inline constexpr size_t kShortPartBytes = 32;

/// The first position of the part in the text; npos if there is none. For an empty part it is 0.
size_t FindPart(std::string_view text, std::string_view part);

/// Puts FindPart into `contains` of texts, `instr`, `position` and `strpos`. Other functions stay as they are.
void ReplaceSearch(duckdb::ScalarFunction& function);

/// Keeps the optimiser from replacing a LIKE or a regular expression that looks for a long part by DuckDB's search.
void KeepLongSearch(duckdb::BoundFunctionExpression& call, std::string_view pattern);

}  // namespace yummy::duck
