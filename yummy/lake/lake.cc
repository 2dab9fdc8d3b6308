#include "yummy/lake/lake.h"

#include <algorithm>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/schema/arrow_schema.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/database.h"
#include "yummy/lake/result_cache.h"
#include "yummy/lake/stores.h"
#include "yummy/lake/table_list.h"
#include "yummy/lake/tables.h"

namespace yummy::lake {

namespace {

constexpr size_t kBackgroundTasksMax = 1024;
constexpr size_t kFarReadersMax = 256;  // threads that wait for stores across a network

// The number of threads that read logs: the cores, or the requests that far stores may have in flight.
size_t Readers(const Config& config, const Stores& stores) {
  if (!stores.any_is_far()) return std::max(1U, std::thread::hardware_concurrency());
  return std::min<size_t>(config.limits.store_log_requests, kFarReadersMax);
}

size_t DefaultWorkers() { return std::max<size_t>(4, 2 * size_t{std::thread::hardware_concurrency()}); }

}  // namespace

struct Lake::State {
  State(const Config& from, yummy::lake::Stores opened)
      : config(from),
        stores(std::move(opened)),
        readers(Readers(config, stores), kBackgroundTasksMax),
        background(1, kBackgroundTasksMax),
        tables(stores, readers, background),
        results(from.limits.result_cache_bytes) {}

  Config config;
  yummy::lake::Stores stores;
  // Declared before their users. `background` finishes its checkpoints before the stores are destroyed.
  Executor readers;
  Executor background;
  yummy::lake::Tables tables;
  std::shared_ptr<duck::Database> database;
  ResultCache results;

