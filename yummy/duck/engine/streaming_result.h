#pragma once
// A running query that gives Arrow batches.

#include <memory>
#include <string>

#include "yummy/duck/engine/session_parts.h"
#include "yummy/duck/session.h"

namespace yummy::duck {

struct StreamingQuery {
  duckdb::unique_ptr<duckdb::SQLStatement> statement;
  duckdb::case_insensitive_map_t<duckdb::BoundParameterData> parameters;
  std::string sql;  // for positions in errors
  size_t batch_rows_max = 65536;
};

/// Binds, plans and starts the statement. `session` must outlive the result.
/// Errors: as Session::Query.
Result<std::unique_ptr<QueryResult>> StartQuery(SessionParts& session, const Context& context, StreamingQuery query);

}  // namespace yummy::duck
