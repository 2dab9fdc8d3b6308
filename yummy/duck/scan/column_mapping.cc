#include "yummy/duck/scan/column_mapping.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <utility>

#include <duckdb/planner/filter/expression_filter.hpp>
#include <fmt/format.h>

#include "yummy/duck/border/text_bytes.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/scan/filter_predicate.h"

namespace yummy::duck {
namespace {

using Column = duckdb::MultiFileColumnDefinition;
using Columns = duckdb::vector<Column>;
using duckdb::ExpressionType;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::TableFilter;
using duckdb::TableFilterType;
using duckdb::Value;

// No file has a column of this name, because Parquet names are text.
constexpr const char* kNoColumn = "\x01 no such column";

Column MakeColumn(const std::string& name, const duckdb::LogicalType& type, Value identifier) {
  Column column(name, type);
  column.identifier = std::move(identifier);
  // The value if a file lacks the column. The mapper needs one at every level.
  column.default_expression = duckdb::make_uniq<duckdb::ConstantExpression>(Value(type));
  return column;
}

bool HoldsStruct(const delta::DataType& type) {
  if (type.kind == delta::TypeKind::kStruct) return true;
  return std::any_of(type.children.begin(), type.children.end(), HoldsStruct);
}

Result<Columns> Children(const delta::DataType& type, const duckdb::LogicalType& logical,
                         delta::ColumnMappingMode mapping);

Result<Column> Describe(const std::string& name, Value identifier, const delta::DataType& type,
                        const duckdb::LogicalType& logical, delta::ColumnMappingMode mapping) {
  Column column = MakeColumn(name, logical, std::move(identifier));
  // A nested column without structs is mapped as a whole, with a cast if types were widened.
  if (HoldsStruct(type)) column.children = TRY(Children(type, logical, mapping));
  return column;
}

Result<Column> DescribeField(const delta::Field& field, const duckdb::LogicalType& logical,
                             delta::ColumnMappingMode mapping) {
  Value identifier(field.physical_name());
  if (mapping == delta::ColumnMappingMode::kId) {
    const auto& mapped = field.mapping;
    if (!mapped || !std::in_range<int32_t>(mapped->id)) {
      return Error(ErrorCode::kCorrupt, fmt::format("column {} has no delta.columnMapping.id of 32 bits", field.name))
          .WithReason(Reason::kCorruptTable);
    }
    identifier = Value::INTEGER(static_cast<int32_t>(mapped->id));
  }
  return Describe(field.name, std::move(identifier), field.type, logical, mapping);
}

Result<Columns> Children(const delta::DataType& type, const duckdb::LogicalType& logical,
                         delta::ColumnMappingMode mapping) {
  Columns children;
  switch (type.kind) {
    case delta::TypeKind::kStruct:
      for (size_t i = 0; i < type.fields.size(); ++i) {
        children.push_back(TRY(DescribeField(type.fields[i], duckdb::StructType::GetChildType(logical, i), mapping)));
      }
      break;
    case delta::TypeKind::kArray:
      children.push_back(
          TRY(Describe("list", Value("list"), type.children[0], duckdb::ListType::GetChildType(logical), mapping)));
      break;
    case delta::TypeKind::kMap:
      children.push_back(
          TRY(Describe("key", Value("key"), type.children[0], duckdb::MapType::KeyType(logical), mapping)));
      children.push_back(
          TRY(Describe("value", Value("value"), type.children[1], duckdb::MapType::ValueType(logical), mapping)));
      break;
    default: break;
  }
  return children;
}

bool IsId(const Value& identifier) { return !identifier.IsNull() && identifier.type().id() == LogicalTypeId::INTEGER; }

// The mapper's own rule: the first column with the id, or with the name ignoring case.
Column* Find(const Column& column, Columns& candidates) {
  const bool by_id = IsId(column.identifier);
  for (Column& candidate : candidates) {
    if (by_id ? IsId(candidate.identifier) &&
                    candidate.identifier.GetValueUnsafe<int32_t>() == column.identifier.GetValueUnsafe<int32_t>()
              : duckdb::StringUtil::CIEquals(candidate.name, column.GetIdentifierName())) {
      return &candidate;
    }
  }
  return nullptr;
}

/// Within a kind, a reader may convert values. Values of another kind are not what the table says.
enum class Kind { kBoolean, kNumber, kText, kTime, kOther };

Kind KindOf(const duckdb::LogicalType& type) {
  if (type.IsNumeric()) return Kind::kNumber;
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN: return Kind::kBoolean;
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::UUID: return Kind::kText;
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ: return Kind::kTime;
    default: return Kind::kOther;
  }
}

bool IsReadable(const duckdb::LogicalType& in_file, const duckdb::LogicalType& in_table) {
  if (in_file.id() == LogicalTypeId::SQLNULL) return true;
  if (in_file.id() == in_table.id() && in_table.id() == LogicalTypeId::LIST)
    return IsReadable(duckdb::ListType::GetChildType(in_file), duckdb::ListType::GetChildType(in_table));
  if (in_file.id() == in_table.id() && in_table.id() == LogicalTypeId::MAP)
    return IsReadable(duckdb::MapType::KeyType(in_file), duckdb::MapType::KeyType(in_table)) &&
           IsReadable(duckdb::MapType::ValueType(in_file), duckdb::MapType::ValueType(in_table));
  if (in_table.IsNested() || in_file.IsNested()) return in_file.id() == in_table.id();
  return in_file == in_table || (KindOf(in_file) == KindOf(in_table) && KindOf(in_table) != Kind::kOther);
}

Error OtherShape(const Column& column, const Column& in_file) {
  return Error(ErrorCode::kCorrupt, fmt::format("column {} is {} in the table and {} in the data file", column.name,
                                                column.type.ToString(), in_file.type.ToString()))
      .WithReason(Reason::kCorruptDataFile);
}

Result<void> AlignChildren(Column& column, Column& in_file);

Result<void> Align(Column& column, Columns& candidates) {
  Column* in_file = Find(column, candidates);
  if (IsId(column.identifier)) column.identifier = Value(in_file ? in_file->name : std::string(kNoColumn));
  if (!in_file) {
    Columns none;
    for (Column& child : column.children) TRY(Align(child, none));
    return {};
  }
  return AlignChildren(column, *in_file);
}

Result<void> AlignChildren(Column& column, Column& in_file) {
  if (column.children.empty()) {
    if (!IsReadable(in_file.type, column.type)) return OtherShape(column, in_file);
    in_file.children.clear();
    return {};
  }
  if (column.type.id() != in_file.type.id()) return OtherShape(column, in_file);
  switch (column.type.id()) {
    case LogicalTypeId::STRUCT:
      for (Column& child : column.children) TRY(Align(child, in_file.children));
      return {};
    case LogicalTypeId::LIST:
      if (in_file.children.size() != 1) return OtherShape(column, in_file);
      in_file.children[0].name = "list";
      return AlignChildren(column.children[0], in_file.children[0]);
    case LogicalTypeId::MAP: {
      if (in_file.children.size() != 1 || in_file.children[0].children.size() != 2) return OtherShape(column, in_file);
      Column& entry = in_file.children[0];
      entry.name = "key_value";
      entry.children[0].name = "key";
      entry.children[1].name = "value";
      TRY(AlignChildren(column.children[0], entry.children[0]));
      return AlignChildren(column.children[1], entry.children[1]);
    }
    default: return OtherShape(column, in_file);
  }
}

LogicalType MarkBytes(const LogicalType& in_table, const LogicalType& in_file) {
  if (AreTextAndBytes(in_table, in_file)) return AsPlainBytes(in_file);
  if (in_table.id() != in_file.id()) return in_file;
  switch (in_table.id()) {
    case LogicalTypeId::LIST:
      return LogicalType::LIST(
          MarkBytes(duckdb::ListType::GetChildType(in_table), duckdb::ListType::GetChildType(in_file)));
    case LogicalTypeId::MAP:
      return LogicalType::MAP(MarkBytes(duckdb::MapType::KeyType(in_table), duckdb::MapType::KeyType(in_file)),
                              MarkBytes(duckdb::MapType::ValueType(in_table), duckdb::MapType::ValueType(in_file)));
    default: return in_file;
  }
}

// Both columns must be aligned.
void MarkBytes(const Column& column, Column& in_file) {
  if (column.children.empty()) {
    in_file.type = MarkBytes(column.type, in_file.type);
    return;
  }
  switch (column.type.id()) {
    case LogicalTypeId::STRUCT: {
      for (const Column& child : column.children) {
        if (Column* child_in_file = Find(child, in_file.children)) MarkBytes(child, *child_in_file);
      }
      auto fields = duckdb::StructType::GetChildTypes(in_file.type);
      for (size_t i = 0; i < fields.size(); ++i) fields[i].second = in_file.children[i].type;
      in_file.type = LogicalType::STRUCT(std::move(fields));
      break;
    }
    case LogicalTypeId::LIST:
      MarkBytes(column.children[0], in_file.children[0]);
      in_file.type = LogicalType::LIST(in_file.children[0].type);
      break;
    default: {
      Column& entry = in_file.children[0];
      for (size_t i = 0; i < entry.children.size(); ++i) MarkBytes(column.children[i], entry.children[i]);
      in_file.type = LogicalType::MAP(entry.children[0].type, entry.children[1].type);
      entry.type = duckdb::ListType::GetChildType(in_file.type);
    }
  }
}

// True if the cast to the table's type does not change how the file's values compare.
bool WidensExactly(const duckdb::LogicalType& in_file, const duckdb::LogicalType& in_table) {
  if (in_file == in_table || KeepsComparisons(in_file, in_table)) return true;
  const bool micros_in_table =
      in_table.id() == LogicalTypeId::TIMESTAMP || in_table.id() == LogicalTypeId::TIMESTAMP_TZ;
  switch (in_file.id()) {
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_SEC: return micros_in_table;
    default: return false;
  }
}

// True if the mapper's cast of the constant is exact or fails. If it fails, the mapper evaluates the filter on cast
// values.
bool CastsExactly(const Value& constant, const duckdb::LogicalType& in_file) {
  Value cast = constant;
  Value back;
  if (!cast.DefaultTryCastAs(in_file)) return true;
  return cast.DefaultTryCastAs(constant.type(), back, nullptr) && Value::NotDistinctFrom(back, constant);
}

const Column* FindName(const Column& column, const Columns& candidates) {
  const auto found = std::find_if(candidates.begin(), candidates.end(), [&column](const Column& candidate) {
    return duckdb::StringUtil::CIEquals(candidate.name, column.GetIdentifierName());
  });
  return found == candidates.end() ? nullptr : &*found;
}

bool CarriesOver(const TableFilter& filter, const Column& column, const Column& in_file) {
  const auto all = [&](const auto& children) {
    return std::all_of(children.begin(), children.end(),
                       [&](const auto& child) { return CarriesOver(*child, column, in_file); });
  };
  switch (filter.filter_type) {
    case TableFilterType::IS_NULL:
    case TableFilterType::IS_NOT_NULL:
    case TableFilterType::EXPRESSION_FILTER: return true;
    case TableFilterType::CONSTANT_COMPARISON:
      return WidensExactly(in_file.type, column.type) &&
             CastsExactly(filter.Cast<duckdb::ConstantFilter>().constant, in_file.type);
    case TableFilterType::IN_FILTER: {
      const auto& values = filter.Cast<duckdb::InFilter>().values;
      return WidensExactly(in_file.type, column.type) &&
             std::all_of(values.begin(), values.end(),
                         [&](const Value& value) { return CastsExactly(value, in_file.type); });
    }
    case TableFilterType::CONJUNCTION_AND: return all(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters);
    case TableFilterType::CONJUNCTION_OR: return all(filter.Cast<duckdb::ConjunctionOrFilter>().child_filters);
    case TableFilterType::STRUCT_EXTRACT: {
      const auto& extract = filter.Cast<duckdb::StructFilter>();
      if (extract.child_idx >= column.children.size()) return false;
      const Column& child = column.children[extract.child_idx];
      const Column* child_in_file = FindName(child, in_file.children);
      return !child_in_file || CarriesOver(*extract.child_filter, child, *child_in_file);
    }
    default: return false;
  }
}

// The part of a filter that must be evaluated; null if all of it only saves work.
duckdb::unique_ptr<TableFilter> RequiredPart(const TableFilter& filter) {
  switch (filter.filter_type) {
    case TableFilterType::BLOOM_FILTER:
    case TableFilterType::DYNAMIC_FILTER:
    case TableFilterType::OPTIONAL_FILTER: return nullptr;
    case TableFilterType::CONJUNCTION_AND: {
      auto required = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
      for (const auto& child : filter.Cast<duckdb::ConjunctionAndFilter>().child_filters) {
        if (auto part = RequiredPart(*child)) required->child_filters.push_back(std::move(part));
      }
      if (required->child_filters.empty()) return nullptr;
      return required;
    }
    default: return filter.Copy();
  }
}

// Turns the filter into an expression, which the reader evaluates on values of the table's type.
duckdb::unique_ptr<TableFilter> AsExpression(const TableFilter& filter, const Column& column) {
  const duckdb::BoundReferenceExpression reference(column.type, 0);
  return duckdb::make_uniq<duckdb::ExpressionFilter>(filter.ToExpression(reference));
}

// True if DuckDB looks up the constant in a bloom filter by the same hash that writers use. For a BLOB it hashes the
// escaped text. For a number it hashes the bits, but zero and NaN have several bit patterns that are equal.
bool IsHashedAsWritten(const Value& constant) {
  switch (constant.type().id()) {
    case LogicalTypeId::BLOB: return constant.ToString() == duckdb::StringValue::Get(constant);
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE: {
      const auto number = constant.GetValue<double>();
      return number != 0 && !std::isnan(number);
    }
    default: return true;
  }
}

bool IsLookedUpWrongly(const duckdb::ConstantFilter& comparison) {
  return comparison.comparison_type == ExpressionType::COMPARE_EQUAL && !IsHashedAsWritten(comparison.constant);
}

// Replaces an equality that the reader would look up wrongly in a bloom filter by >= and <=. The reader looks up no
// filters below other kinds.
duckdb::unique_ptr<TableFilter> WithoutWrongHashes(duckdb::unique_ptr<TableFilter> filter) {
  const auto each = [](auto& children) {
    for (auto& child : children) child = WithoutWrongHashes(std::move(child));
  };
  switch (filter->filter_type) {
    case TableFilterType::CONJUNCTION_AND: each(filter->Cast<duckdb::ConjunctionAndFilter>().child_filters); break;
    case TableFilterType::CONJUNCTION_OR: each(filter->Cast<duckdb::ConjunctionOrFilter>().child_filters); break;
    case TableFilterType::CONSTANT_COMPARISON: {
      const auto& comparison = filter->Cast<duckdb::ConstantFilter>();
      if (!IsLookedUpWrongly(comparison)) break;
      auto both = duckdb::make_uniq<duckdb::ConjunctionAndFilter>();
      for (const auto type :
           {ExpressionType::COMPARE_GREATERTHANOREQUALTO, ExpressionType::COMPARE_LESSTHANOREQUALTO}) {
        both->child_filters.push_back(duckdb::make_uniq<duckdb::ConstantFilter>(type, comparison.constant));
      }
      return both;
    }
    default: break;
  }
  return filter;
}

// True if the bound of a Top-N has another type than the column. DuckDB would read its bytes as a value of the column's
// type.
bool HasForeignBound(const TableFilter& filter, const LogicalType& type) {
  const auto any = [&](const auto& children) {
    return std::any_of(children.begin(), children.end(),
                       [&](const auto& child) { return HasForeignBound(*child, type); });
  };
  switch (filter.filter_type) {
    case TableFilterType::DYNAMIC_FILTER: {
      const auto& data = filter.Cast<duckdb::DynamicFilter>().filter_data;
      if (!data) return false;
      const std::lock_guard guard(data->lock);
      return data->filter && data->filter->constant.type() != type;
    }
    case TableFilterType::OPTIONAL_FILTER: {
      const auto& child = filter.Cast<duckdb::OptionalFilter>().child_filter;
      return child && HasForeignBound(*child, type);
    }
    case TableFilterType::CONJUNCTION_AND: return any(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters);
    case TableFilterType::CONJUNCTION_OR: return any(filter.Cast<duckdb::ConjunctionOrFilter>().child_filters);
    default: return false;
  }
}

bool HasWrongHash(const TableFilter& filter) {
  const auto any = [](const auto& children) {
    return std::any_of(children.begin(), children.end(), [](const auto& child) { return HasWrongHash(*child); });
  };
  switch (filter.filter_type) {
    case TableFilterType::CONJUNCTION_AND: return any(filter.Cast<duckdb::ConjunctionAndFilter>().child_filters);
    case TableFilterType::CONJUNCTION_OR: return any(filter.Cast<duckdb::ConjunctionOrFilter>().child_filters);
    case TableFilterType::CONSTANT_COMPARISON: return IsLookedUpWrongly(filter.Cast<duckdb::ConstantFilter>());
    default: return false;
  }
}

// True if the filter can stay unchanged. This is asked for each file, and filters may hold long lists, so only filters
// that cannot stay are copied.
bool Fits(const TableFilter& filter, const Column& column, const Column* in_file) {
  return !(in_file && in_file->type != column.type) && !HasForeignBound(filter, column.type) && !HasWrongHash(filter);
}

// The filter in a form that DuckDB's mapper can carry over to the file's column, if there is one; null if nothing must
// be evaluated.
duckdb::unique_ptr<TableFilter> Fit(const TableFilter& filter, const Column& column, const Column* in_file) {
  if (in_file && in_file->type != column.type) {
    auto required = RequiredPart(filter);
    return !required || CarriesOver(*required, column, *in_file) ? std::move(required)
                                                                 : AsExpression(*required, column);
  }
  return HasForeignBound(filter, column.type) ? RequiredPart(filter) : filter.Copy();
}

}  // namespace

