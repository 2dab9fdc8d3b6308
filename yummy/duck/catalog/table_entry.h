#pragma once
// One version of a Delta table as DuckDB's catalogue shows it.

#include <memory>
#include <string>

#include "yummy/delta/commit/table.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class DeltaCatalog;

/// What an entry shows. An entry of a listing may have a name alone.
struct TableVersion {
  std::shared_ptr<delta::Table> table;
  delta::SnapshotRef snapshot;            // absent for a name
  bool is_pinned_by_transaction = false;  // the version that the transaction reads, not one named by AT or a pin
};

/// Owned by the DeltaTransaction that looked it up. Immutable.
class DeltaTableEntry final : public duckdb::TableCatalogEntry {
 public:
  /// Throws: Unsupported (a column of a type that SQL has not).
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
