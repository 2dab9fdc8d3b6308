#pragma once
// The structural sandbox of untrusted SQL. It accepts one read-only statement, parsed by DuckDB's own parser, all of
// whose tables and functions are known to be harmless. What the binder adds (views, macros) is checked again in the
// plan (plan_guard.h).

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/guard/sql_nesting.h"
#include "yummy/duck/guard/statement_size.h"

namespace yummy::duck {

/// Expressions, joins and set operations may nest this deep (max_expression_depth).
inline constexpr size_t kExpressionDepthMax = 250;

struct GuardOptions {
  size_t sql_max_bytes = 1 << 20;
  bool may_write = false;  // INSERT, UPDATE, DELETE, TRUNCATE and MERGE pass
  NestingLimits nesting;
  SizeLimits size;
  duckdb::ParserOptions parser;
  /// True for the name of a configured store, ignoring case.
  std::function<bool(const std::string&)> is_store;
  /// Gives the names for SHOW TABLES. Empty parts stand for the defaults of the query.
  std::function<Result<std::vector<std::string>>(const std::string& store, const std::string& schema)> list_tables;
};

struct GuardedStatement {
  duckdb::unique_ptr<duckdb::SQLStatement> statement;
  /// True if the statement has the same result as long as its tables are the same: it calls no function of time or
  /// chance, takes no sample, names no version and lists no tables.
  bool is_repeatable = false;
  bool writes = false;
};

/// The single statement of `sql`, if it may run. SHOW TABLES is replaced by the list of names.
/// Errors: InvalidArgument (SQL_TOO_LONG, TOO_DEEP, STATEMENT_TOO_LARGE, SQL_SYNTAX, ONE_STATEMENT, READ_ONLY_ENDPOINT
/// with detail "hint"), PermissionDenied (SQL_NOT_ALLOWED); details line and column where known.
Result<GuardedStatement> GuardStatement(const std::string& sql, const GuardOptions& options);

}  // namespace yummy::duck