Result<Columns> TableColumns(const delta::Schema& schema, delta::ColumnMappingMode mapping) {
  Columns columns;
  for (const delta::Field& field : schema) {
    columns.push_back(TRY(DescribeField(field, TRY(ToLogicalType(field.type)), mapping)));
  }
  return columns;
}

Result<void> AlignColumns(Columns& table_columns, Columns& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids, delta::ColumnMappingMode mapping) {
  const auto has_id = [](const Column& column) { return IsId(column.identifier); };
  if (mapping == delta::ColumnMappingMode::kId && !file_columns.empty() &&
      std::none_of(file_columns.begin(), file_columns.end(), has_id)) {
    return Error(ErrorCode::kCorrupt, "a data file of a table with columns mapped by id has no field ids")
        .WithReason(Reason::kCorruptDataFile);
  }
  for (const duckdb::ColumnIndex& index : column_ids) {
    if (index.IsVirtualColumn() || index.GetPrimaryIndex() >= table_columns.size()) continue;
    TRY(Align(table_columns[index.GetPrimaryIndex()], file_columns));
  }
  // Columns that do not come from the file, such as partition columns, must not be found in it.
  for (Column& column : table_columns) {
    if (IsId(column.identifier)) column.identifier = Value(kNoColumn);
  }
  return {};
}

