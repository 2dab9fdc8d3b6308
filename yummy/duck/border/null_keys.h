#pragma once
// Finds null keys of maps. TRY_CAST can make them, but Arrow cannot hold them.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// True if values of this type contain a map.
bool HasMap(const duckdb::LogicalType& type);

/// True if a map in the first `count` rows has a null key, at any depth.
bool HasNullKey(duckdb::Vector& values, duckdb::idx_t count);

}  // namespace yummy::duck
