#pragma once
// Shared by the calls of scalar functions.

#include <string_view>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// A view that is valid as long as the text.
inline std::string_view View(const duckdb::string_t& text) { return {text.GetData(), text.GetSize()}; }

/// Throws if the query was interrupted. Folding of constants may run without a context.
inline void CheckInterrupt(duckdb::ExpressionState& state) {
  if (state.HasContext() && state.GetContext().IsInterrupted()) throw duckdb::InterruptException();
}

}  // namespace yummy::duck
