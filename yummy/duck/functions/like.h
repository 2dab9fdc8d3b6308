#pragma once
// Our own LIKE and ILIKE. DuckDB's try every place for every `%` and recurse for each, so they can run without end and
// crash the process. These keep the leftmost place for each part between two `%`, which is right because a part has
// only letters and `_`.

#include <functional>
#include <optional>
#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True if the whole text matches the pattern. `%` stands for any text, `_` for one character, and the character after
/// `escape` for itself. Takes at most |text| × |pattern| steps, and calls `tick` now and then, which may throw. Throws
/// duckdb::SyntaxException if the match reaches an escape at the end of the pattern.
bool IsLike(std::string_view text, std::string_view pattern, std::optional<char> escape,
            const std::function<void()>& tick);

/// Puts IsLike into LIKE, ILIKE, their negations, and the four with ESCAPE. Other functions stay as they are. DuckDB's
/// own matcher stays in use for prepared patterns, which have no `_`, while the pattern or the text is short.
void ReplaceLike(duckdb::ScalarFunction& function);

}  // namespace yummy::duck
