#include "yummy/duck/catalog/table_entry.h"

#include <algorithm>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/scan/scan.h"

namespace yummy::duck {

DeltaTableEntry::DeltaTableEntry(DeltaCatalog& catalog_entry, duckdb::SchemaCatalogEntry& schema_entry,
                                 duckdb::CreateTableInfo& info, TableVersion version)
    : TableCatalogEntry(catalog_entry, schema_entry, info),
      delta_catalog_(catalog_entry),
      version_(std::move(version)) {}

duckdb::unique_ptr<DeltaTableEntry> DeltaTableEntry::Make(DeltaCatalog& catalog, duckdb::SchemaCatalogEntry& schema,
                                                          const std::string& name, TableVersion version) {
  duckdb::CreateTableInfo info;
  info.table = name;
  info.schema = schema.name;
  const delta::Schema* columns = version.snapshot ? &version.snapshot->schema() : nullptr;
  for (size_t i = 0; columns && i < columns->size(); ++i) {
    const delta::Field& field = (*columns)[i];
    auto type = ToLogicalType(field.type);
    if (!type.ok()) Throw(std::move(type).error().Prefixed("column " + field.name));
    info.columns.AddColumn(duckdb::ColumnDefinition(field.name, *std::move(type)));
    if (!field.nullable)
      info.constraints.push_back(duckdb::make_uniq<duckdb::NotNullConstraint>(duckdb::LogicalIndex(i)));
  }
  return duckdb::make_uniq<DeltaTableEntry>(catalog, schema, info, std::move(version));
}

duckdb::unique_ptr<duckdb::BaseStatistics> DeltaTableEntry::GetStatistics(duckdb::ClientContext&,
                                                                          duckdb::column_t column) {
  return version_.snapshot ? TableStatistics(*version_.snapshot, column) : nullptr;
}

duckdb::TableFunction DeltaTableEntry::GetScanFunction(duckdb::ClientContext& context,
                                                       duckdb::unique_ptr<duckdb::FunctionData>& bind_data) {
  if (!version_.snapshot) {
    Throw(Error(ErrorCode::kNotFound, "table " + name + " has no version that can be read")
              .WithReason(Reason::kTableNotFound));
  }
  const delta::Schema& columns_of_table = version_.snapshot->schema();
  auto info = duckdb::make_shared_ptr<ScanInfo>();
  info->instance = &delta_catalog_.instance();
  info->store_ordinal = delta_catalog_.store_ordinal();
  info->snapshot = version_.snapshot;
  info->table = this;
  info->mapping = version_.snapshot->column_mapping();
  info->has_nested_columns = std::any_of(columns_of_table.begin(), columns_of_table.end(),
                                         [](const delta::Field& field) { return field.type.is_nested(); });
  if (version_.is_pinned_by_transaction) {
    info->reads = &DeltaTransaction::Get(context, catalog).MarkRead(version_.table.get());
  }
  duckdb::TableFunction function = delta_catalog_.scan_template(context);
  bind_data = BindScan(context, function, std::move(info));
  return function;
}

duckdb::TableStorageInfo DeltaTableEntry::GetStorageInfo(duckdb::ClientContext&) {
  duckdb::TableStorageInfo info;
  if (version_.snapshot) {
    if (auto rows = version_.snapshot->row_count())
      info.cardinality = static_cast<duckdb::idx_t>(std::max<int64_t>(*rows, 0));
  }
  return info;
}

void DeltaTableEntry::BindUpdateConstraints(duckdb::Binder&, duckdb::LogicalGet&, duckdb::LogicalProjection&,
                                            duckdb::LogicalUpdate&, duckdb::ClientContext&) {
  RefuseStatement("UPDATE and MERGE");
}

duckdb::virtual_column_map_t DeltaTableEntry::GetVirtualColumns() const { return ScanVirtualColumns(); }

duckdb::vector<duckdb::column_t> DeltaTableEntry::GetRowIdColumns() const {
  return {kFileIdColumn, duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER};
}

}  // namespace yummy::duck
