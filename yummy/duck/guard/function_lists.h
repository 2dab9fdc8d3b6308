#pragma once
// What untrusted SQL may call, and of which types its values may be: allow-lists. The guards ask them about the
// statement's text (statement_guard.h), about the bound plan (plan_guard.h) and while functions are bound
// (bounded_functions.h).

#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Whether SQL may call the scalar, aggregate, window or macro function of this name, in any case.
/// Errors: PermissionDenied (SQL_NOT_ALLOWED; why, and what works instead as detail "hint"), InvalidArgument
/// (UNKNOWN_FUNCTION).
Result<void> CheckFunction(const std::string& name);

/// Whether SQL may have the table function of this name in FROM, in any case. Errors: PermissionDenied
/// (SQL_NOT_ALLOWED).
Result<void> CheckTableFunction(const std::string& name);

/// Whether a value of SQL may be of this type, and of every type within it. A type that only the binder knows passes:
/// the plan has it bound. Errors: PermissionDenied (SQL_NOT_ALLOWED).
Result<void> CheckType(const duckdb::LogicalType& type);
/// The same by a type's name alone. A name that is unknown passes: the binder says so.
Result<void> CheckTypeName(const std::string& name);

/// Whether the function, macro or SQL value (current_date) of this name, in any case, can give another value to the
/// same arguments in another statement.
bool IsVaryingFunction(const std::string& name);

}  // namespace yummy::duck
