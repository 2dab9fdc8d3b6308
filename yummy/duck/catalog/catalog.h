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

/// Registers `ATTACH '<store ordinal>' AS "<store name>" (TYPE yummy_delta)`. Call it before the database is opened
/// with `config`.
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
  /// Always false: the first part of `a.b` is a store if there is one of that name, and a schema otherwise. DuckDB
  /// would list the folders to find out.
  bool CheckAmbiguousCatalogOrSchema(duckdb::ClientContext&, const std::string&) override { return false; }

  /// Accepts any name, which saves a list of the store. Whether the folder has tables turns out when one is looked up.
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
  std::optional<duckdb::TableFunction> scan_template_;  // guarded by mutex_ until it is set
};

}  // namespace yummy::duck
