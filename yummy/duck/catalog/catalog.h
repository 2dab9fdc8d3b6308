#pragma once
// A store as a DuckDB catalogue of Delta tables.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class DeltaSchemaEntry;
struct InstanceInfo;

/// The name of our storage extension: ATTACH '<store ordinal>' AS "<store name>" (TYPE yummy_delta).
inline constexpr const char* kStorageType = "yummy_delta";

/// Makes `ATTACH '<store ordinal>' AS "<store name>" (TYPE yummy_delta)` known.
/// To be called before the database is opened with `config`.
void RegisterDeltaStorage(duckdb::DBConfig& config, std::shared_ptr<InstanceInfo> instance);

/// Throws Unsupported for a statement that the tables cannot take.
[[noreturn]] void RefuseStatement(const char* statement);

class DeltaCatalog final : public duckdb::Catalog {
 public:
  DeltaCatalog(duckdb::AttachedDatabase& database, InstanceInfo& instance, size_t store_ordinal);
  ~DeltaCatalog() override;

  InstanceInfo& instance() const { return instance_; }
  size_t store_ordinal() const { return store_ordinal_; }
  const std::string& store_name() const;
  /// Safe from several threads.
  const duckdb::TableFunction& scan_template(duckdb::ClientContext& context);

  void Initialize(bool load_builtin) override;
  std::string GetCatalogType() override { return "yummy_delta"; }
  bool InMemory() override { return false; }
  std::string GetDBPath() override { return store_name(); }
  bool SupportsTimeTravel() const override { return true; }
  duckdb::DatabaseSize GetDatabaseSize(duckdb::ClientContext& context) override;
  duckdb::ErrorData SupportsCreateTable(duckdb::BoundCreateTableInfo& info) override;
  /// False: a name with a dot means the store before it means a folder. DuckDB would list the folders to find out.
  bool CheckAmbiguousCatalogOrSchema(duckdb::ClientContext&, const std::string&) override { return false; }

  /// Any name: whether the folder has tables is seen when one is looked up, which saves a list of the store.
  duckdb::optional_ptr<duckdb::SchemaCatalogEntry> LookupSchema(duckdb::CatalogTransaction transaction,
                                                                const duckdb::EntryLookupInfo& lookup,
                                                                duckdb::OnEntryNotFound if_not_found) override;
  void ScanSchemas(duckdb::ClientContext& context, std::function<void(duckdb::SchemaCatalogEntry&)> callback) override;
  duckdb::optional_ptr<duckdb::CatalogEntry> CreateSchema(duckdb::CatalogTransaction,
                                                          duckdb::CreateSchemaInfo&) override;

  duckdb::PhysicalOperator& PlanCreateTableAs(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                              duckdb::LogicalCreateTable&, duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                       duckdb::LogicalInsert& insert,
                                       duckdb::optional_ptr<duckdb::PhysicalOperator> child) override;
  duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalDelete&,
                                       duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&, duckdb::LogicalUpdate&,
                                       duckdb::PhysicalOperator&) override;
  duckdb::PhysicalOperator& PlanMergeInto(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                          duckdb::LogicalMergeInto&, duckdb::PhysicalOperator&) override;

 private:
  void DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) override;

  InstanceInfo& instance_;
  const size_t store_ordinal_;
  duckdb::unique_ptr<DeltaSchemaEntry> main_;
  std::mutex mutex_;
  std::optional<duckdb::TableFunction> scan_template_;  // guarded by mutex_ until it is there
};

}  // namespace yummy::duck
