#include "yummy/duck/catalog/schema_entry.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/schema/scalar.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/catalog/table_entry.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

constexpr int64_t kMicrosPerDay = 86'400'000'000;

Error BadVersion(const duckdb::BoundAtClause& at) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("no version or time that a table can have: AT ({} => {})",
                                                        at.Unit(), at.GetValue().ToString()))
      .WithReason(Reason::kInvalidVersion);
}

Result<int64_t> VersionOf(const duckdb::BoundAtClause& at) {
  delta::DataType type;
  type.kind = delta::TypeKind::kLong;
  duckdb::Value value = at.GetValue();
  if (value.type().id() == duckdb::LogicalTypeId::VARCHAR) {
    duckdb::Value number;
    if (!value.DefaultTryCastAs(duckdb::LogicalType::BIGINT, number, nullptr, true)) return BadVersion(at);
    value = number;
  }
  const auto version = ToComparable(value, type);
  if (!version || version->is_null() || version->get<int64_t>() < 0) return BadVersion(at);
  return version->get<int64_t>();
}

// Microseconds since the epoch. A time without a zone is UTC.
Result<int64_t> TimeOf(const duckdb::BoundAtClause& at) {
  const duckdb::Value& value = at.GetValue();
  if (value.IsNull()) return BadVersion(at);
  switch (value.type().id()) {
    case duckdb::LogicalTypeId::TIMESTAMP:
    case duckdb::LogicalTypeId::TIMESTAMP_TZ: {
      const duckdb::timestamp_t time(value.GetValueUnsafe<int64_t>());
      if (!duckdb::Value::IsFinite(time)) return BadVersion(at);
      return time.value;
    }
    case duckdb::LogicalTypeId::TIMESTAMP_SEC:
    case duckdb::LogicalTypeId::TIMESTAMP_MS:
    case duckdb::LogicalTypeId::TIMESTAMP_NS: {
      duckdb::Value time;
      if (!value.DefaultTryCastAs(duckdb::LogicalType::TIMESTAMP, time, nullptr, true)) return BadVersion(at);
      return time.GetValueUnsafe<int64_t>();
    }
    case duckdb::LogicalTypeId::DATE: {
      const auto date = value.GetValueUnsafe<duckdb::date_t>();
      if (!duckdb::Value::IsFinite(date)) return BadVersion(at);
      return static_cast<int64_t>(date.days) * kMicrosPerDay;
    }
    case duckdb::LogicalTypeId::VARCHAR: {
      const std::string& text = duckdb::StringValue::Get(value);
      if (auto time = delta::ParseTimestamp(text)) return *time;
      if (auto days = delta::ParseDate(text)) return *days * kMicrosPerDay;
      return BadVersion(at);
    }
    default: return BadVersion(at);
  }
}

Result<delta::SnapshotRef> SnapshotAt(const Context& context, delta::Table& table, const duckdb::BoundAtClause& at) {
  if (duckdb::StringUtil::CIEquals(at.Unit(), "version")) return table.AtVersion(context, TRY(VersionOf(at)));
  if (duckdb::StringUtil::CIEquals(at.Unit(), "timestamp")) return table.AtTimestamp(context, TRY(TimeOf(at)));
  return Error(ErrorCode::kInvalidArgument, "AT takes VERSION or TIMESTAMP, not " + at.Unit())
      .WithReason(Reason::kInvalidVersion);
}

}  // namespace

