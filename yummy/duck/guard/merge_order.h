#pragma once
// The order of the clauses of MERGE, which the parser loses.

#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Refuses a MERGE that has a conditional clause after an unconditional one of its kind: the parser would move the
/// unconditional one to the end, and the statement would do other things than it says. Delta-Spark refuses it, too.
/// Other statements pass. Errors: InvalidArgument (SQL_INVALID; details line, column).
Result<void> CheckMergeOrder(const std::string& sql, const duckdb::SQLStatement& statement);

}  // namespace yummy::duck
