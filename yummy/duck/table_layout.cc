#include "yummy/duck/table_layout.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/types.h"

namespace yummy::duck {

Result<TableLayout> TableLayout::Make(const delta::Metadata& metadata, const delta::Schema& schema) {
  TableLayout layout;
  layout.schema = schema;
  layout.properties = delta::TableProperties::From(metadata.configuration);
  layout.partition_names = metadata.partition_columns;
  for (const auto& name : metadata.partition_columns) {
    const auto column = delta::FindColumn(schema, name);
    if (!column) {
      return Error(ErrorCode::kCorrupt, fmt::format("partition column {} is not in the schema", name))
          .WithReason("CORRUPT_TABLE");
    }
    layout.partition_columns.push_back(*column);
  }
  const auto& partition = layout.partition_columns;
  for (size_t column = 0; column < schema.size(); column++) {
    const auto& field = schema[column];
    layout.types.push_back(TRY(ToLogicalType(field.type)));
    if (std::find(partition.begin(), partition.end(), column) != partition.end()) continue;
    if (field.type.kind == delta::TypeKind::kVoid)
      continue;  // Parquet has no such type: a reader finds the column missing, so null
    layout.file_columns.push_back(column);
    layout.file_names.push_back(field.physical_name());
    layout.file_types.push_back(TRY(ToPhysicalType(field.type)));
  }
  return layout;
}

}  // namespace yummy::duck
