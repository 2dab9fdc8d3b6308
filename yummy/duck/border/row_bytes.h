#pragma once
// Counts the bytes of the texts in a chunk. DuckDB itself counts 16 bytes per string, however long it is.

#include <cstdint>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True for strings and binary, and for types that contain them.
bool HasText(const duckdb::LogicalType& type);

/// The bytes of the texts of each row, at any depth. May flatten vectors; that changes no values.
std::vector<uint64_t> TextBytes(duckdb::DataChunk& rows);
/// The bytes of the texts of the first `count` rows together. Faster than TextBytes.
uint64_t TotalTextBytes(duckdb::Vector& vector, duckdb::idx_t count);
uint64_t TotalTextBytes(duckdb::DataChunk& rows);

}  // namespace yummy::duck
