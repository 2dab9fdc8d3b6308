#pragma once
// LIMIT as a hint to the scan below it: what it reads ahead ends where the query probably ends.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Has every optimised plan looked through for limits right above a scan of ours (DeltaFileList::ExpectRows).
void RegisterLimitHints(duckdb::DBConfig& config);

}  // namespace yummy::duck
