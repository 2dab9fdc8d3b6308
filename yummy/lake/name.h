#pragma once
// Names of stores, schemas and tables (docs/rest.md, "Names").

#include <string>
#include <string_view>

#include "yummy/base/result.h"

namespace yummy::lake {

/// A table by its names; `schema` is "main" for a table at the store's root.
struct TableRef {
  std::string store;
  std::string schema = "main";
  std::string table;
};

/// Refuses what cannot name anything in a store: empty, over 255 bytes, ".", what begins with "..", '/', '\', control
/// characters, bytes that are not UTF-8, "_delta_log", and what would be one of these if it were percent-decoded
/// (again). Errors: InvalidArgument (reason INVALID_NAME).
Result<void> CheckName(std::string_view name);

/// What a new table or schema may be called: [A-Za-z0-9_][A-Za-z0-9_\- ]*, no '.', no space at the end.
/// Errors: InvalidArgument (reason INVALID_NAME).
Result<void> CheckNewName(std::string_view name);

/// As CheckNewName, with '.' allowed, without DuckDB's own catalogues' names. Errors: InvalidArgument (reason
/// INVALID_NAME).
Result<void> CheckStoreName(std::string_view name);

}  // namespace yummy::lake
