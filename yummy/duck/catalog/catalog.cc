#include "yummy/duck/catalog/catalog.h"

#include <charconv>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/catalog/schema_entry.h"
#include "yummy/duck/catalog/statement_plan.h"
#include "yummy/duck/scan/scan.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

struct StorageInfo final : duckdb::StorageExtensionInfo {
  explicit StorageInfo(std::shared_ptr<InstanceInfo> info) : instance(std::move(info)) {}
  const std::shared_ptr<InstanceInfo> instance;  // shared: the catalogues refer to it
};

duckdb::unique_ptr<duckdb::Catalog> Attach(duckdb::optional_ptr<duckdb::StorageExtensionInfo> storage,
                                           duckdb::ClientContext&, duckdb::AttachedDatabase& database,
                                           const std::string& name, duckdb::AttachInfo& info,
                                           duckdb::AttachOptions& options) {
  InstanceInfo& instance = *static_cast<StorageInfo&>(*storage).instance;
  size_t ordinal = 0;
  const char* end = info.path.data() + info.path.size();
  const auto parsed = std::from_chars(info.path.data(), end, ordinal);
  if (parsed.ec != std::errc() || parsed.ptr != end || ordinal >= instance.lookup->stores.size()) {
    Throw(Error(ErrorCode::kInvalidArgument, "no store of this number: " + info.path));
  }
  if (!options.options.empty()) {
    Throw(
        Error(ErrorCode::kInvalidArgument, "unknown option " + options.options.begin()->first + " for store " + name));
  }
  return duckdb::make_uniq<DeltaCatalog>(database, instance, ordinal);
}

duckdb::unique_ptr<duckdb::TransactionManager> MakeTransactionManager(
    duckdb::optional_ptr<duckdb::StorageExtensionInfo>, duckdb::AttachedDatabase& database, duckdb::Catalog&) {
  return duckdb::make_uniq<DeltaTransactions>(database);
}

// DuckDB looks up its own schemas in every catalogue of the search path.
bool IsSystemSchema(const std::string& name) {
  return duckdb::StringUtil::CIEquals(name, "information_schema") || duckdb::StringUtil::CIEquals(name, "pg_catalog");
}

}  // namespace

void RegisterDeltaStorage(duckdb::DBConfig& config, std::shared_ptr<InstanceInfo> instance) {
  auto extension = duckdb::make_shared_ptr<duckdb::StorageExtension>();
  extension->attach = Attach;
  extension->create_transaction_manager = MakeTransactionManager;
  extension->storage_info = duckdb::make_shared_ptr<StorageInfo>(std::move(instance));
  duckdb::StorageExtension::Register(config, kStorageType, std::move(extension));
}

void RefuseStatement(const char* statement) {
  Throw(Error(ErrorCode::kUnsupported, std::string(statement) + " is not supported on Delta tables")
            .WithReason(Reason::kUnsupportedSql));
}

DeltaCatalog::DeltaCatalog(duckdb::AttachedDatabase& database, InstanceInfo& instance, size_t store_ordinal)
    : Catalog(database), instance_(instance), store_ordinal_(store_ordinal) {}

DeltaCatalog::~DeltaCatalog() = default;

const std::string& DeltaCatalog::store_name() const { return instance_.store(store_ordinal_).name; }

const duckdb::TableFunction& DeltaCatalog::scan_template(duckdb::ClientContext& context) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!scan_template_) scan_template_ = MakeScanTemplate(*context.db);
  return *scan_template_;
}

void DeltaCatalog::Initialize(bool) {
  duckdb::CreateSchemaInfo info;
  info.schema = DEFAULT_SCHEMA;
  main_ = duckdb::make_uniq<DeltaSchemaEntry>(*this, info);
}

duckdb::DatabaseSize DeltaCatalog::GetDatabaseSize(duckdb::ClientContext&) { return {}; }

duckdb::ErrorData DeltaCatalog::SupportsCreateTable(duckdb::BoundCreateTableInfo&) {
  return ToErrorData(Error(ErrorCode::kUnsupported, "CREATE TABLE is not supported on Delta tables")
                         .WithReason(Reason::kUnsupportedSql));
}

duckdb::optional_ptr<duckdb::SchemaCatalogEntry> DeltaCatalog::LookupSchema(duckdb::CatalogTransaction transaction,
                                                                            const duckdb::EntryLookupInfo& lookup,
                                                                            duckdb::OnEntryNotFound if_not_found) {
  const std::string& name = lookup.GetEntryName();
  if (name.empty() || duckdb::StringUtil::CIEquals(name, DEFAULT_SCHEMA)) return *main_;
  if (transaction.context && !IsSystemSchema(name)) {
    return DeltaTransaction::Get(*transaction.context, *this).Schema(*this, name);
  }
  if (if_not_found == duckdb::OnEntryNotFound::RETURN_NULL) return nullptr;
  throw duckdb::CatalogException(lookup.GetErrorContext(), "Schema with name \"%s\" does not exist in store %s", name,
                                 store_name());
}

void DeltaCatalog::ScanSchemas(duckdb::ClientContext& context,
                               std::function<void(duckdb::SchemaCatalogEntry&)> callback) {
  callback(*main_);
  const auto names = instance_.lookup->list_schemas(RequestOf(context).context(), store_name());
  // If the store does not answer, listing the tables of its main schema reports the error.
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name != DEFAULT_SCHEMA) callback(DeltaTransaction::Get(context, *this).Schema(*this, name));
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaCatalog::CreateSchema(duckdb::CatalogTransaction,
                                                                      duckdb::CreateSchemaInfo&) {
  RefuseStatement("CREATE SCHEMA");
}

void DeltaCatalog::DropSchema(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseStatement("DROP SCHEMA"); }

duckdb::PhysicalOperator& DeltaCatalog::PlanCreateTableAs(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator&,
                                                          duckdb::LogicalCreateTable&, duckdb::PhysicalOperator&) {
  RefuseStatement("CREATE TABLE AS");
}

duckdb::PhysicalOperator& DeltaCatalog::PlanInsert(duckdb::ClientContext& context,
                                                   duckdb::PhysicalPlanGenerator& planner,
                                                   duckdb::LogicalInsert& insert,
                                                   duckdb::optional_ptr<duckdb::PhysicalOperator> child) {
  return duck::PlanInsert(context, planner, insert, child);
}

duckdb::PhysicalOperator& DeltaCatalog::PlanDelete(duckdb::ClientContext& context,
                                                   duckdb::PhysicalPlanGenerator& planner, duckdb::LogicalDelete& del,
                                                   duckdb::PhysicalOperator& child) {
  return duck::PlanDelete(context, planner, del, child);
}

duckdb::PhysicalOperator& DeltaCatalog::PlanUpdate(duckdb::ClientContext& context,
                                                   duckdb::PhysicalPlanGenerator& planner,
                                                   duckdb::LogicalUpdate& update, duckdb::PhysicalOperator& child) {
  return duck::PlanUpdate(context, planner, update, child);
}

duckdb::PhysicalOperator& DeltaCatalog::PlanMergeInto(duckdb::ClientContext& context,
                                                      duckdb::PhysicalPlanGenerator& planner,
                                                      duckdb::LogicalMergeInto& merge,
                                                      duckdb::PhysicalOperator& child) {
  return duck::PlanMerge(context, planner, merge, child);
}

}  // namespace yummy::duck
