#include "yummy/table/schema_mode.h"

#include <algorithm>
#include <vector>

#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/delta/protocol/column_mapping.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/schema/arrow_schema.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::table {

namespace {

/// The columns of the rows in the form in which the table may add them.
Result<delta::Schema> ColumnsOf(const arrow::Schema& rows) {
  delta::Schema columns = TRY(delta::FromArrowSchema(rows));
  for (const delta::Field& column : columns) {
    if (column.type.kind != delta::TypeKind::kVoid) continue;
    return Error(ErrorCode::kInvalidArgument, fmt::format("column {} has no type: all of it is null", column.name))
        .WithReason(Reason::kSchemaMismatch)
        .With("column", column.name);
  }
  return columns;
}

Result<delta::Schema> Merged(const delta::Schema& present, const arrow::Schema& rows) {
  arrow::FieldVector added;
  for (const auto& field : rows.fields()) {
    if (!delta::FindColumn(present, field->name())) added.push_back(field);
  }
  delta::Schema merged = present;
  for (delta::Field& column : TRY(ColumnsOf(*arrow::schema(added)))) {
    column.nullable = true;  // existing rows have no value
    merged.push_back(std::move(column));
  }
  return merged;
}

Result<delta::Schema> Replaced(const delta::Schema& present, const arrow::Schema& rows) {
  delta::Schema replaced;
  for (delta::Field& column : TRY(ColumnsOf(rows))) {
    const auto before = delta::FindColumn(present, column.name);
    if (before && present[*before].type == column.type) {
      replaced.push_back(present[*before]);
      continue;
    }
    if (before) column.name = present[*before].name;
    replaced.push_back(std::move(column));
  }
  return replaced;
}

Result<void> CheckPartitions(const delta::Schema& schema, const std::vector<std::string>& partition_columns) {
  const auto refuse = [](std::string message) {
    return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(Reason::kInvalidPartition);
  };
  for (const std::string& name : partition_columns) {
    const auto position = delta::FindColumn(schema, name);
    if (!position) return refuse(fmt::format("the rows lack the partition column '{}'", name)).With("column", name);
    if (!schema[*position].type.is_nested()) continue;
    return refuse(
        fmt::format("partition column '{}' would be of the type {}: only primitive types can partition a table", name,
                    delta::TypeName(schema[*position].type)));
  }
  if (!partition_columns.empty() && partition_columns.size() == schema.size())
    return refuse("every column would be a partition column: a table needs at least one column in its files");
  return {};
}

}  // namespace

Result<void> StageSchema(delta::Transaction& transaction, const arrow::Schema& rows, SchemaMode mode) {
  const delta::Schema& present = transaction.schema();
  if (mode == SchemaMode::kKeep) return {};
  delta::Schema wanted = TRY(mode == SchemaMode::kMerge ? Merged(present, rows) : Replaced(present, rows));
  if (wanted == present) return {};
  wanted = delta::WithoutColumnMapping(std::move(wanted));  // tables with mapped columns are never written
  TRY(delta::CheckNewSchema(wanted, false));
  delta::Metadata metadata = transaction.metadata();
  TRY(CheckPartitions(wanted, metadata.partition_columns));
  const delta::Protocol& protocol = transaction.base()->protocol();
  delta::Protocol extended = TRY(delta::ExtendProtocol(protocol, wanted, metadata.configuration));
  if (!(extended == protocol)) transaction.SetProtocol(std::move(extended));
  metadata.schema_string = delta::WriteSchema(wanted);
  transaction.SetMetadata(std::move(metadata));
  return {};
}

}  // namespace yummy::table
