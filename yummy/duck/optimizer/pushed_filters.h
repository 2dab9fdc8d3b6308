#pragma once
// Removes filters that DuckDB's optimiser has pushed to scans where they change the answer: docs/duckdb-faults.md.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Registers the check; call it before the database opens. A join or a Top-N pushes filters down while it runs. Such a
/// filter must not reach a scan through an operator that counts rows, such as LIMIT. The bound of a Top-N must not
/// reach a column whose own type orders values differently.
void RegisterPushedFilterCheck(duckdb::DBConfig& config);

}  // namespace yummy::duck
