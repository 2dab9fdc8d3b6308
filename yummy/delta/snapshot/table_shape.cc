#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/protocol/features.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

}  // namespace

Result<std::shared_ptr<const TableShape>> TableShape::Make(Protocol protocol, Metadata metadata) {
  TRY(CheckReadable(protocol, metadata));
  auto shape = std::make_shared<TableShape>();
  shape->schema = TRY(SchemaOf(protocol, metadata));
  shape->properties = TableProperties::From(metadata.configuration);
  shape->column_mapping = TRY(ColumnMappingModeOf(protocol, metadata.configuration));
  for (const std::string& name : metadata.partition_columns) {
    const auto column = FindColumn(shape->schema, name);
    if (!column) return Corrupt(fmt::format("partition column {} is not in the schema", name));
    const Field& field = shape->schema[*column];
    if (std::find(shape->partition_columns.begin(), shape->partition_columns.end(), *column) !=
        shape->partition_columns.end()) {
      return Corrupt(fmt::format("partition column {} is named twice", name));
    }
    if (field.type.is_nested())
      return Corrupt(fmt::format("partition column {} has type {}", name, TypeName(field.type)));
    shape->partition_columns.push_back(*column);
    shape->partition_keys.push_back(field.physical_name());
  }
  shape->protocol = std::move(protocol);
  shape->metadata = std::move(metadata);
  return std::shared_ptr<const TableShape>(std::move(shape));
}

ColumnSource ColumnSource::Find(const TableShape& shape, const ColumnPath& path) {
  ColumnSource source;
  if (path.empty()) return source;
  const std::vector<Field>* fields = &shape.schema;
  const Field* field = nullptr;
  for (size_t depth = 0; depth < path.size(); depth++) {
    if (depth > 0 && field->type.kind != TypeKind::kStruct) return source;
    const auto at = FindColumn(*fields, path[depth]);
    if (!at) return source;
    field = &(*fields)[*at];
    if (depth == 0) {
      const auto partition = std::find(shape.partition_columns.begin(), shape.partition_columns.end(), *at);
      if (partition != shape.partition_columns.end()) {
        if (path.size() > 1) return source;
        source.kind = Kind::kPartition;
        source.partition = static_cast<size_t>(partition - shape.partition_columns.begin());
        source.leaf.type = field->type;
        return source;
      }
    }
    source.leaf.path.push_back(field->physical_name());
    fields = &field->type.fields;
  }
  if (field->type.is_nested() || field->type.kind == TypeKind::kVoid || field->type.kind == TypeKind::kVariant)
    return source;
  source.leaf.type = field->type;
  source.leaf.was_widened = field->FindMetadata("delta.typeChanges").has_value();
  source.kind = Kind::kStatistics;
  return source;
}

}  // namespace yummy::delta
