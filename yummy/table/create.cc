#include "yummy/table/create.h"

#include <algorithm>

#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/delta/protocol/column_mapping.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::table {

namespace {

Error InvalidPartition(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(Reason::kInvalidPartition);
}

// The partition columns by their names in the schema.
Result<std::vector<std::string>> CheckedPartitionColumns(const Create& options) {
  std::vector<std::string> names;
  for (const auto& name : options.partition_columns) {
    const auto position = delta::FindColumn(options.schema, name);
    if (!position) return InvalidPartition(fmt::format("partition column '{}' is not in the schema", name));
    const delta::Field& field = options.schema[*position];
    if (field.type.is_nested() || field.type.kind == delta::TypeKind::kVoid ||
        field.type.kind == delta::TypeKind::kVariant) {
      return InvalidPartition(
          fmt::format("partition column '{}' has the type {}: only primitive types can partition a table", field.name,
                      delta::TypeName(field.type)));
    }
    if (std::find(names.begin(), names.end(), field.name) != names.end()) {
      return InvalidPartition(fmt::format("partition column '{}' is given twice", field.name));
    }
    names.push_back(field.name);
  }
  if (!names.empty() && names.size() == options.schema.size()) {
    return InvalidPartition("every column is a partition column: a table needs at least one column in its files");
  }
  return names;
}

delta::Operation OperationOf(const delta::Metadata& metadata, bool replaces) {
  JsonWriter partition_by;
  partition_by.BeginArray();
  for (const auto& column : metadata.partition_columns) partition_by.String(column);
  partition_by.EndArray();
  JsonWriter properties;
  properties.BeginObject();
  for (const auto& [key, value] : metadata.configuration) {
    properties.Key(key);
    properties.String(value);
  }
  properties.EndObject();
  const auto quoted = [](const std::string& json) {
    std::string text;
    AppendJsonString(text, json);
    return text;
  };
  std::string description = "null";
  if (metadata.description) description = quoted(*metadata.description);
  return {replaces ? "CREATE OR REPLACE TABLE" : "CREATE TABLE",
          {{"isManaged", "\"false\""},
           {"description", description},
           {"partitionBy", quoted(partition_by.text())},
           {"properties", quoted(properties.text())}}};
}

}  // namespace

Result<CreateReport> Create::Run(const Context& context, const Target& target) const {
  TRY(delta::CheckNewSchema(schema, false));
  // The schema may be copied from a table with mapped columns. Here columns are not mapped, and data files have their
  // own names.
  const delta::Schema unmapped = delta::WithoutColumnMapping(schema);
  delta::Metadata metadata;
  metadata.partition_columns = TRY(CheckedPartitionColumns(*this));
  metadata.id = target.table.options().random->Uuid();
  metadata.description = comment;
  metadata.schema_string = delta::WriteSchema(unmapped);
  metadata.configuration = configuration;
  metadata.created_time_ms = target.table.options().clock->now_millis();
  const delta::Protocol protocol = TRY(delta::ProtocolForNewTable(unmapped, configuration));
  // A delta.feature.* key requests a feature, and is not a property of the table (PROTOCOL.md, "Table Features").
  std::erase_if(metadata.configuration,
                [](const auto& entry) { return entry.first.starts_with(delta::kFeaturePropertyPrefix); });
  TRY(delta::CheckWritable(protocol, metadata, unmapped));

  auto transaction = target.table.BeginCreate(context, OperationOf(metadata, false));
  if (!transaction.ok()) {
    const bool exists = transaction.error().code() == ErrorCode::kAlreadyExists;
    if (!exists || mode == CreateMode::kErrorIfExists) return std::move(transaction).error();
    if (mode == CreateMode::kIgnore) return CreateReport{TRY(target.table.Current(context))->version(), false};
    transaction = TRY(target.table.Begin(context, OperationOf(metadata, true)));
    (*transaction)->ReadWholeTable();
    for (const delta::FileId file : (*transaction)->base()->files()) (*transaction)->RemoveFile(file);
    metadata.id = (*transaction)->base()->metadata().id;  // it stays the same table; only its content is replaced
    const delta::Protocol& present = (*transaction)->base()->protocol();
    delta::Protocol extended = TRY(delta::ExtendProtocol(present, unmapped, configuration));
    if (!(extended == present)) (*transaction)->SetProtocol(std::move(extended));
  } else {
    (*transaction)->SetProtocol(protocol);
  }
  (*transaction)->SetMetadata(std::move(metadata));
  if (dry_run) {
    const auto& base = (*transaction)->base();
    return CreateReport{base ? base->version() : 0, false};
  }
  auto outcome = delta::RequireCommitted(TRY((*transaction)->Commit(context)));
  if (!outcome.ok() && outcome.error().code() == ErrorCode::kAlreadyExists && mode == CreateMode::kIgnore) {
    return CreateReport{TRY(target.table.Current(context))->version(), false};
  }
  return CreateReport{TRY(std::move(outcome)).version, true};
}

}  // namespace yummy::table
