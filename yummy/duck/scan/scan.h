#pragma once
// The scan of one table version: DuckDB's Parquet scan with our own list of files, column mapping and statistics.

#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/scan_info.h"

namespace yummy::duck {

/// The Parquet scan with our callbacks, but without a table. Made once per catalogue.
duckdb::TableFunction MakeScanTemplate(duckdb::DatabaseInstance& database);

/// True for a copy of the template.
bool IsDeltaScan(const duckdb::TableFunction& function);

/// What a scan of a version of `table` needs to know.
duckdb::shared_ptr<ScanInfo> MakeScanInfo(InstanceInfo& instance, size_t store_ordinal, delta::SnapshotRef snapshot,
                                          duckdb::TableCatalogEntry& table);

/// Binds a scan of the table of `info`. `function` is a copy of the template and gets the info. No I/O.
duckdb::unique_ptr<duckdb::FunctionData> BindScan(duckdb::ClientContext& context, duckdb::TableFunction& function,
                                                  duckdb::shared_ptr<ScanInfo> info);

duckdb::virtual_column_map_t ScanVirtualColumns();

/// Bounds that hold for a column of the whole table; null if nothing is known.
duckdb::unique_ptr<duckdb::BaseStatistics> TableStatistics(const delta::Snapshot& snapshot, duckdb::column_t column);

}  // namespace yummy::duck
