#pragma once
// The second check of the sandbox. It looks at the bound plan, in which views and macros are expanded.

#include <memory>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct InstanceInfo;

/// Registers the check. It looks at every plan of a connection whose RequestState is untrusted, before the plan is
/// optimised. The plan may read only tables of the configured stores, may change nothing, and may have only functions
/// and types that function_lists.h allows. Otherwise the planner ends with an exception that carries PermissionDenied
/// (SQL_NOT_ALLOWED).
void RegisterPlanGuard(duckdb::DBConfig& config, std::shared_ptr<InstanceInfo> instance);

/// The same check for a single expression. Throws an exception that carries PermissionDenied (SQL_NOT_ALLOWED).
void CheckExpression(const duckdb::Expression& expression);

}  // namespace yummy::duck
