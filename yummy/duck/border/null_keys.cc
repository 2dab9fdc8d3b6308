#include "yummy/duck/border/null_keys.h"

#include <algorithm>

#include <duckdb/common/type_visitor.hpp>

#include "yummy/duck/border/list_entries.h"

namespace yummy::duck {
namespace {

using duckdb::idx_t;
using duckdb::RecursiveUnifiedVectorFormat;

bool HasNullKey(const RecursiveUnifiedVectorFormat& format, idx_t row);

// True if an entry of a list or an array has one.
bool HasNullKeyWithin(const RecursiveUnifiedVectorFormat& format, idx_t index) {
  const auto& type = format.logical_type;
  const auto entry = EntriesOf(format, index);
  const auto& child = format.children.front();
  const auto is_null_key = [&](idx_t at) {
    const auto& keys = child.children.front().unified;  // entries are structs of a key and a value
    return !keys.validity.RowIsValid(keys.sel->get_index(at));
  };
  for (idx_t at = entry.offset; at < entry.offset + entry.length; at++)
    if ((type.id() == duckdb::LogicalTypeId::MAP && is_null_key(at)) || HasNullKey(child, at)) return true;
  return false;
}

bool HasNullKey(const RecursiveUnifiedVectorFormat& format, idx_t row) {
  if (!HasMap(format.logical_type)) return false;
  const idx_t index = format.unified.sel->get_index(row);
  if (!format.unified.validity.RowIsValid(index)) return false;
  if (format.logical_type.InternalType() != duckdb::PhysicalType::STRUCT) return HasNullKeyWithin(format, index);
  // A selection of structs also applies to their children.
  return std::ranges::any_of(format.children, [&](const auto& child) { return HasNullKey(child, row); });
}

}  // namespace

bool HasMap(const duckdb::LogicalType& type) { return duckdb::TypeVisitor::Contains(type, duckdb::LogicalTypeId::MAP); }

bool HasNullKey(duckdb::Vector& values, idx_t count) {
  RecursiveUnifiedVectorFormat format;
  duckdb::Vector::RecursiveToUnifiedFormat(values, count, format);
  for (idx_t row = 0; row < count; row++)
    if (HasNullKey(format, row)) return true;
  return false;
}

}  // namespace yummy::duck
