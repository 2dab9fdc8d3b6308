#pragma once
// The second look of the sandbox: the bound plan, in which views and macros have become what they stand for.

#include <memory>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct InstanceInfo;

/// Has every plan of a connection whose RequestState is untrusted checked before it is optimised: it reads tables of
/// the configured stores only, changes nothing, and has only functions and types that function_lists.h allows. The
/// planner then ends with an exception that carries PermissionDenied (SQL_NOT_ALLOWED).
void RegisterPlanGuard(duckdb::DBConfig& config, std::shared_ptr<InstanceInfo> instance);

/// The same look at an expression alone. Throws what carries PermissionDenied (SQL_NOT_ALLOWED).
void CheckExpression(const duckdb::Expression& expression);

}  // namespace yummy::duck
