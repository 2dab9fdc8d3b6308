#pragma once
// Describes a table's columns for DuckDB's column mapper, and fits them to the columns of one data file.

#include <string>

#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/scan_info.h"

namespace yummy::duck {

/// The table's columns with their types. Data files have them by physical name or by field id.
/// Errors: Unsupported (reason UNSUPPORTED_TYPE), Corrupt (a column without an id in a table mapped by id).
Result<duckdb::vector<duckdb::MultiFileColumnDefinition>> TableColumns(const delta::Schema& schema,
                                                                       delta::ColumnMappingMode mapping);

/// Fits the table and file columns at `column_ids` to each other. Field ids are resolved to the file's names. The parts
/// of lists and maps get the names that the mapper expects, whatever the writer called them (parquet-format,
/// LogicalTypes.md, "Backward-compatibility rules"). Columns without nested fields become leaves, so that the mapper
/// sees equal columns as equal. Errors: Corrupt (reason CORRUPT_DATA_FILE: a column has another shape or another kind
/// of value in the file, or the file has no field ids).
Result<void> AlignColumns(duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                          duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids, delta::ColumnMappingMode mapping);

/// Makes the checks of AlignColumns for columns that need no fitting. Errors: as AlignColumns.
Result<void> CheckColumns(const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                          duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids);

/// Changes the types of the aligned file columns at `column_ids`, so that casts between text and binary keep the bytes
/// (text_bytes.h).
void KeepBytes(const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
               duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
               const duckdb::vector<duckdb::ColumnIndex>& column_ids);

/// The filters in a form that DuckDB's mapper carries over to a file correctly, and that its reader answers rightly
/// (docs/duckdb-faults.md). Null if the filters can stay as they are.
/// - If the file has a column in another type, DuckDB 1.5 would round a constant to the file's type (1.5 to the integer
///   2). Such filters become expressions, which are evaluated on the cast values.
/// - For such a column it cannot cast bloom filters; these and other optional filters are dropped.
/// - The bound of a Top-N is dropped if its type is not the column's.
/// - An equality that the reader would look up wrongly in a bloom filter becomes two comparisons.
duckdb::unique_ptr<duckdb::TableFilterSet> FitFilters(
    const duckdb::TableFilterSet& filters, const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
    const duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
    const duckdb::vector<duckdb::ColumnIndex>& column_ids);

}  // namespace yummy::duck
