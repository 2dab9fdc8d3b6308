#pragma once
// The entries of a value that is a list, a map or an array, within the vector of all entries.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// `index` is the position of the value in the data of its vector. The value must not be null.
inline duckdb::list_entry_t EntriesOf(const duckdb::RecursiveUnifiedVectorFormat& lists, duckdb::idx_t index) {
  if (lists.logical_type.InternalType() != duckdb::PhysicalType::ARRAY)
    return duckdb::UnifiedVectorFormat::GetData<duckdb::list_entry_t>(lists.unified)[index];
  const duckdb::idx_t length = duckdb::ArrayType::GetSize(lists.logical_type);
  return {index * length, length};
}

}  // namespace yummy::duck
