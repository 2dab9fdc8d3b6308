// Times SQL in process: duck_benchmark ours|raw STORE_FOLDER SQL_FILE REPEATS
// The file holds one statement per line. `ours` runs them over the Delta tables of the store. `raw` runs them over
// views of read_parquet on the same data files, in a plain DuckDB of the same library. Prints one line of JSON per
// statement: {"wall_ms": […], "cpu_ms": […], "rows": n}.

#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "yummy/delta/commit/table.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/database.h"
#include "yummy/duck/session.h"
#include "yummy/store/local_store.h"

namespace yummy::duck {
namespace {

constexpr size_t kThreads = 2;

double CpuMilliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

void Measure(int repeats, const std::function<int64_t()>& body) {
  std::vector<double> wall;
  std::vector<double> cpu;
  int64_t rows = 0;
  for (int i = 0; i < repeats; i++) {
    const auto wall_begin = std::chrono::steady_clock::now();
    const double cpu_begin = CpuMilliseconds();
    rows = body();
    wall.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - wall_begin).count());
    cpu.push_back(CpuMilliseconds() - cpu_begin);
  }
  fmt::print("{{\"wall_ms\": [{:.3f}], \"cpu_ms\": [{:.3f}], \"rows\": {}}}\n", fmt::join(wall, ", "),
             fmt::join(cpu, ", "), rows);
  std::fflush(stdout);
}

std::vector<std::string> FoldersOf(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  return names;
}

int64_t RunOurs(Session& session, const std::string& sql) {
  auto result = MUST(session.Query({}, sql, {.store = "bench"}));
  int64_t rows = 0;
  while (const auto batch = MUST(result->Next())) rows += batch->num_rows();
  return rows;
}

int64_t RunRaw(duckdb::Connection& connection, const std::string& sql) {
  auto result = connection.Query(sql);
  if (result->HasError()) result->ThrowError();
  return static_cast<int64_t>(result->RowCount());
}

void CreateView(duckdb::Connection& connection, const std::string& folder, const std::string& table,
                const std::shared_ptr<store::ObjectStore>& store) {
  const auto snapshot = MUST(delta::Snapshot::Load({}, store, table, {}));
  std::string files;
  for (const auto id : snapshot->files()) {
    const std::string path = MUST(delta::ResolveLogPath(*store, table, snapshot->file(id).path));
    files += fmt::format("{}'{}/{}'", files.empty() ? "" : ", ", folder, path);
  }
  RunRaw(connection, fmt::format("CREATE VIEW \"{}\" AS SELECT * FROM read_parquet([{}])", table, files));
}

int Run(const std::string& verb, const std::string& folder, const std::string& file, int repeats) {
  const std::shared_ptr<store::ObjectStore> store = MUST(store::LocalStore::Open(folder));
  std::ifstream lines(file);
  std::string sql;
  if (verb == "raw") {
    duckdb::DBConfig config;
    config.SetOptionByName("threads", duckdb::Value::BIGINT(kThreads));
    duckdb::DuckDB database(nullptr, &config);
    duckdb::Connection connection(database);
    RunRaw(connection, "SET parquet_metadata_cache = true");
    for (const auto& table : FoldersOf(folder)) CreateView(connection, folder, table, store);
    while (std::getline(lines, sql)) Measure(repeats, [&] { return RunRaw(connection, sql); });
    return 0;
  }
  Lookup lookup;
  std::map<std::string, std::shared_ptr<delta::Table>> tables;
  for (const auto& name : FoldersOf(folder)) tables[name] = delta::Table::Make(store, name, {});
  lookup.stores = {{"bench", store}};
  lookup.find_table = [&](const Context&, const std::string&, const std::string&,
                          const std::string& name) -> Result<std::shared_ptr<delta::Table>> {
    const auto found = tables.find(name);
    if (found == tables.end())
      return Error(ErrorCode::kNotFound, "no table " + name).WithReason(Reason::kTableNotFound);
    return found->second;
  };
  lookup.list_schemas = [](const Context&, const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"main"};
  };
  lookup.list_tables = [&](const Context&, const std::string&, const std::string&) -> Result<std::vector<std::string>> {
    return FoldersOf(folder);
  };
  const auto database = MUST(Database::Open({.threads = kThreads}, lookup));
  const auto session = MUST(database->Connect());
  while (std::getline(lines, sql)) Measure(repeats, [&] { return RunOurs(*session, sql); });
  return 0;
}

}  // namespace
}  // namespace yummy::duck

int main(int argc, char** argv) {
  const std::string verb = argc == 5 ? argv[1] : "";
  if (verb != "ours" && verb != "raw") {
    fmt::print(stderr, "usage: duck_benchmark ours|raw STORE_FOLDER SQL_FILE REPEATS\n");
    return 2;
  }
  return yummy::duck::Run(verb, argv[2], argv[3], std::atoi(argv[4]));
}
