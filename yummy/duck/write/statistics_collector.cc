#include "yummy/duck/write/statistics_collector.h"

#include <cassert>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace yummy::duck {
namespace {

using delta::TypeKind;
using Leaf = StatisticsCollector::Leaf;

/// The values of one leaf in a chunk. A value exists if it and all structs above it are not null.
struct LeafValues {
  duckdb::UnifiedVectorFormat format;
  std::vector<const duckdb::ValidityMask*> parents;  // masks of flat vectors, without those that have no nulls
  duckdb::idx_t count = 0;

  bool no_nulls() const { return parents.empty() && format.validity.AllValid(); }
  bool IsValid(duckdb::idx_t row) const {
    for (const auto* parent : parents) {
      if (!parent->RowIsValid(row)) return false;
    }
    return format.validity.RowIsValid(format.sel->get_index(row));
  }
};

LeafValues FindValues(duckdb::DataChunk& rows, const StatisticsPlan::Leaf& leaf) {
  LeafValues result;
  result.count = rows.size();
  auto* vector = &rows.data[leaf.column];
  for (const auto child : leaf.children) {
    vector->Flatten(result.count);
    const auto& validity = duckdb::FlatVector::Validity(*vector);
    if (!validity.AllValid()) result.parents.push_back(&validity);
    vector = duckdb::StructVector::GetEntries(*vector)[child].get();
  }
  vector->ToUnifiedFormat(result.count, result.format);
  return result;
}

/// Calls `take` with every existing value, and counts the others.
template <typename T, typename Take>
void ForEachValue(const LeafValues& values, Leaf& leaf, Take take) {
  const auto* data = duckdb::UnifiedVectorFormat::GetData<T>(values.format);
  if (values.no_nulls()) {
    for (duckdb::idx_t row = 0; row < values.count; row++) take(data[values.format.sel->get_index(row)]);
    return;
  }
  for (duckdb::idx_t row = 0; row < values.count; row++) {
    if (values.IsValid(row)) {
      take(data[values.format.sel->get_index(row)]);
    } else {
      leaf.null_count++;
    }
  }
}

delta::Int128 Widen(int8_t value) { return value; }
delta::Int128 Widen(int16_t value) { return value; }
delta::Int128 Widen(int32_t value) { return value; }
delta::Int128 Widen(int64_t value) { return value; }
delta::Int128 Widen(duckdb::hugeint_t value) {
  return static_cast<delta::Int128>(value.upper) * (static_cast<delta::Int128>(1) << 64) +
         static_cast<delta::Int128>(value.lower);
}

void WidenBounds(Leaf& leaf, delta::Int128 min, delta::Int128 max) {
  leaf.min_integer = leaf.has_bounds ? std::min(leaf.min_integer, min) : min;
  leaf.max_integer = leaf.has_bounds ? std::max(leaf.max_integer, max) : max;
  leaf.has_bounds = true;
}

template <typename T>
void UpdateIntegers(const LeafValues& values, Leaf& leaf) {
  std::optional<std::pair<T, T>> bounds;
  ForEachValue<T>(values, leaf, [&](const T& value) {
    if (!bounds) {
      bounds.emplace(value, value);
    } else if (value < bounds->first) {
      bounds->first = value;
    } else if (bounds->second < value) {
      bounds->second = value;
    }
  });
  if (bounds) WidenBounds(leaf, Widen(bounds->first), Widen(bounds->second));
}

void WidenBounds(Leaf& leaf, double min, double max) {
  leaf.min_double = leaf.has_bounds ? std::min(leaf.min_double, min) : min;
  leaf.max_double = leaf.has_bounds ? std::max(leaf.max_double, max) : max;
  leaf.has_bounds = true;
}

template <typename T>
void UpdateFloats(const LeafValues& values, Leaf& leaf) {
  ForEachValue<T>(values, leaf, [&](T value) {
    if (std::isnan(value)) {
      leaf.has_nan = true;
    } else {
      WidenBounds(leaf, static_cast<double>(value), static_cast<double>(value));
    }
  });
}

void WidenBounds(Leaf& leaf, std::string_view min, std::string_view max) {
  // std::string compares unsigned bytes (char_traits), which is the order of code points in UTF-8.
  if (!leaf.has_bounds || min < leaf.min_string) leaf.min_string = min;
  if (!leaf.has_bounds || leaf.max_string < max) leaf.max_string = max;
  leaf.has_bounds = true;
}

void UpdateStrings(const LeafValues& values, Leaf& leaf) {
  ForEachValue<duckdb::string_t>(values, leaf, [&](const duckdb::string_t& value) {
    const std::string_view text(value.GetData(), value.GetSize());
    WidenBounds(leaf, text, text);
  });
}

void CountNulls(const LeafValues& values, Leaf& leaf) {
  if (values.no_nulls()) return;
  for (duckdb::idx_t row = 0; row < values.count; row++) leaf.null_count += values.IsValid(row) ? 0 : 1;
}

void UpdateDecimals(const LeafValues& values, int precision, Leaf& leaf) {
  // DuckDB chooses the integer type by the number of digits.
  if (precision <= duckdb::Decimal::MAX_WIDTH_INT16) return UpdateIntegers<int16_t>(values, leaf);
  if (precision <= duckdb::Decimal::MAX_WIDTH_INT32) return UpdateIntegers<int32_t>(values, leaf);
  if (precision <= duckdb::Decimal::MAX_WIDTH_INT64) return UpdateIntegers<int64_t>(values, leaf);
  UpdateIntegers<duckdb::hugeint_t>(values, leaf);
}

void UpdateLeaf(const LeafValues& values, const delta::DataType& type, Leaf& leaf) {
  switch (type.kind) {
    case TypeKind::kByte: return UpdateIntegers<int8_t>(values, leaf);
    case TypeKind::kShort: return UpdateIntegers<int16_t>(values, leaf);
    case TypeKind::kInteger:
    case TypeKind::kDate: return UpdateIntegers<int32_t>(values, leaf);
    case TypeKind::kLong:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: return UpdateIntegers<int64_t>(values, leaf);
    case TypeKind::kDecimal: return UpdateDecimals(values, type.precision, leaf);
    case TypeKind::kFloat: return UpdateFloats<float>(values, leaf);
    case TypeKind::kDouble: return UpdateFloats<double>(values, leaf);
    case TypeKind::kString: return UpdateStrings(values, leaf);
    case TypeKind::kBoolean:
    case TypeKind::kBinary:
    case TypeKind::kVoid:
    case TypeKind::kVariant:
    case TypeKind::kStruct:
    case TypeKind::kArray:
    case TypeKind::kMap: return CountNulls(values, leaf);
  }
}

bool IsFloat(TypeKind kind) { return kind == TypeKind::kFloat || kind == TypeKind::kDouble; }

delta::Scalar IntegerScalar(const delta::DataType& type, delta::Int128 value) {
  if (type.kind == TypeKind::kDecimal) return delta::Scalar(delta::Scalar::Storage(value));
  return delta::Scalar(delta::Scalar::Storage(static_cast<int64_t>(value)));
}

void SetBounds(const delta::DataType& type, const Leaf& leaf, delta::ColumnStatistics& result) {
  if (!leaf.has_bounds) return;
  if (type.kind == TypeKind::kString) {
    result.min = delta::Scalar(delta::Scalar::Storage(leaf.min_string));
    result.max = delta::Scalar(delta::Scalar::Storage(leaf.max_string));
  } else if (IsFloat(type.kind)) {
    result.min = delta::Scalar(delta::Scalar::Storage(leaf.min_double));
    result.max = delta::Scalar(delta::Scalar::Storage(leaf.max_double));
  } else {
    result.min = IntegerScalar(type, leaf.min_integer);
    result.max = IntegerScalar(type, leaf.max_integer);
  }
}

/// Follows a physical path down from a column of the file; absent if the path leaves the structs.
std::optional<StatisticsPlan::Leaf> Locate(const TableLayout& layout, const delta::ColumnPath& path) {
  assert(!path.empty());
  for (size_t i = 0; i < layout.file_columns.size(); i++) {
    const auto* field = &layout.schema[layout.file_columns[i]];
    if (field->physical_name() != path.front()) continue;
    StatisticsPlan::Leaf leaf{.path = path, .type = {}, .column = i, .children = {}};
    for (size_t depth = 1; depth < path.size(); depth++) {
      if (field->type.kind != TypeKind::kStruct) return std::nullopt;
      const delta::Field* found = nullptr;
      for (size_t child = 0; child < field->type.fields.size(); child++) {
        if (field->type.fields[child].physical_name() != path[depth]) continue;
        leaf.children.push_back(child);
        found = &field->type.fields[child];
        break;
      }
      if (!found) return std::nullopt;
      field = found;
    }
    leaf.type = field->type;
    return leaf;
  }
  return std::nullopt;
}

}  // namespace

