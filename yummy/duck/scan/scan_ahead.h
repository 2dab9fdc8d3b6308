#pragma once
// What a scan has fetched ahead: the ReadAhead of one scan of a store that is not local, by DuckDB's columns, filters
// and caches.

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/file_list.h"

namespace yummy::duck {

/// Begins to fetch what the scan will read of the files of `state`'s list; nothing for a local store. To be called when
/// the scan's global state has just been made: it owns what is fetched.
void StartReadAhead(duckdb::ClientContext& context, const duckdb::TableFunctionInitInput& input,
                    duckdb::MultiFileGlobalState& state);

/// The file as it is to be opened by the scan of `state` (MultiFileGlobalState::global_state): one that is fetched
/// ahead knows so.
duckdb::OpenFileInfo OpenAhead(duckdb::ClientContext& context, const duckdb::GlobalTableFunctionState& state,
                               const ScanInfo& scan, const duckdb::OpenFileInfo& file);

}  // namespace yummy::duck
