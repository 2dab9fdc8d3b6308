#pragma once
// Connects ReadAhead to DuckDB: it knows the columns, filters and cached ranges of one scan of a far store.

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/file_list.h"

namespace yummy::duck {

/// Starts fetching the data that the scan will read from the files of `state`'s list. Does nothing for a local store.
/// Call it right after the global state of the scan was made, because that state owns the fetched data.
void StartReadAhead(duckdb::ClientContext& context, const duckdb::TableFunctionInitInput& input,
                    duckdb::MultiFileGlobalState& state);

/// The file in the form in which the scan of `state` (MultiFileGlobalState::global_state) must open it. If it is
/// fetched ahead, it carries the number of the ReadAhead.
duckdb::OpenFileInfo OpenAhead(duckdb::ClientContext& context, const duckdb::GlobalTableFunctionState& state,
                               const ScanInfo& scan, const duckdb::OpenFileInfo& file);

}  // namespace yummy::duck