DeltaSchemaEntry::DeltaSchemaEntry(DeltaCatalog& catalog_entry, duckdb::CreateSchemaInfo& info)
    : SchemaCatalogEntry(catalog_entry, info), delta_catalog_(catalog_entry) {}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::LookupEntry(duckdb::CatalogTransaction transaction,
                                                                         const duckdb::EntryLookupInfo& lookup) {
  if (lookup.GetCatalogType() != duckdb::CatalogType::TABLE_ENTRY || !transaction.context) return nullptr;
  duckdb::ClientContext& context = *transaction.context;
  auto& reading = DeltaTransaction::Get(context, catalog);
  RequestState& request = RequestOf(context);
  const std::string& store = delta_catalog_.store_name();
  const std::string& table_name = lookup.GetEntryName();
  const auto at = lookup.GetAtClause();
  if (at) request.NoteVarying();

  TableVersion version;
  const TablePin* pin = at ? nullptr : request.pins().Find(store, name, table_name);
  if (pin) {
    version.snapshot = pin->snapshot;
    request.NoteRead({store, name, table_name, version.snapshot, /*is_pinned=*/true});
    if (auto* known = reading.FindEntry(name, table_name, version.snapshot.get())) return known;
  }
  version.table = reading.Find(context, delta_catalog_, name, table_name);
  if (!version.table) {
    request.NoteVarying();  // a table that is created later may change the meaning of the name
    return nullptr;
  }
  const TablePin* pin_of_found = at || pin ? nullptr : request.pins().FindOf(store, *version.table);
  if (at) {
    version.snapshot = ValueOrThrow(SnapshotAt(request.context(), *version.table, *at));
  } else if (pin_of_found) {
    // It is not noted as pinned, because a table that is created later may match the written name better.
    version.snapshot = pin_of_found->snapshot;
    request.NoteRead({store, name, table_name, version.snapshot});
  } else if (!pin) {
    version.snapshot = reading.Pin(context, version.table);
    version.is_pinned_by_transaction = true;
    request.NoteRead({store, name, table_name, version.snapshot});
  }
  if (auto* known = reading.FindEntry(name, table_name, version.snapshot.get())) return known;
  return reading.Keep(DeltaTableEntry::Make(delta_catalog_, *this, table_name, std::move(version)));
}

void DeltaSchemaEntry::Scan(duckdb::ClientContext& context, duckdb::CatalogType kind,
                            const std::function<void(duckdb::CatalogEntry&)>& callback) {
  if (kind != duckdb::CatalogType::TABLE_ENTRY) return;
  RequestOf(context).NoteVarying();
  auto& reading = DeltaTransaction::Get(context, catalog);
  const Lookup& lookup = *delta_catalog_.instance().lookup;
  const Context& request = RequestOf(context).context();
  for (const std::string& table : ValueOrThrow(lookup.list_tables(request, delta_catalog_.store_name(), name))) {
    callback(reading.Keep(DeltaTableEntry::Make(delta_catalog_, *this, table, {})));
  }
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateIndex(duckdb::CatalogTransaction,
                                                                         duckdb::CreateIndexInfo&,
                                                                         duckdb::TableCatalogEntry&) {
  RefuseStatement("CREATE INDEX");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateFunction(duckdb::CatalogTransaction,
                                                                            duckdb::CreateFunctionInfo&) {
  RefuseStatement("CREATE FUNCTION");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateTable(duckdb::CatalogTransaction,
                                                                         duckdb::BoundCreateTableInfo&) {
  RefuseStatement("CREATE TABLE");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateView(duckdb::CatalogTransaction,
                                                                        duckdb::CreateViewInfo&) {
  RefuseStatement("CREATE VIEW");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateSequence(duckdb::CatalogTransaction,
                                                                            duckdb::CreateSequenceInfo&) {
  RefuseStatement("CREATE SEQUENCE");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateTableFunction(duckdb::CatalogTransaction,
                                                                                 duckdb::CreateTableFunctionInfo&) {
  RefuseStatement("CREATE FUNCTION");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateCopyFunction(duckdb::CatalogTransaction,
                                                                                duckdb::CreateCopyFunctionInfo&) {
  RefuseStatement("CREATE FUNCTION");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreatePragmaFunction(duckdb::CatalogTransaction,
                                                                                  duckdb::CreatePragmaFunctionInfo&) {
  RefuseStatement("CREATE FUNCTION");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateCollation(duckdb::CatalogTransaction,
                                                                             duckdb::CreateCollationInfo&) {
  RefuseStatement("CREATE COLLATION");
}

duckdb::optional_ptr<duckdb::CatalogEntry> DeltaSchemaEntry::CreateType(duckdb::CatalogTransaction,
                                                                        duckdb::CreateTypeInfo&) {
  RefuseStatement("CREATE TYPE");
}

void DeltaSchemaEntry::DropEntry(duckdb::ClientContext&, duckdb::DropInfo&) { RefuseStatement("DROP"); }

void DeltaSchemaEntry::Alter(duckdb::CatalogTransaction, duckdb::AlterInfo&) { RefuseStatement("ALTER"); }

}  // namespace yummy::duck