std::shared_ptr<const StatisticsPlan> StatisticsPlan::Make(const TableLayout& layout) {
  auto plan = std::make_shared<StatisticsPlan>();
  for (const auto& path : delta::StatisticsColumns(layout.schema, layout.partition_names, layout.properties)) {
    if (auto leaf = Locate(layout, path)) plan->leaves.push_back(std::move(*leaf));
  }
  return plan;
}

void StatisticsCollector::Update(duckdb::DataChunk& rows) {
  for (size_t i = 0; i < leaves_.size(); i++) {
    UpdateLeaf(FindValues(rows, plan_->leaves[i]), plan_->leaves[i].type, leaves_[i]);
  }
}

void StatisticsCollector::Merge(const StatisticsCollector& other) {
  assert(plan_ == other.plan_);
  for (size_t i = 0; i < leaves_.size(); i++) {
    auto& leaf = leaves_[i];
    const auto& from = other.leaves_[i];
    leaf.null_count += from.null_count;
    leaf.has_nan = leaf.has_nan || from.has_nan;
    if (!from.has_bounds) continue;
    const auto kind = plan_->leaves[i].type.kind;
    if (kind == TypeKind::kString) {
      WidenBounds(leaf, std::string_view(from.min_string), std::string_view(from.max_string));
    } else if (IsFloat(kind)) {
      WidenBounds(leaf, from.min_double, from.max_double);
    } else {
      WidenBounds(leaf, from.min_integer, from.max_integer);
    }
  }
}

std::vector<delta::ColumnStatistics> StatisticsCollector::Collected() const {
  std::vector<delta::ColumnStatistics> result;
  for (size_t i = 0; i < leaves_.size(); i++) {
    const auto& plan = plan_->leaves[i];
    delta::ColumnStatistics column;
    column.path = plan.path;
    column.type = plan.type;
    column.null_count = leaves_[i].null_count;
    column.has_nan = leaves_[i].has_nan;
    SetBounds(plan.type, leaves_[i], column);
    result.push_back(std::move(column));
  }
  return result;
}

}  // namespace yummy::duck
