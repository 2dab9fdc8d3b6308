#include "yummy/lake/lake.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/log.h"
#include "yummy/base/text.h"
#include "yummy/delta/arrow_schema.h"
#include "yummy/delta/log.h"
#include "yummy/delta/schema.h"
#include "yummy/delta/table.h"
#include "yummy/duck/database.h"
#include "yummy/lake/result_cache.h"
#include "yummy/lake/table_list.h"
#include "yummy/store/cache_store.h"
#include "yummy/store/disk_cache.h"
#include "yummy/store/limit_store.h"
#include "yummy/store/open_store.h"
#include "yummy/store/probe_store.h"

namespace yummy::lake {

namespace {

constexpr size_t kTablesMax = 10000;  // tables whose newest snapshot stays in memory
constexpr size_t kBackgroundTasksMax = 1024;
constexpr size_t kFarReadersMax = 256;  // threads that wait for stores across a network

struct Store {
  StoreConfig config;
  std::shared_ptr<store::ObjectStore> object_store;
};

std::string TablePath(std::string_view schema, std::string_view table) {
  return schema == kRootSchema ? std::string(table) : fmt::format("{}/{}", schema, table);
}

std::string DisplayName(const TableRef& ref) { return lake::DisplayName(ref.schema, ref.table); }

Error StoreNotFound(std::string_view store) {
  return Error(ErrorCode::kNotFound, fmt::format("no store is named '{}'", store)).WithReason("STORE_NOT_FOUND");
}

struct Caches {
  std::shared_ptr<store::DiskCache> log;
  std::shared_ptr<store::DiskCache> data;
};

Result<Caches> OpenCaches(const CacheConfig& config) {
  Caches caches;
  const auto open = [&](std::string_view name, uint64_t size_bytes) -> Result<std::shared_ptr<store::DiskCache>> {
    if (config.path.empty() || size_bytes == 0) return std::shared_ptr<store::DiskCache>();
    auto cache =
        store::DiskCache::Open({.folder = fmt::format("{}{}", config.path, name), .size_bytes_max = size_bytes});
    if (cache.ok()) return std::shared_ptr<store::DiskCache>(std::move(*cache));
    // One that others could write to is refused. A disk that is full or fails makes tables slow, not unreadable.
    if (cache.error().code() == ErrorCode::kInvalidArgument) return std::move(cache).error().Prefixed("cache");
    Log(LogLevel::kWarn, "going on without the cache: {}", cache.error().ToString());
    return std::shared_ptr<store::DiskCache>();
  };
  caches.log = TRY(open("log", config.log_bytes));
  caches.data = TRY(open("data", config.data_bytes));
  return caches;
}

// What stands before a store across a network; local disk needs none of it. What a cache has takes no place among the requests.
std::shared_ptr<store::ObjectStore> WrapFar(std::shared_ptr<store::ObjectStore> store, const LimitsConfig& limits,
                                            const Caches& caches) {
  store = std::make_shared<store::ProbeStore>(std::move(store));
  store = std::make_shared<store::LimitStore>(
      std::move(store),
      store::RequestLimits{limits.store_log_requests, limits.store_data_requests, limits.store_background_requests});
  if (caches.log) store = std::make_shared<store::LogCacheStore>(std::move(store), caches.log);
  if (caches.data) store = std::make_shared<store::BlockCacheStore>(std::move(store), caches.data);
  return store;
}

size_t DefaultWorkers() { return std::max<size_t>(4, 2 * size_t{std::thread::hardware_concurrency()}); }

}  // namespace

struct Lake::State {
  explicit State(const Config& from) : config(from), results(from.limits.result_cache_bytes) {}

  Config config;
  std::map<std::string, Store> stores;
  // Declared before what uses them; `background` finishes its checkpoints before the stores go.
  std::unique_ptr<Executor> readers;
  std::unique_ptr<Executor> background;
  std::shared_ptr<duck::Database> database;
  ResultCache results;

  std::shared_mutex tables_mutex;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<delta::Table>>
      tables;  // by store and path; guarded by tables_mutex

