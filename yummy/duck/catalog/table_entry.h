#pragma once
// One version of a Delta table as an entry of DuckDB's catalogue.

#include <memory>
#include <string>

#include "yummy/delta/commit/table.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class DeltaCatalog;

/// The contents of an entry. In a listing, an entry may have only a name.
struct TableVersion {
  std::shared_ptr<delta::Table> table;
  delta::SnapshotRef snapshot;            // absent if there is only a name
  bool is_pinned_by_transaction = false;  // the transaction chose the version, not AT or a pin of the request
};

/// Owned by the DeltaTransaction that looked it up. Immutable.
class DeltaTableEntry final : public duckdb::TableCatalogEntry {
 public:
  /// Throws: Unsupported (a column has a type that SQL does not have).
  static duckdb::unique_ptr<DeltaTableEntry> Make(DeltaCatalog& catalog, duckdb::SchemaCatalogEntry& schema,
                                                  const std::string& name, TableVersion version);
  DeltaTableEntry(DeltaCatalog& catalog, duckdb::SchemaCatalogEntry& schema, duckdb::CreateTableInfo& info,
                  TableVersion version);

  const delta::SnapshotRef& snapshot() const { return version_.snapshot; }
  const std::shared_ptr<delta::Table>& table() const { return version_.table; }

  duckdb::unique_ptr<duckdb::BaseStatistics> GetStatistics(duckdb::ClientContext& context,
                                                           duckdb::column_t column) override;
  duckdb::TableFunction GetScanFunction(duckdb::ClientContext& context,
                                        duckdb::unique_ptr<duckdb::FunctionData>& bind_data) override;
  duckdb::TableStorageInfo GetStorageInfo(duckdb::ClientContext& context) override;
  void BindUpdateConstraints(duckdb::Binder& binder, duckdb::LogicalGet& get, duckdb::LogicalProjection& projection,
                             duckdb::LogicalUpdate& update, duckdb::ClientContext& context) override;
  duckdb::virtual_column_map_t GetVirtualColumns() const override;
  duckdb::vector<duckdb::column_t> GetRowIdColumns() const override;

 private:
  DeltaCatalog& delta_catalog_;
  const TableVersion version_;
};

}  // namespace yummy::duck
