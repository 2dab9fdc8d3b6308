#include "yummy/duck/catalog/table_entry.h"

#include <algorithm>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/scan/scan.h"

namespace yummy::duck {
namespace {

// The position of a column in the scan, which reads it from now on.
duckdb::idx_t PositionInScan(duckdb::LogicalGet& get, duckdb::idx_t column) {
  const auto& ids = get.GetColumnIds();
  for (duckdb::idx_t i = 0; i < ids.size(); i++) {
    if (!ids[i].IsVirtualColumn() && ids[i].GetPrimaryIndex() == column) return i;
  }
  get.AddColumnId(column);
  return get.GetColumnIds().size() - 1;
}

}  // namespace

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
  auto info = MakeScanInfo(delta_catalog_.instance(), delta_catalog_.store_ordinal(), version_.snapshot, *this);
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

// A changed row is written whole: the columns that the statement does not set are read, too.
void DeltaTableEntry::BindUpdateConstraints(duckdb::Binder&, duckdb::LogicalGet& get,
                                            duckdb::LogicalProjection& projection, duckdb::LogicalUpdate& update,
                                            duckdb::ClientContext&) {
  update.update_is_del_and_insert = true;
  for (const auto& column : columns.Physical()) {
    if (std::find(update.columns.begin(), update.columns.end(), column.Physical()) != update.columns.end()) continue;
    const duckdb::ColumnBinding source(get.table_index, PositionInScan(get, column.Logical().index));
    const duckdb::ColumnBinding projected(projection.table_index, projection.expressions.size());
    projection.expressions.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(column.Type(), source));
    update.expressions.push_back(duckdb::make_uniq<duckdb::BoundColumnRefExpression>(column.Type(), projected));
    update.columns.push_back(column.Physical());
  }
}

duckdb::virtual_column_map_t DeltaTableEntry::GetVirtualColumns() const { return ScanVirtualColumns(); }

duckdb::vector<duckdb::column_t> DeltaTableEntry::GetRowIdColumns() const {
  return {kFileIdColumn, duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER};
}

}  // namespace yummy::duck
