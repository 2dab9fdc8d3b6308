#pragma once
// The allow-lists of functions and types for untrusted SQL. They are checked in the text of a statement
// (statement_guard.h), in the bound plan (plan_guard.h), and while functions are bound (bounded_functions.h).

#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Checks that SQL may call the scalar, aggregate, window or macro function of this name, ignoring case. Errors:
/// PermissionDenied (SQL_NOT_ALLOWED; the message says why, the detail "hint" what works instead), InvalidArgument
/// (UNKNOWN_FUNCTION).
Result<void> CheckFunction(const std::string& name);

/// Checks that SQL may have the table function of this name in FROM, ignoring case. Errors: PermissionDenied
/// (SQL_NOT_ALLOWED).
Result<void> CheckTableFunction(const std::string& name);

/// Checks that a value in SQL may have this type and all types within it. A type that only the binder can resolve
/// passes, because the plan contains the resolved type. Errors: PermissionDenied (SQL_NOT_ALLOWED).
Result<void> CheckType(const duckdb::LogicalType& type);
/// The same for the name of a type. An unknown name passes, because the binder refuses it.
Result<void> CheckTypeName(const std::string& name);

/// True if the function, macro or SQL value (current_date) of this name, ignoring case, may give another value for the
/// same arguments in another statement.
bool IsVaryingFunction(const std::string& name);

}  // namespace yummy::duck
