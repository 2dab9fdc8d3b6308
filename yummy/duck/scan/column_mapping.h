#pragma once
// A table's columns as DuckDB's column mapper takes them, fitted to the columns that one data file has.

#include <string>

#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/scan_info.h"

namespace yummy::duck {

/// The table's columns with their types. They are found in data files by physical name, or by field id.
/// Errors: Unsupported (reason UNSUPPORTED_TYPE), Corrupt (a column without an id in a table mapped by id).
Result<duckdb::vector<duckdb::MultiFileColumnDefinition>> TableColumns(const delta::Schema& schema,
                                                                       delta::ColumnMappingMode mapping);

/// Fits table and file columns to each other, for those at `column_ids`: field ids are resolved to the file's names,
/// the parts of lists and maps get the names that the mapper asks for, whatever the writer called them (parquet-format,
/// LogicalTypes.md, "Backward-compatibility rules"), and columns without nested fields become leaves, so that equal
/// columns are seen as equal. Errors: Corrupt (reason CORRUPT_DATA_FILE: a column that the file has in another shape or
/// as another kind of value, no field ids at all).
Result<void> AlignColumns(duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                          duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids, delta::ColumnMappingMode mapping);

/// What AlignColumns checks, of columns that need no fitting. Errors: as AlignColumns.
Result<void> CheckColumns(const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
                          duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids);

/// Gives the file's columns at `column_ids`, which are aligned, types whose casts to the table's keep the bytes of text
/// and binary, whichever of the two the file takes them for (text_bytes.h).
void KeepBytes(const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
               duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
               const duckdb::vector<duckdb::ColumnIndex>& column_ids);

/// The filters as DuckDB's mapper can carry them over to a file, and as its reader answers them rightly:
/// docs/duckdb-faults.md. Where the file has a column in another type, those that it would carry over wrongly become
/// expressions, which are evaluated on the cast values: DuckDB 1.5 rounds a constant to the file's type (1.5 to the
/// integer 2), and knows no way for bloom filters. These are left out, as are other filters that only save work, and a
/// Top-N's bound of another type than the column. Equality that it would look up wrongly in a column's bloom filter
/// becomes two comparisons. A null pointer when the filters can stay as they are.
duckdb::unique_ptr<duckdb::TableFilterSet> FitFilters(
    const duckdb::TableFilterSet& filters, const duckdb::vector<duckdb::MultiFileColumnDefinition>& table_columns,
    const duckdb::vector<duckdb::MultiFileColumnDefinition>& file_columns,
    const duckdb::vector<duckdb::ColumnIndex>& column_ids);

}  // namespace yummy::duck
