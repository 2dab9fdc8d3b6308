#include "yummy/delta/protocol/column_mapping.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {

namespace {

constexpr std::string_view kPrefix = "delta.columnMapping.";

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

std::optional<int64_t> IdOf(const Field& field) {
  const std::optional<std::string_view> raw = field.FindMetadata("delta.columnMapping.id");
  if (!raw) return std::nullopt;
  int64_t id = 0;
  const auto [end, error] = std::from_chars(raw->data(), raw->data() + raw->size(), id);
  if (error != std::errc() || end != raw->data() + raw->size()) return std::nullopt;
  return id;
}

std::optional<std::string> PhysicalNameOf(const Field& field) {
  const std::optional<std::string_view> raw = field.FindMetadata("delta.columnMapping.physicalName");
  return raw ? UnquoteJson(*raw) : std::nullopt;
}

Result<void> BindFields(std::vector<Field>& fields, std::set<int64_t>& ids);

Result<void> BindType(DataType& type, std::set<int64_t>& ids) {
  TRY(BindFields(type.fields, ids));
  for (DataType& child : type.children) TRY(BindType(child, ids));
  return {};
}

/// "Each column must have an id and a physical name", both unique.
Result<void> BindFields(std::vector<Field>& fields, std::set<int64_t>& ids) {
  std::set<std::string> physical_names;
  for (Field& field : fields) {
    const auto id = IdOf(field);
    if (!id) return Corrupt(fmt::format("column {} has no delta.columnMapping.id", field.name));
    auto physical_name = PhysicalNameOf(field);
    if (!physical_name) return Corrupt(fmt::format("column {} has no delta.columnMapping.physicalName", field.name));
    if (!ids.insert(*id).second)
      return Corrupt(fmt::format("column {} has the id {} of another column", field.name, *id));
    if (!physical_names.insert(*physical_name).second) {
      return Corrupt(fmt::format("column {} has the physical name {} of another column", field.name, *physical_name));
    }
    field.mapping = {.physical_name = std::move(*physical_name), .id = *id};
    TRY(BindType(field.type, ids));
  }
  return {};
}

void StripFields(std::vector<Field>& fields);

void StripType(DataType& type) {
  StripFields(type.fields);
  for (DataType& child : type.children) StripType(child);
}

void StripFields(std::vector<Field>& fields) {
  for (Field& field : fields) {
    std::erase_if(field.metadata, [](const auto& entry) { return entry.first.starts_with(kPrefix); });
    field.mapping.reset();
    StripType(field.type);
  }
}

}  // namespace

Result<ColumnMappingMode> ColumnMappingModeOf(const Protocol& protocol, const StringMap& configuration) {
  const ColumnMappingMode named = TRY(NamedMappingMode(configuration));
  return HasReaderFeature(protocol, TableFeature::kColumnMapping) ? named : ColumnMappingMode::kNone;
}

Result<Schema> SchemaOf(const Protocol& protocol, const Metadata& metadata) {
  // Only the newest metaData needs a schema, because some writers make a first version without columns.
  if (metadata.schema_string.empty()) {
    return Corrupt(
        fmt::format("the metaData {} has no schemaString: the table has no columns in this version", metadata.id));
  }
  Schema schema = TRY(ParseSchema(metadata.schema_string));
  if (TRY(ColumnMappingModeOf(protocol, metadata.configuration)) == ColumnMappingMode::kNone) return schema;
  std::set<int64_t> ids;
  TRY(BindFields(schema, ids));
  return schema;
}

Schema WithoutColumnMapping(Schema schema) {
  StripFields(schema);
  return schema;
}

}  // namespace yummy::delta
