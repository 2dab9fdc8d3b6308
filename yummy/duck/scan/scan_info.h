#pragma once
// The facts about a scan that all its parts share.

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/protocol/column_mapping.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct InstanceInfo;
class ReadMark;

/// The virtual column with the delta::FileId of a row's data file. Together with file_row_number it identifies a row.
/// Its number is above those of DuckDB's own virtual columns, which begin at VIRTUAL_COLUMN_START.
inline constexpr duckdb::column_t kFileIdColumn = duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILENAME + 1000;

/// Shared by a scan, its list of files and its readers. Immutable once the scan is bound.
struct ScanInfo final : duckdb::TableFunctionInfo {
  InstanceInfo* instance = nullptr;
  size_t store_ordinal = 0;
  delta::SnapshotRef snapshot;
  duckdb::TableCatalogEntry* table = nullptr;  // lives as long as the transaction
  ReadMark* reads = nullptr;                   // likewise; absent for a version that the statement names
  delta::ColumnMappingMode mapping = delta::ColumnMappingMode::kNone;
  bool has_nested_columns = false;
  std::optional<std::vector<delta::FileId>> files;  // absent: all live files of the snapshot
  /// Rows that the scan leaves out of a file, in place of its deletion vector.
  std::map<delta::FileId, delta::DeletionVectorRef> gone_rows;
  duckdb::table_function_t scan = nullptr;                     // that of the Parquet scan
  duckdb::table_function_init_global_t init_global = nullptr;  // that of the Parquet scan
};

}  // namespace yummy::duck
