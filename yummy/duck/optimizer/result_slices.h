#pragma once
// The last operator of a query. It cuts chunks with long texts into small ones, and lets only one of them wait for the
// client. DuckDB bounds the bytes that wait, but counts 16 per string, however long it is.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Puts the operator on top of the queries of sessions whose results have texts.
void RegisterResultSlices(duckdb::DBConfig& config);

}  // namespace yummy::duck
