#pragma once
// How many bytes the rows of a chunk take: DuckDB counts 16 bytes a string, wherever the string is.

#include <cstdint>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True for strings and binary, and for types with any inside.
bool HasText(const duckdb::LogicalType& type);

/// The bytes of the texts of each row, at any depth. May flatten vectors, which changes none of their values.
std::vector<uint64_t> TextBytes(duckdb::DataChunk& rows);
/// Of the first rows together, in less time.
uint64_t TotalTextBytes(duckdb::Vector& vector, duckdb::idx_t count);
uint64_t TotalTextBytes(duckdb::DataChunk& rows);

}  // namespace yummy::duck
