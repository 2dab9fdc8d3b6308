#pragma once
// LIKE and ILIKE. DuckDB's try every place for every star and recurse for each: time without end, and the end of the
// process. These keep the leftmost place for each part between two stars, which is right as a part has letters and `_`
// only.

#include <functional>
#include <optional>
#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Whether the whole text is like the pattern: `%` stands for any text, `_` for a character, and what follows `escape`
/// for itself. Takes at most |text| × |pattern| steps, and calls `tick` now and then; it may throw. Throws
/// duckdb::SyntaxException for an escape at the end of the pattern that the match gets to.
bool IsLike(std::string_view text, std::string_view pattern, std::optional<char> escape,
            const std::function<void()>& tick);

/// Puts IsLike into LIKE, ILIKE, their negations, and the four with ESCAPE; leaves other functions. DuckDB's is kept
/// for patterns that it has prepared, which have no `_`, while they or the texts are short.
void ReplaceLike(duckdb::ScalarFunction& function);

}  // namespace yummy::duck
