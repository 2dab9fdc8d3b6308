#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/features.h"
#include "yummy/delta/snapshot_state.h"

namespace yummy::delta {

namespace {

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason("CORRUPT_TABLE");
}

Result<void> CheckMappedFields(const std::vector<Field>& fields, std::set<int64_t>& ids);

Result<void> CheckMappedType(const DataType& type, std::set<int64_t>& ids) {
  TRY(CheckMappedFields(type.fields, ids));
  for (const DataType& child : type.children) TRY(CheckMappedType(child, ids));
  return {};
}

/// "Each column must have an id and a physical name", both unique.
Result<void> CheckMappedFields(const std::vector<Field>& fields, std::set<int64_t>& ids) {
  std::set<std::string> physical_names;
  for (const Field& field : fields) {
    const auto id = field.column_mapping_id();
    if (!id) return Corrupt(fmt::format("column {} has no delta.columnMapping.id", field.name));
    if (!field.FindMetadata("delta.columnMapping.physicalName")) {
      return Corrupt(fmt::format("column {} has no delta.columnMapping.physicalName", field.name));
    }
    if (!ids.insert(*id).second)
      return Corrupt(fmt::format("column {} has the id {} of another column", field.name, *id));
    if (!physical_names.insert(field.physical_name()).second) {
      return Corrupt(
          fmt::format("column {} has the physical name {} of another column", field.name, field.physical_name()));
    }
    TRY(CheckMappedType(field.type, ids));
  }
  return {};
}

/// The mode in force: the property means nothing without the feature. TableProperties takes an unknown mode as none.
Result<ColumnMappingMode> MappingMode(const Protocol& protocol, const Metadata& metadata) {
  const auto property = metadata.configuration.find("delta.columnMapping.mode");
  if (property == metadata.configuration.end() || !HasFeature(protocol, "columnMapping"))
    return ColumnMappingMode::kNone;
  if (property->second == "none") return ColumnMappingMode::kNone;
  if (property->second == "name") return ColumnMappingMode::kName;
  if (property->second == "id") return ColumnMappingMode::kId;
  return Corrupt(fmt::format("delta.columnMapping.mode is {}, expected none, name or id", property->second));
}

}  // namespace

Result<std::shared_ptr<const TableShape>> TableShape::Make(Protocol protocol, Metadata metadata) {
  TRY(CheckReadable(protocol, metadata));
  auto shape = std::make_shared<TableShape>();
  shape->schema = TRY(ParseSchema(metadata.schema_string));
  shape->properties = TableProperties::From(metadata.configuration);
  shape->properties.column_mapping = TRY(MappingMode(protocol, metadata));
  if (shape->has_column_mapping()) {
    std::set<int64_t> ids;
    TRY(CheckMappedFields(shape->schema, ids));
  }
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
    shape->partition_keys.push_back(shape->has_column_mapping() ? field.physical_name() : field.name);
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
    source.leaf.path.push_back(shape.has_column_mapping() ? field->physical_name() : field->name);
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
