#include "yummy/lake/tables.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/text.h"
#include "yummy/delta/log/log.h"
#include "yummy/lake/table_list.h"

namespace yummy::lake {
namespace {

std::string TablePath(std::string_view schema, std::string_view table) {
  return schema == kRootSchema ? std::string(table) : fmt::format("{}/{}", schema, table);
}

// The name among `names` that equals `name` ignoring case, if there is only one.
std::optional<std::string> OnlyMatch(const std::vector<std::string>& names, std::string_view name) {
  std::optional<std::string> match;
  for (const auto& other : names) {
    if (!EqualsIgnoringCase(other, name)) continue;
    if (match) return {};
    match = other;
  }
  return match;
}

// The meanings of "a.b.c": the table "b.c" of the schema "a", or "c" of "a.b". At least one.
Result<std::vector<TableRef>> SplitAtDots(const TableRef& ref) {
  std::vector<TableRef> splits;
  std::optional<Error> refused;
  for (size_t dot = ref.table.find('.'); dot != std::string::npos; dot = ref.table.find('.', dot + 1)) {
    TableRef split{ref.store, ref.table.substr(0, dot), ref.table.substr(dot + 1)};
    auto checked = CheckName(split.schema);
    if (checked.ok()) checked = CheckName(split.table);
    if (checked.ok()) {
      splits.push_back(std::move(split));
    } else if (!refused) {
      refused = std::move(checked).error();
    }
  }
  if (splits.empty()) return *std::move(refused);
  return splits;
}

}  // namespace

// The table if it is in memory, otherwise null.
std::shared_ptr<delta::Table> Tables::Known(const Store& store, const std::string& path) {
  const std::shared_lock lock(mutex_);
  const auto found = tables_.find({store.config.name, path});
  if (found == tables_.end()) return nullptr;
  found->second.used = ++uses_;
  return found->second.table;
}

std::shared_ptr<delta::Table> Tables::Make(const Store& store, const std::string& path) const {
  delta::TableOptions options;
  options.executor = &readers_;
  options.background = &background_;
  return delta::Table::Make(store.object_store, path, options);
}

// Keeps the table in memory. If another request has kept one meanwhile, that one is returned, because a table must have
// only one commit queue. When there are too many, the least recently used one that nobody holds is dropped.
std::shared_ptr<delta::Table> Tables::Keep(const Store& store, std::shared_ptr<delta::Table> table) {
  const std::unique_lock lock(mutex_);
  const auto [at, is_new] = tables_.try_emplace({store.config.name, table->path()});
  if (is_new) at->second.table = std::move(table);
  at->second.used = ++uses_;
  std::shared_ptr<delta::Table> kept = at->second.table;
  if (is_new && tables_.size() > tables_max_) {
    auto idle = tables_.end();
    for (auto entry = tables_.begin(); entry != tables_.end(); ++entry) {
      if (entry->second.table.use_count() > 1) continue;
      if (idle == tables_.end() || entry->second.used < idle->second.used) idle = entry;
    }
    if (idle != tables_.end()) tables_.erase(idle);
  }
  return kept;
}

// Finds a table by loading it, because reading it needs the same requests anyway. Null if there is none.
Result<std::shared_ptr<delta::Table>> Tables::Load(const Context& context, const Store& store,
                                                   const std::string& path) {
  std::shared_ptr<delta::Table> table = Make(store, path);
  const auto newest = table->Current(context);
  if (newest.ok()) return Keep(store, std::move(table));
  if (newest.error().reason() == Reason::kNotADeltaTable) return std::shared_ptr<delta::Table>();
  // A table whose newest version cannot be read is still a table, and other versions of it may be readable.
  const ErrorCode code = newest.error().code();
  if (code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported) return Keep(store, std::move(table));
  return newest.error();
}

// The folders that hold tables but are not tables themselves.
Result<std::vector<std::string>> Tables::SchemaNames(const Context& context, const Store& store) const {
  std::vector<std::string> schemas = {kRootSchema};
  for (ListedTable& listed : TRY(ListTables(context, *store.object_store, {.executor = &readers_})).tables)
    schemas.push_back(std::move(listed.schema));
  std::ranges::sort(schemas);
  const auto twice = std::ranges::unique(schemas);
  schemas.erase(twice.begin(), twice.end());
  return schemas;
}

Result<std::shared_ptr<delta::Table>> Tables::Find(const Context& context, const TableRef& ref) {
  const Store* store = TRY(stores_.Find(ref.store));
  TRY(CheckName(ref.table));
  TRY(CheckName(ref.schema));
  const std::string path = TablePath(ref.schema, ref.table);
  if (auto table = Known(*store, path)) return table;
  if (auto table = TRY(Load(context, *store, path))) return table;

  std::string schema = ref.schema;
  if (schema != kRootSchema) {
    const auto match = OnlyMatch(TRY(ListFolders(context, *store->object_store, "")), schema);
    if (match) schema = *match;
  }
  const std::string prefix = schema == kRootSchema ? "" : schema + "/";
  const auto folders = TRY(ListFolders(context, *store->object_store, prefix));
  if (const auto match = OnlyMatch(folders, ref.table)) {
    if (auto table = TRY(Load(context, *store, prefix + *match))) return table;
  }
  const bool folder_exists = std::find(folders.begin(), folders.end(), ref.table) != folders.end();
  const std::string_view what = folder_exists ? "is a folder without a Delta log" : "does not exist";
  return Error(ErrorCode::kNotFound, fmt::format("table '{}' in store '{}' {}", DisplayName(ref), ref.store, what))
      .WithReason(folder_exists ? Reason::kNotADeltaTable : Reason::kTableNotFound)
      .With("table", DisplayName(ref));
}

Result<std::shared_ptr<delta::Table>> Tables::FindOrMake(const Context& context, const TableRef& ref) {
  const Store* store = TRY(stores_.Find(ref.store));
  TRY(CheckNewName(ref.table));
  if (ref.schema != kRootSchema) TRY(CheckNewName(ref.schema));
  TRY(CheckNotInsideTable(context, *store, ref));
  auto existing = Find(context, ref);
  return existing.ok() ? *std::move(existing) : Keep(*store, Make(*store, TablePath(ref.schema, ref.table)));
}

// A table inside another table's folder would be deleted together with it.
Result<void> Tables::CheckNotInsideTable(const Context& context, const Store& store, const TableRef& ref) const {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("cannot create '{}': {}", DisplayName(ref), why))
        .WithReason(Reason::kInvalidName);
  };
  if (TRY(delta::IsDeltaTable(context, *store.object_store, "")))
    return refuse("the folder of the store is a table itself");
  if (ref.schema == kRootSchema) {
    const auto inside = ListTablesOf(context, *store.object_store, ref.table, &readers_);
    if (inside.ok() && !inside->empty()) return refuse("the folder is a schema that holds tables");
    return {};
  }
  if (TRY(delta::IsDeltaTable(context, *store.object_store, ref.schema)))
    return refuse(fmt::format("'{}' is a table, not a schema", ref.schema));
  return {};
}

Result<TableRef> Tables::Resolve(const Context& context, const std::string& store_name, const std::string& table) {
  const Store* store = TRY(stores_.Find(store_name));
  TRY(CheckName(table));
  TableRef ref{store->config.name, kRootSchema, table};
  if (table.find('.') == std::string::npos) return ref;
  // A folder with the dot in its own name comes first; another program may have made it. If it is in memory, the store
  // need not be asked.
  if (Known(*store, table)) return ref;
  const std::vector<TableRef> inside = TRY(SplitAtDots(ref));
  for (const TableRef& split : inside) {
    if (Known(*store, TablePath(split.schema, split.table))) return split;
  }
  if (TRY(delta::IsDeltaTable(context, *store->object_store, table))) return ref;
  if (inside.size() == 1) return inside.front();
  const auto schemas = TRY(ListFolders(context, *store->object_store, ""));
  for (const TableRef& split : inside) {
    if (std::ranges::find(schemas, split.schema) == schemas.end()) continue;
    if (TRY(delta::IsDeltaTable(context, *store->object_store, TablePath(split.schema, split.table)))) return split;
  }
  return inside.front();
}

}  // namespace yummy::lake
