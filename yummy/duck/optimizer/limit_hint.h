#pragma once
// Tells a scan how many rows the LIMIT above it wants, so that it reads ahead no further.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Searches every optimised plan for limits directly above one of our scans (DeltaFileList::ExpectRows).
void RegisterLimitHints(duckdb::DBConfig& config);

}  // namespace yummy::duck
