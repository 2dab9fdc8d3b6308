#include "yummy/duck/write/equal_floats.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <type_traits>
#include <unordered_set>

namespace yummy::duck {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// DuckDB's writer drops a dictionary with more values than this fraction of the rows (StandardColumnWriterState).
constexpr duckdb::idx_t kRowsPerDictionaryValue = 5;

size_t CountLeaves(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE: return 1;
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP: return CountLeaves(duckdb::ListType::GetChildType(type));
    case LogicalTypeId::STRUCT: {
      size_t count = 0;
      for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) count += CountLeaves(child);
      return count;
    }
    default: return 0;
  }
}

template <typename Number>
using BitsOf = std::conditional_t<sizeof(Number) == sizeof(uint32_t), uint32_t, uint64_t>;

// The number that represents all equal ones. It has the bits of a constant in a query.
template <typename Number>
Number Common(Number number) {
  if (number == 0) return 0;
  return std::isnan(number) ? std::numeric_limits<Number>::quiet_NaN() : number;
}

template <typename Number, typename Take>
void ForEachValue(duckdb::Vector& vector, duckdb::idx_t count, const Take& take) {
  duckdb::UnifiedVectorFormat format;
  vector.ToUnifiedFormat(count, format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<Number>(format);
  for (duckdb::idx_t row = 0; row < count; ++row) {
    const auto at = format.sel->get_index(row);
    if (format.validity.RowIsValid(at)) take(values[at]);
  }
}

// True if the column has so few different values that it gets a dictionary; equal values count once.
template <typename Number>
bool GetsDictionary(const duckdb::ColumnDataCollection& rows, duckdb::idx_t column) {
  const duckdb::idx_t values_max = rows.Count() / kRowsPerDictionaryValue;
  std::unordered_set<BitsOf<Number>> values;
  for (auto& chunk : rows.Chunks({column})) {
    ForEachValue<Number>(chunk.data[0], chunk.size(), [&](Number number) {
      if (values.size() <= values_max) values.insert(std::bit_cast<BitsOf<Number>>(Common(number)));
    });
    if (values.size() > values_max) return false;
  }
  return true;
}

}  // namespace

EqualFloats::EqualFloats(const duckdb::vector<LogicalType>& types) {
  for (duckdb::idx_t i = 0; i < types.size(); ++i) {
    const size_t count = CountLeaves(types[i]);
    if (count == 0) continue;
    columns_.push_back({.position = i, .first_leaf = leaves_.size()});
    leaves_.resize(leaves_.size() + count);
  }
}

template <typename Number>
void EqualFloats::Leaf::Note(Number number) {
  const auto bits = std::bit_cast<BitsOf<Number>>(number);
  auto& first = number == 0 ? zero : nan;
  if (!first) first = bits;
  has_several = has_several || *first != bits;
  has_uncommon = has_uncommon || bits != std::bit_cast<BitsOf<Number>>(Common(number));
}

template <typename Number>
void EqualFloats::Look(duckdb::Vector& vector, duckdb::idx_t count, Leaf& leaf) {
  if (leaf.has_several) return;
  ForEachValue<Number>(vector, count, [&](Number number) {
    if (number == 0 || std::isnan(number)) leaf.Note(number);
  });
}

// Returns the leaf after those of the vector. It may also take values that no row has (under a null, or outside of
// every list).
template <typename Take>
size_t EqualFloats::ForEachLeaf(duckdb::Vector& vector, duckdb::idx_t count, size_t leaf, const Take& take) {
  const LogicalType& type = vector.GetType();
  if (const size_t leaves = CountLeaves(type); leaves == 0) return leaf;
  switch (type.id()) {
    case LogicalTypeId::LIST:
    case LogicalTypeId::MAP:
      vector.Flatten(count);
      return ForEachLeaf(duckdb::ListVector::GetEntry(vector), duckdb::ListVector::GetListSize(vector), leaf, take);
    case LogicalTypeId::STRUCT:
      vector.Flatten(count);
      for (auto& child : duckdb::StructVector::GetEntries(vector)) leaf = ForEachLeaf(*child, count, leaf, take);
      return leaf;
    default: take(vector, count, leaf); return leaf + 1;
  }
}

void EqualFloats::Update(duckdb::DataChunk& rows) {
  const auto look = [this](duckdb::Vector& vector, duckdb::idx_t count, size_t leaf) {
    if (vector.GetType().id() == LogicalTypeId::FLOAT) return Look<float>(vector, count, leaves_[leaf]);
    Look<double>(vector, count, leaves_[leaf]);
  };
  for (const Column& column : columns_) ForEachLeaf(rows.data[column.position], rows.size(), column.first_leaf, look);
}

void EqualFloats::Merge(const EqualFloats& other) {
  assert(leaves_.size() == other.leaves_.size());
  for (size_t i = 0; i < leaves_.size(); ++i) {
    Leaf& leaf = leaves_[i];
    const Leaf& from = other.leaves_[i];
    const auto differ = [](const auto& a, const auto& b) { return a && b && *a != *b; };
    leaf.has_several =
        leaf.has_several || from.has_several || differ(leaf.zero, from.zero) || differ(leaf.nan, from.nan);
    leaf.has_uncommon = leaf.has_uncommon || from.has_uncommon;
    if (!leaf.zero) leaf.zero = from.zero;
    if (!leaf.nan) leaf.nan = from.nan;
  }
}

ValueEncoding EqualFloats::Encoding(const duckdb::ColumnDataCollection& rows) const {
  auto encoding = ValueEncoding::kHashedDictionaries;
  for (size_t i = 0; i < columns_.size(); ++i) {
    const auto position = columns_[i].position;
    const LogicalType& type = rows.Types()[position];
    const size_t end = i + 1 < columns_.size() ? columns_[i + 1].first_leaf : leaves_.size();
    for (size_t leaf = columns_[i].first_leaf; leaf < end; ++leaf) {
      // Nested values are not counted, and not looked up in bloom filters.
      const bool suffers = type.IsNested()
                               ? leaves_[leaf].has_several
                               : leaves_[leaf].has_uncommon &&
                                     (type.id() == LogicalTypeId::FLOAT ? GetsDictionary<float>(rows, position)
                                                                        : GetsDictionary<double>(rows, position));
      if (!suffers) continue;
      if (leaves_[leaf].has_several) return ValueEncoding::kPlain;
      encoding = ValueEncoding::kDictionaries;
    }
  }
  return encoding;
}

}  // namespace yummy::duck
