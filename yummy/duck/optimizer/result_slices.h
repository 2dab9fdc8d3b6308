#pragma once
// The last operator of a query: cuts chunks with long texts into small ones, and lets one of them wait until it is
// fetched. DuckDB bounds what waits by its bytes, but counts 16 for a string, however long it is.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Puts the operator over the queries of sessions whose results have texts.
void RegisterResultSlices(duckdb::DBConfig& config);

}  // namespace yummy::duck