  Result<const Store*> FindStore(const std::string& name) const;
  bool IsKnown(const Store& store, const std::string& path);
  std::shared_ptr<delta::Table> TableAt(const Store& store, const std::string& path);
  std::shared_ptr<delta::Table> MakeTable(const Store& store, const std::string& path) const;
  std::shared_ptr<delta::Table> Keep(const Store& store, std::shared_ptr<delta::Table> table);
  Result<std::shared_ptr<delta::Table>> LoadTable(const Context& context, const Store& store, const std::string& path);
  Result<std::vector<std::string>> SchemaNames(const Context& context, const Store& store) const;
  Result<std::shared_ptr<delta::Table>> FindTable(const Context& context, const TableRef& ref);
  bool StillHolds(const Context& context, const KeptResult& result, const delta::SnapshotRef& pinned);
  Result<void> CheckNotInsideTable(const Context& context, const Store& store, const TableRef& ref) const;
  duck::Lookup MakeLookup();
};

Result<const Store*> Lake::State::FindStore(const std::string& name) const {
  const auto found = stores.find(name);
  if (found != stores.end()) return &found->second;
  const Store* match = nullptr;
  for (const auto& [other, store] : stores) {
    if (!EqualsIgnoringCase(other, name)) continue;
    if (match != nullptr) return StoreNotFound(name);
    match = &store;
  }
  if (match == nullptr) return StoreNotFound(name);
  return match;
}

bool Lake::State::IsKnown(const Store& store, const std::string& path) {
  const std::shared_lock lock(tables_mutex);
  return tables.contains({store.config.name, path});
}

// The one Table of a path. Made at the first use; the least of the surplus goes when there are too many.
std::shared_ptr<delta::Table> Lake::State::TableAt(const Store& store, const std::string& path) {
  {
    const std::shared_lock lock(tables_mutex);
    const auto found = tables.find({store.config.name, path});
    if (found != tables.end()) return found->second;
  }
  return Keep(store, MakeTable(store, path));
}

std::shared_ptr<delta::Table> Lake::State::MakeTable(const Store& store, const std::string& path) const {
  delta::TableOptions options;
  options.executor = readers.get();
  options.background = background.get();
  return delta::Table::Make(store.object_store, path, options);
}

// The one that another request has kept meanwhile goes first: the commit queue of a table must stay the only one.
std::shared_ptr<delta::Table> Lake::State::Keep(const Store& store, std::shared_ptr<delta::Table> table) {
  const std::unique_lock lock(tables_mutex);
  const auto [at, is_kept] = tables.try_emplace({store.config.name, table->path()}, std::move(table));
  if (is_kept && tables.size() > kTablesMax) {
    const auto idle =
        std::find_if(tables.begin(), tables.end(), [](const auto& entry) { return entry.second.use_count() == 1; });
    if (idle != tables.end() && idle != at) tables.erase(idle);
  }
  return at->second;
}

// By loading it: what is asked to find it is what reading it asks anyway. Null when there is none.
Result<std::shared_ptr<delta::Table>> Lake::State::LoadTable(const Context& context, const Store& store,
                                                             const std::string& path) {
  std::shared_ptr<delta::Table> table = MakeTable(store, path);
  const auto newest = table->Current(context);
  if (newest.ok()) return Keep(store, std::move(table));
  if (newest.error().reason() == "NOT_A_DELTA_TABLE") return std::shared_ptr<delta::Table>();
  // A log that cannot be read is a table all the same, and other versions of it may be well.
  const ErrorCode code = newest.error().code();
  if (code == ErrorCode::kCorrupt || code == ErrorCode::kUnsupported) return Keep(store, std::move(table));
  return newest.error();
}

// The folders that are no tables themselves and hold some.
Result<std::vector<std::string>> Lake::State::SchemaNames(const Context& context, const Store& store) const {
  std::vector<std::string> schemas = {kRootSchema};
  for (ListedTable& listed : TRY(ListTables(context, *store.object_store, {.executor = readers.get()})).tables)
    schemas.push_back(std::move(listed.schema));
  std::ranges::sort(schemas);
  const auto twice = std::ranges::unique(schemas);
  schemas.erase(twice.begin(), twice.end());
  return schemas;
}

// The one of `names` that equals `name` but for case, if only one does.
std::optional<std::string> OnlyMatch(const std::vector<std::string>& names, std::string_view name) {
  std::optional<std::string> match;
  for (const auto& other : names) {
    if (!EqualsIgnoringCase(other, name)) continue;
    if (match) return {};
    match = other;
  }
  return match;
}

Result<std::shared_ptr<delta::Table>> Lake::State::FindTable(const Context& context, const TableRef& ref) {
  const Store* store = TRY(FindStore(ref.store));
  TRY(CheckName(ref.table));
  TRY(CheckName(ref.schema));
  const std::string path = TablePath(ref.schema, ref.table);
  {
    const std::shared_lock lock(tables_mutex);
    const auto found = tables.find({store->config.name, path});
    if (found != tables.end()) return found->second;
  }
  if (auto table = TRY(LoadTable(context, *store, path))) return table;

  std::string schema = ref.schema;
  if (schema != kRootSchema) {
    const auto match = OnlyMatch(TRY(ListFolders(context, *store->object_store, "")), schema);
    if (match) schema = *match;
  }
  const std::string prefix = schema == kRootSchema ? "" : schema + "/";
  const auto folders = TRY(ListFolders(context, *store->object_store, prefix));
  if (const auto match = OnlyMatch(folders, ref.table)) {
    if (auto table = TRY(LoadTable(context, *store, prefix + *match))) return table;
  }
  const bool folder_exists = std::find(folders.begin(), folders.end(), ref.table) != folders.end();
  const std::string_view what = folder_exists ? "is a folder without a Delta log" : "does not exist";
  return Error(ErrorCode::kNotFound, fmt::format("table '{}' in store '{}' {}", DisplayName(ref), ref.store, what))
      .WithReason(folder_exists ? "NOT_A_DELTA_TABLE" : "TABLE_NOT_FOUND")
      .With("table", DisplayName(ref));
}

// Asks for every table, as the statement would: what was acknowledged before is seen. `pinned` is the version that the request
// chose of the table that it addresses.
bool Lake::State::StillHolds(const Context& context, const KeptResult& result, const delta::SnapshotRef& pinned) {
  return std::all_of(result.reads.begin(), result.reads.end(), [&](const KeptResult::Read& read) {
    if (read.names.is_pinned) return IsUnchanged(read, pinned);
    const auto table = FindTable(context, {read.names.store, read.names.schema, read.names.table});
    if (!table.ok()) return false;  // the statement finds out why
    const auto newest = (*table)->Current(context);
    return newest.ok() && IsUnchanged(read, *newest);
  });
}

// A table inside another table's folder would be swept away with it.
Result<void> Lake::State::CheckNotInsideTable(const Context& context, const Store& store, const TableRef& ref) const {
  const auto refuse = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("cannot create '{}': {}", DisplayName(ref), why))
        .WithReason("INVALID_NAME");
  };
  if (TRY(delta::IsDeltaTable(context, *store.object_store, "")))
    return refuse("the folder of the store is a table itself");
  if (ref.schema == kRootSchema) {
    const auto inside = ListTablesOf(context, *store.object_store, ref.table, readers.get());
    if (inside.ok() && !inside->empty()) return refuse("the folder is a schema that holds tables");
    return {};
  }
  if (TRY(delta::IsDeltaTable(context, *store.object_store, ref.schema)))
    return refuse(fmt::format("'{}' is a table, not a schema", ref.schema));
  return {};
}

