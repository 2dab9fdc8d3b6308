#pragma once
// Reads text that a data file declares as binary, and binary that it declares as text. Both keep their bytes; DuckDB's
// own cast would escape them.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True if the table has text where the file has binary, or the other way round.
bool AreTextAndBytes(const duckdb::LogicalType& in_table, const duckdb::LogicalType& in_file);

/// The type to use for such a column of the file. Its cast to the table's type keeps the bytes. Bytes that are not
/// UTF-8 cannot become text, and throw Corrupt (reason CORRUPT_DATA_FILE).
duckdb::LogicalType AsPlainBytes(const duckdb::LogicalType& in_file);

/// Registers the casts of AsPlainBytes.
void RegisterByteCasts(duckdb::DBConfig& config);

}  // namespace yummy::duck
