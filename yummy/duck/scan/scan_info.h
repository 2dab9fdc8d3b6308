#pragma once
// What the parts of a scan know of it.

#include <cstddef>

#include "yummy/delta/protocol/column_mapping.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct InstanceInfo;
class ReadMark;

/// The virtual column that names the data file of a row by its delta::FileId. With file_row_number it identifies a row.
/// Above DuckDB's own virtual columns, which begin at VIRTUAL_COLUMN_START.
inline constexpr duckdb::column_t kFileIdColumn = duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME + 1000;

/// What a scan, its list of files and its readers share. Immutable once the scan is bound.
struct ScanInfo final : duckdb::TableFunctionInfo {
  InstanceInfo* instance = nullptr;
  size_t store_ordinal = 0;
  delta::SnapshotRef snapshot;
  duckdb::TableCatalogEntry* table = nullptr;  // lives as long as the transaction
  ReadMark* reads = nullptr;                   // likewise; absent for a version that the statement names
  delta::ColumnMappingMode mapping = delta::ColumnMappingMode::kNone;
  bool has_nested_columns = false;
  duckdb::table_function_t scan = nullptr;                     // of the Parquet scan
  duckdb::table_function_init_global_t init_global = nullptr;  // of the Parquet scan
};

}  // namespace yummy::duck