duck::Lookup Lake::State::MakeLookup() {
  duck::Lookup lookup;
  for (const auto& [name, store] : stores) {
    lookup.stores.push_back({name, store.object_store, store.config.count_from_statistics});
  }
  lookup.find_table = [this](const Context& context, const std::string& store, const std::string& schema,
                             const std::string& table) { return FindTable(context, {store, schema, table}); };
  lookup.list_schemas = [this](const Context& context, const std::string& store) -> Result<std::vector<std::string>> {
    return SchemaNames(context, *TRY(FindStore(store)));
  };
  lookup.list_tables = [this](const Context& context, const std::string& store,
                              const std::string& schema) -> Result<std::vector<std::string>> {
    return ListTablesOf(context, *TRY(FindStore(store))->object_store, schema, readers.get());
  };
  return lookup;
}

Lake::Lake(std::unique_ptr<State> state) : state_(std::move(state)) {}
Lake::~Lake() = default;

Result<std::unique_ptr<Lake>> Lake::Open(const Config& config) {
  auto state = std::make_unique<State>(config);
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  if (state->config.limits.queries == 0) state->config.limits.queries = DefaultWorkers();
  if (state->config.server.workers == 0) state->config.server.workers = DefaultWorkers();
  state->background = std::make_unique<Executor>(1, kBackgroundTasksMax);
  std::optional<Caches> caches;  // opened when a store needs them
  for (const auto& store : config.stores) {
    auto opened = store::OpenStore(store.path, store.storage_options);
    if (!opened.ok()) return std::move(opened).error().Prefixed(fmt::format("store '{}'", store.name));
    std::shared_ptr<store::ObjectStore> object_store = std::move(*opened);
    if (!object_store->capabilities().is_local) {
      if (!caches) caches = TRY(OpenCaches(config.cache));
      object_store = WrapFar(std::move(object_store), config.limits, *caches);
    }
    state->stores[store.name] = {store, std::move(object_store)};
  }
  const size_t far_readers = std::min<size_t>(config.limits.store_log_requests, kFarReadersMax);
  state->readers = std::make_unique<Executor>(caches ? far_readers : cores, kBackgroundTasksMax);
  duck::DatabaseOptions options;
  options.threads = cores;
  options.memory_max_bytes = config.limits.memory_bytes;
  state->database = TRY(duck::Database::Open(options, state->MakeLookup()));
  return std::unique_ptr<Lake>(new Lake(std::move(state)));
}