  bool StillHolds(const Context& context, const KeptResult& result, const delta::SnapshotRef& pinned);
  duck::Lookup MakeLookup();
};

// Looks up every table, as the statement would, so that acknowledged writes are seen. `pinned` is the version of the
// addressed table that the request chose.
bool Lake::State::StillHolds(const Context& context, const KeptResult& result, const delta::SnapshotRef& pinned) {
  return std::all_of(result.reads.begin(), result.reads.end(), [&](const KeptResult::Read& read) {
    if (read.names.is_pinned) return IsUnchanged(read, pinned);
    const auto table = tables.Find(context, {read.names.store, read.names.schema, read.names.table});
    if (!table.ok()) return false;  // the statement finds out why
    const auto newest = (*table)->Current(context);
    return newest.ok() && IsUnchanged(read, *newest);
  });
}

duck::Lookup Lake::State::MakeLookup() {
  duck::Lookup lookup;
  for (const auto& [name, store] : stores.all()) {
    lookup.stores.push_back({name, store.object_store, store.config.count_from_statistics});
  }
  lookup.find_table = [this](const Context& context, const std::string& store, const std::string& schema,
                             const std::string& table) { return tables.Find(context, {store, schema, table}); };
  lookup.list_schemas = [this](const Context& context, const std::string& store) -> Result<std::vector<std::string>> {
    return tables.SchemaNames(context, *TRY(stores.Find(store)));
  };
  lookup.list_tables = [this](const Context& context, const std::string& store,
                              const std::string& schema) -> Result<std::vector<std::string>> {
    return ListTablesOf(context, *TRY(stores.Find(store))->object_store, schema, &readers);
  };
  return lookup;
}

Lake::Lake(std::unique_ptr<State> state) : state_(std::move(state)) {}
Lake::~Lake() = default;

Result<std::unique_ptr<Lake>> Lake::Open(const Config& config) {
  auto state = std::make_unique<State>(config, TRY(yummy::lake::Stores::Open(config)));
  if (state->config.limits.queries == 0) state->config.limits.queries = DefaultWorkers();
  if (state->config.server.workers == 0) state->config.server.workers = DefaultWorkers();
  duck::DatabaseOptions options;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.memory_max_bytes = config.limits.memory_bytes;
  state->database = TRY(duck::Database::Open(options, state->MakeLookup()));
  return std::unique_ptr<Lake>(new Lake(std::move(state)));
}

const Config& Lake::config() const { return state_->config; }

std::vector<StoreInfo> Lake::Stores() const {
  std::vector<StoreInfo> result;
  for (const auto& store : state_->config.stores) {
    result.push_back({store.name, state_->stores.all().at(store.name).object_store->root()});
  }
  return result;
}

Result<TableList> Lake::Tables(const Context& context, const std::string& store_name, const TablePageRequest& request) {
  const Store* store = TRY(state_->stores.Find(store_name));
  TableList list{.store = store->config.name, .path = store->object_store->root()};
  const TablePage page =
      TRY(ListTables(context, *store->object_store,
                     {.executor = &state_->readers, .after = request.page_token, .limit = request.limit}));
  for (const ListedTable& listed : page.tables) list.tables.push_back(DisplayName(listed.schema, listed.table));
  if (page.truncated) list.next_page_token = list.tables.back();
  return list;
}

Result<TableRef> Lake::Resolve(const Context& context, const std::string& store, const std::string& table) {
  return state_->tables.Resolve(context, store, table);
}

namespace {
Result<delta::SnapshotRef> SnapshotOf(const Context& context, delta::Table& table, const Travel& travel) {
  if (travel.version) return table.AtVersion(context, *travel.version);
  if (travel.timestamp_micros) return table.AtTimestamp(context, *travel.timestamp_micros);
  return table.Current(context);
}
}  // namespace

Result<TableInfo> Lake::Describe(const Context& context, const TableRef& ref, const Travel& travel) {
  const auto table = TRY(state_->tables.Find(context, ref));
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

Result<std::shared_ptr<arrow::Schema>> Lake::SchemaForWriting(const Context& context, const TableRef& ref) {
  const auto table = TRY(state_->tables.Find(context, ref));
  return delta::ToArrowSchema(TRY(table->Current(context))->schema());
}

template <class Verb>
Result<typename Verb::Report> Lake::Run(const Context& context, const TableRef& ref, Verb verb) {
  std::shared_ptr<delta::Table> table;
  if constexpr (Verb::kMakesTable) {
    table = TRY(state_->tables.FindOrMake(context, ref));
    for (const auto& [key, value] : TRY(state_->stores.Find(ref.store))->config.table_defaults) {
      verb.configuration.try_emplace(key, value);
    }
  } else {
    table = TRY(state_->tables.Find(context, ref));
  }
  const auto session = TRY(state_->database->Connect());
  auto report = verb.Run(context, table::Target{*table, *session, ref.store, ref.schema, ref.table});
  if (!report.ok() && report.error().detail("table").empty()) {
    return std::move(report).error().With("table", DisplayName(ref));
  }
  return report;
}

template Result<table::CreateReport> Lake::Run(const Context&, const TableRef&, table::Create);
template Result<table::WriteReport> Lake::Run(const Context&, const TableRef&, table::Write);
template Result<duck::ChangeOutcome> Lake::Run(const Context&, const TableRef&, table::Update);
template Result<duck::ChangeOutcome> Lake::Run(const Context&, const TableRef&, table::Delete);

namespace {
// Everything that a result depends on except the tables.
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
  options.may_write = request.may_write;
  RunningQuery running;
  if (request.table) {
    const TableRef& ref = *request.table;
    const auto table = TRY(state_->tables.Find(context, ref));
    auto snapshot = TRY(SnapshotOf(context, *table, request.travel));
    running.version = snapshot->version();
    options.store = ref.store;
    options.schema = ref.schema;
    options.pins.push_back({ref.store, ref.schema, ref.table, std::move(snapshot)});
  } else if (state_->stores.all().size() == 1) {
    options.store = state_->stores.all().begin()->first;
  }
  std::string key = KeyOf(request.sql, options);
  auto kept = state_->results.Find(key);
  if (kept && state_->StillHolds(context, *kept, options.pins.empty() ? nullptr : options.pins.front().snapshot)) {
    running.result = Replay(context, std::move(kept));
    running.is_kept = true;
    return running;
  }
  running.session = TRY(state_->database->Connect());
  auto result = TRY(table::RunStatement(context, *running.session, request.sql, options));
  if (const auto& outcome = result->outcome()) running.version = outcome->version;
  running.result = state_->results.Keep(std::move(key), std::move(result));
  return running;
}

}  // namespace yummy::lake
