#include "yummy/duck/write/table_layout.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/types.h"

namespace yummy::duck {
namespace {

bool HoldsVoid(const delta::DataType& type) {
  if (type.kind == delta::TypeKind::kVoid) return true;
  return std::ranges::any_of(type.children, HoldsVoid) ||
         std::ranges::any_of(type.fields, [](const delta::Field& field) { return HoldsVoid(field.type); });
}

/// Refuses void fields within arrays and structs. Those within structs could be omitted, but the writer does not do
/// that.
Result<void> CheckVoids(const delta::Schema& schema) {
  const auto refuse = [](std::string message) {
    return Error(ErrorCode::kUnsupported, std::move(message)).WithReason(Reason::kUnsupportedType);
  };
  for (const delta::Field& field : schema) {
    if (field.type.kind == delta::TypeKind::kVoid || !HoldsVoid(field.type)) continue;
    return refuse(fmt::format("rows cannot be written: column {} has the type {}, with void inside", field.name,
                              delta::TypeName(field.type)))
        .With("column", field.name);
  }
  return {};
}

}  // namespace

Result<TableLayout> TableLayout::Make(const delta::Metadata& metadata, const delta::Schema& schema) {
  TRY(CheckVoids(schema));
  TableLayout layout;
  layout.schema = schema;
  layout.properties = delta::TableProperties::From(metadata.configuration);
  layout.partition_names = metadata.partition_columns;
  for (const auto& name : metadata.partition_columns) {
    const auto column = delta::FindColumn(schema, name);
    if (!column) {
      return Error(ErrorCode::kCorrupt, fmt::format("partition column {} is not in the schema", name))
          .WithReason(Reason::kCorruptTable);
    }
    layout.partition_columns.push_back(*column);
  }
  const auto& partition = layout.partition_columns;
  for (size_t column = 0; column < schema.size(); column++) {
    const auto& field = schema[column];
    layout.types.push_back(TRY(ToLogicalType(field.type)));
    if (std::find(partition.begin(), partition.end(), column) != partition.end()) continue;
    if (field.type.kind == delta::TypeKind::kVoid)
      continue;  // Parquet has no such type; for a reader the column is missing, and so null
    layout.file_columns.push_back(column);
    layout.file_names.push_back(field.physical_name());
    layout.file_types.push_back(TRY(ToPhysicalType(field.type)));
  }
  // PROTOCOL.md, "Void Type": writers reject schemas that would leave no columns in data files.
  if (layout.file_columns.empty()) {
    return Error(ErrorCode::kUnsupported,
                 "rows cannot be written: every column is void or partitions the table, and a data file needs one that "
                 "does "
                 "neither: add a column")
        .WithReason(Reason::kUnsupportedType);
  }
  return layout;
}

}  // namespace yummy::duck
