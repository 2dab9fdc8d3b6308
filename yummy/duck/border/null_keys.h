#pragma once
// Null keys of maps, which TRY_CAST can make. Arrow has no place for them.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Whether there is a map in a value of this type.
bool HasMap(const duckdb::LogicalType& type);

/// Whether a map in one of the first rows has a null key, at any depth.
bool HasNullKey(duckdb::Vector& values, duckdb::idx_t count);

}  // namespace yummy::duck
