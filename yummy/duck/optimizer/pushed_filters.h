#pragma once
// Takes back filters that DuckDB's optimizer gives to scans where they change the answer: docs/duckdb-faults.md.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Filters that a join or a Top-N hands down while it runs reach no scan whose rows are counted off on the way, and a
/// Top-N's bound no column whose own type orders values otherwise. Before the database opens.
void RegisterPushedFilterCheck(duckdb::DBConfig& config);

}  // namespace yummy::duck
