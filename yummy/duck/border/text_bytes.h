#pragma once
// Text that a data file holds as plain bytes, and bytes that it calls text: the same bytes in both, never DuckDB's
// escaped form.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True for a text of the table that a file has as bytes, and for the other way round.
bool AreTextAndBytes(const duckdb::LogicalType& in_table, const duckdb::LogicalType& in_file);

/// The file's type for such a column. Its cast to the table's keeps the bytes; bytes that are no UTF-8 are no text, and
/// throw Corrupt (reason CORRUPT_DATA_FILE).
duckdb::LogicalType AsPlainBytes(const duckdb::LogicalType& in_file);

/// Registers the casts of AsPlainBytes.
void RegisterByteCasts(duckdb::DBConfig& config);

}  // namespace yummy::duck
