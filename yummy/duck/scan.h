#pragma once
// The scan of one table version: DuckDB's Parquet scan with our list of files, our mapping of columns, our statistics.

#include <cstddef>
#include <string>

#include "yummy/delta/snapshot.h"
#include "yummy/duck/duckdb_headers.h"

namespace yummy::duck {

struct InstanceInfo;

/// The virtual column that names the data file of a row by its delta::FileId. With file_row_number it identifies a row.
/// Above DuckDB's own virtual columns, which begin at VIRTUAL_COLUMN_START.
inline constexpr duckdb::column_t kFileIdColumn = duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME + 1000;

/// How a schema's columns are found in data files (PROTOCOL.md, "Column Mapping").
enum class ColumnMapping { kName, kId };

/// What a scan, its list of files and its readers share. Immutable once the scan is bound.
struct ScanInfo final : duckdb::TableFunctionInfo {
  InstanceInfo* instance = nullptr;
  size_t store_ordinal = 0;
  delta::SnapshotRef snapshot;
  duckdb::TableCatalogEntry* table = nullptr;  // lives as long as the transaction
  ColumnMapping mapping = ColumnMapping::kName;
  bool has_nested_columns = false;
  duckdb::table_function_t scan = nullptr;                     // of the Parquet scan
  duckdb::table_function_init_global_t init_global = nullptr;  // of the Parquet scan
};

/// The Parquet scan with our callbacks, without a table. Made once per catalogue.
duckdb::TableFunction MakeScanTemplate(duckdb::DatabaseInstance& database);

/// True for a copy of the template.
bool IsDeltaScan(const duckdb::TableFunction& function);

/// A scan of `info`'s table: `function` is a copy of the template and gets the info. No I/O.
duckdb::unique_ptr<duckdb::FunctionData> BindScan(duckdb::ClientContext& context, duckdb::TableFunction& function,
                                                  duckdb::shared_ptr<ScanInfo> info);

duckdb::virtual_column_map_t ScanVirtualColumns();

/// True bounds of a column over the whole table; a null pointer when nothing is known.
duckdb::unique_ptr<duckdb::BaseStatistics> TableStatistics(const delta::Snapshot& snapshot, duckdb::column_t column);

}  // namespace yummy::duck
