#pragma once
// Names of stores, schemas and tables (docs/rest.md, "Names").

#include <string>
#include <string_view>

#include "yummy/base/result.h"

namespace yummy::lake {

/// The names of a table. `schema` is "main" for a table at the root of its store.
struct TableRef {
  std::string store;
  std::string schema = "main";
  std::string table;
};

/// Refuses names that nothing in a store may have: empty ones, those over 255 bytes, ".", names that begin with "..",
/// names with '/', '\', control characters or bytes that are not UTF-8, "_delta_log", and names that would become one
/// of these if they were percent-decoded (again). Errors: InvalidArgument (reason INVALID_NAME).
Result<void> CheckName(std::string_view name);

/// Checks the name of a new table or schema: [A-Za-z0-9_][A-Za-z0-9_\- ]*, without '.', without a space at the end.
/// Errors: InvalidArgument (reason INVALID_NAME).
Result<void> CheckNewName(std::string_view name);

/// As CheckNewName, but allows '.' and refuses the names of DuckDB's own catalogues. Errors: InvalidArgument (reason
/// INVALID_NAME).
Result<void> CheckStoreName(std::string_view name);

}  // namespace yummy::lake
