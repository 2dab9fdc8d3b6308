#include "yummy/duck/engine/golden_testing.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <arrow/api.h>
#include <simdjson.h>

#include "yummy/store/local_store.h"

namespace yummy::duck {
namespace {

namespace fs = std::filesystem;

std::string Replaced(const std::string& text, char quote) {
  std::string result(1, quote);
  for (char c : text) {
    if (c == quote) result += quote;
    result += c;
  }
  return result + quote;
}

std::optional<std::string> Text(simdjson::dom::element element, const char* key) {
  std::string_view text;
  if (element[key].get(text) != simdjson::SUCCESS) return std::nullopt;
  return std::string(text);
}

void ReadColumns(simdjson::dom::element columns, GoldenTable& table) {
  simdjson::dom::object object;
  if (columns.get(object) != simdjson::SUCCESS) return;
  for (auto [name, value] : object) {
    GoldenColumn column;
    column.name = name;
    column.type = Text(value, "type").value_or("");
    if (value["nonnull"].get(column.non_null) != simdjson::SUCCESS) continue;
    column.min = Text(value, "min");
    column.max = Text(value, "max");
    table.columns.push_back(std::move(column));
  }
}

void ReadIndex(const std::string& path, bool is_dat, std::vector<GoldenTable>& tables) {
  simdjson::dom::parser parser;
  simdjson::dom::element index = parser.load(path);
  for (simdjson::dom::element entry : index["tables"]) {
    GoldenTable table;
    table.path = *Text(entry, "path");
    table.name = table.path;
    std::replace(table.name.begin(), table.name.end(), '/', '_');
    if (entry["rows_expected"].get(table.rows) != simdjson::SUCCESS) continue;
    if (is_dat) {
      ReadColumns(entry["expected"], table);
    } else {
      for (const char* reader : {"expected-parquet", "deltalake-1.6.6", "duckdb-1.5.5-delta"}) {
        simdjson::dom::element columns;
        if (table.columns.empty() && entry["readers"][reader]["columns"].get(columns) == simdjson::SUCCESS) {
          ReadColumns(columns, table);
        }
      }
      simdjson::dom::object versions;
      if (entry["rows_by_version_deltalake"].get(versions) == simdjson::SUCCESS) {
        for (auto [version, rows] : versions) {
          int64_t count = 0;
          if (rows.get(count) == simdjson::SUCCESS)
            table.rows_by_version.emplace_back(std::stoll(std::string(version)), count);
        }
      }
    }
    tables.push_back(std::move(table));
  }
}

}  // namespace

std::optional<std::string> FixtureFolder() {
  const char* shared = std::getenv("YUMMY_SHARED");
  const char* source = std::getenv("YUMMY_SOURCE_DIR");
  fs::path folder = shared ? fs::path(shared) : fs::path(source ? source : ".") / ".." / "shared";
  folder /= "fixtures";
  if (!fs::exists(folder / "index.json")) return std::nullopt;
  return fs::canonical(folder).string();
}

std::vector<GoldenTable> ReadGoldenTables(const std::string& folder) {
  std::vector<GoldenTable> tables;
  ReadIndex(folder + "/index.json", false, tables);
  ReadIndex(folder + "/dat_index.json", true, tables);
  return tables;
}

Result<std::shared_ptr<store::ObjectStore>> OpenGoldenStore(const std::string& folder) {
  return std::shared_ptr<store::ObjectStore>(TRY(store::LocalStore::Open(folder + "/delta")));
}

Result<std::shared_ptr<Database>> OpenGoldenDatabase(std::shared_ptr<store::ObjectStore> object_store,
                                                     const std::vector<GoldenTable>& tables) {
  struct Known {
    std::map<std::string, std::shared_ptr<delta::Table>> tables;  // constant once the database is open
  };
  auto known = std::make_shared<Known>();
  std::vector<std::string> names;
  for (const GoldenTable& table : tables) {
    names.push_back(table.name);
    known->tables[table.name] = delta::Table::Make(object_store, table.path, {});
  }
  Lookup lookup;
  lookup.stores.push_back({.name = "golden", .object_store = object_store});
  lookup.find_table = [known](const Context&, const std::string&, const std::string&,
                              const std::string& name) -> Result<std::shared_ptr<delta::Table>> {
    auto table = known->tables.find(name);
    if (table == known->tables.end())
      return Error(ErrorCode::kNotFound, "no table " + name).WithReason(Reason::kTableNotFound);
    return table->second;
  };
  lookup.list_schemas = [](const Context&, const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"main"};
  };
  lookup.list_tables = [names](const Context&, const std::string&,
                               const std::string&) -> Result<std::vector<std::string>> { return names; };
  return Database::Open({}, std::move(lookup));
}

Result<std::vector<std::vector<std::string>>> Rows(Session& session, const std::string& sql) {
  QueryOptions options;
  options.store = "golden";
  auto result = TRY(session.Query(Context(), sql, options));
  std::vector<std::vector<std::string>> rows;
  while (auto batch = TRY(result->Next())) {
    for (int64_t row = 0; row < batch->num_rows(); ++row) {
      std::vector<std::string> values;
      for (const auto& column : batch->columns()) values.push_back((*column->GetScalar(row))->ToString());
      rows.push_back(std::move(values));
    }
  }
  return rows;
}

std::string Quoted(const std::string& name) { return Replaced(name, '"'); }
std::string Literal(const std::string& text) { return Replaced(text, '\''); }

}  // namespace yummy::duck