void KeepBytes(const Columns& table_columns, Columns& file_columns,
               const duckdb::vector<duckdb::ColumnIndex>& column_ids) {
  for (const duckdb::ColumnIndex& index : column_ids) {
    if (index.IsVirtualColumn() || index.GetPrimaryIndex() >= table_columns.size()) continue;
    const Column& column = table_columns[index.GetPrimaryIndex()];
    if (Column* in_file = Find(column, file_columns)) MarkBytes(column, *in_file);
  }
}

Result<void> CheckColumns(const Columns& table_columns, Columns& file_columns,
                          const duckdb::vector<duckdb::ColumnIndex>& column_ids) {
  for (const duckdb::ColumnIndex& index : column_ids) {
    if (index.IsVirtualColumn() || index.GetPrimaryIndex() >= table_columns.size()) continue;
    const Column& column = table_columns[index.GetPrimaryIndex()];
    const Column* in_file = Find(column, file_columns);
    if (in_file && !IsReadable(in_file->type, column.type)) return OtherShape(column, *in_file);
  }
  return {};
}

duckdb::unique_ptr<duckdb::TableFilterSet> FitFilters(const duckdb::TableFilterSet& filters,
                                                      const Columns& table_columns, const Columns& file_columns,
                                                      const duckdb::vector<duckdb::ColumnIndex>& column_ids) {
  duckdb::unique_ptr<duckdb::TableFilterSet> result;
  for (const auto& [position, filter] : filters.filters) {
    const auto& index = column_ids[position];
    if (index.IsVirtualColumn()) continue;
    const Column& column = table_columns[index.GetPrimaryIndex()];
    const Column* in_file = FindName(column, file_columns);
    if (Fits(*filter, column, in_file)) continue;
    if (!result) result = filters.Copy();
    if (auto fitted = Fit(*filter, column, in_file)) {
      result->filters[position] = WithoutWrongHashes(std::move(fitted));
    } else {
      result->filters.erase(position);
    }
  }
  return result;
}

}  // namespace yummy::duck
