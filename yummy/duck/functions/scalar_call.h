#pragma once
// What the calls of scalar functions share.

#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Good as long as the text is.
inline std::string_view View(const duckdb::string_t& text) { return {text.GetData(), text.GetSize()}; }

/// Throws when the query is not wanted any more. Constants that are folded may have no context.
inline void CheckInterrupt(duckdb::ExpressionState& state) {
  if (state.HasContext() && state.GetContext().IsInterrupted()) throw duckdb::InterruptException();
}

}  // namespace yummy::duck