const Config& Lake::config() const { return state_->config; }

std::vector<StoreInfo> Lake::Stores() const {
  std::vector<StoreInfo> result;
  for (const auto& store : state_->config.stores) {
    result.push_back({store.name, state_->stores.at(store.name).object_store->root()});
  }
  return result;
}

Result<TableList> Lake::Tables(const Context& context, const std::string& store_name, const TablePageRequest& request) {
  const Store* store = TRY(state_->FindStore(store_name));
  TableList list{.store = store->config.name, .path = store->object_store->root()};
  const TablePage page =
      TRY(ListTables(context, *store->object_store,
                     {.executor = state_->readers.get(), .after = request.page_token, .limit = request.limit}));
  for (const ListedTable& listed : page.tables) list.tables.push_back(DisplayName(listed.schema, listed.table));
  if (page.truncated) list.next_page_token = list.tables.back();
  return list;
}

namespace {
// What "a.b.c" may mean: the table "b.c" of the schema "a", or "c" of "a.b". At least one.
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

Result<TableRef> Lake::Resolve(const Context& context, const std::string& store_name, const std::string& table) {
  const Store* store = TRY(state_->FindStore(store_name));
  TRY(CheckName(table));
  TableRef ref{store->config.name, kRootSchema, table};
  if (table.find('.') == std::string::npos) return ref;
  // A folder that has the dot in its own name goes first: others may have made it. One that is known needs no question.
  if (state_->IsKnown(*store, table)) return ref;
  const std::vector<TableRef> inside = TRY(SplitAtDots(ref));
  for (const TableRef& split : inside) {
    if (state_->IsKnown(*store, TablePath(split.schema, split.table))) return split;
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

namespace {
Result<delta::SnapshotRef> SnapshotOf(const Context& context, delta::Table& table, const Travel& travel) {
  if (travel.version) return table.AtVersion(context, *travel.version);
  if (travel.timestamp_micros) return table.AtTimestamp(context, *travel.timestamp_micros);
  return table.Current(context);
}
}  // namespace

Result<TableInfo> Lake::Describe(const Context& context, const TableRef& ref, const Travel& travel) {
  const auto table = TRY(state_->FindTable(context, ref));
  const auto snapshot = TRY(SnapshotOf(context, *table, travel));
  const delta::Metadata& metadata = snapshot->metadata();
  TableInfo info;
  info.store = ref.store;
  info.path = table->object_store()->root() + table->path();
  info.table = DisplayName(ref);
  info.schema_json = delta::WriteSchema(snapshot->schema());
  info.version = snapshot->version();
  info.id = metadata.id;
  info.comment = metadata.description;
  info.partition_columns = metadata.partition_columns;
  info.configuration = metadata.configuration;
  for (const auto* features : {&snapshot->protocol().reader_features, &snapshot->protocol().writer_features}) {
    if (features->has_value()) info.features.insert(info.features.end(), (*features)->begin(), (*features)->end());
  }
  std::sort(info.features.begin(), info.features.end());
  info.features.erase(std::unique(info.features.begin(), info.features.end()), info.features.end());
  info.files = static_cast<int64_t>(snapshot->file_count());
  info.size_bytes = snapshot->size_bytes();
  info.rows = snapshot->row_count();
  return info;
}

Result<table::CreateReport> Lake::Create(const Context& context, const TableRef& ref, table::CreateOptions options) {
  const Store* store = TRY(state_->FindStore(ref.store));
  TRY(CheckNewName(ref.table));
  if (ref.schema != kRootSchema) TRY(CheckNewName(ref.schema));
  TRY(state_->CheckNotInsideTable(context, *store, ref));
  for (const auto& [key, value] : store->config.table_defaults) options.configuration.try_emplace(key, value);
  const auto existing = state_->FindTable(context, ref);
  const auto table = existing.ok() ? *existing : state_->TableAt(*store, TablePath(ref.schema, ref.table));
  auto report = table::Create(context, *table, options);
  if (!report.ok()) {
    return std::move(report).error().With("table", DisplayName(ref));
  }
  return report;
}

Result<WriteSchema> Lake::SchemaForWriting(const Context& context, const TableRef& ref) {
  const auto table = TRY(state_->FindTable(context, ref));
  const auto snapshot = TRY(table->Current(context));
  return WriteSchema{TRY(delta::ToArrowSchema(snapshot->schema())), snapshot->version()};
}

Result<table::WriteReport> Lake::Append(const Context& context, const TableRef& ref,
                                        std::shared_ptr<arrow::RecordBatchReader> rows,
                                        const table::WriteOptions& options) {
  const auto table = TRY(state_->FindTable(context, ref));
  const auto session = TRY(state_->database->Connect());
  return table::Append(context, *session, *table, std::move(rows), options);
}

Result<table::WriteReport> Lake::Overwrite(const Context& context, const TableRef& ref,
                                           std::shared_ptr<arrow::RecordBatchReader> rows,
                                           const table::WriteOptions& options) {
  const auto table = TRY(state_->FindTable(context, ref));
  const auto session = TRY(state_->database->Connect());
  return table::Overwrite(context, *session, *table, std::move(rows), options);
}

namespace {
// Everything but the tables that a result depends on.
std::string KeyOf(std::string_view sql, const duck::QueryOptions& options) {
  std::string key;
  const auto text = [&key](std::string_view part) {
    fmt::format_to(std::back_inserter(key), "{}:", part.size());
    key += part;
  };
  const auto parameter = [&](const duck::Parameter& value) {
    key += static_cast<char>('a' + value.index());
    if (const auto* flag = std::get_if<bool>(&value)) key += *flag ? '1' : '0';
    if (const auto* number = std::get_if<int64_t>(&value)) text(std::to_string(*number));
    if (const auto* number = std::get_if<double>(&value)) text(fmt::format("{:a}", *number));
    if (const auto* words = std::get_if<std::string>(&value)) text(*words);
  };
  text(sql);
  text(options.store);
  text(options.schema);
  key += '|';
  for (const duck::TablePin& pin : options.pins) {
    text(pin.table);
    text(std::to_string(pin.snapshot->version()));
  }
  key += '|';
  for (const auto& value : options.parameters) parameter(value);
  key += '|';
  for (const auto& [name, value] : options.named_parameters) {
    text(name);
    parameter(value);
  }
  return key;
}
}  // namespace

Result<RunningQuery> Lake::Query(const Context& context, const QueryRequest& request) {
  duck::QueryOptions options;
  options.parameters = request.parameters;
  options.named_parameters = request.named_parameters;
  options.sql_max_bytes = state_->config.limits.sql_bytes;
  RunningQuery running;
  if (request.table) {
    const TableRef& ref = *request.table;
    const auto table = TRY(state_->FindTable(context, ref));
    auto snapshot = TRY(SnapshotOf(context, *table, request.travel));
    running.version = snapshot->version();
    options.store = ref.store;
    options.schema = ref.schema;
    options.pins.push_back({ref.store, ref.schema, ref.table, std::move(snapshot)});
  } else if (state_->stores.size() == 1) {
    options.store = state_->stores.begin()->first;
  }
  std::string key = KeyOf(request.sql, options);
  auto kept = state_->results.Find(key);
  if (kept && state_->StillHolds(context, *kept, options.pins.empty() ? nullptr : options.pins.front().snapshot)) {
    running.result = Replay(context, std::move(kept));
    running.is_kept = true;
    return running;
  }
  running.session = TRY(state_->database->Connect());
  running.result = state_->results.Keep(std::move(key), TRY(running.session->Query(context, request.sql, options)));
  return running;
}

}  // namespace yummy::lake
