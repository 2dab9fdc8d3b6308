#pragma once
// A database over the public Delta tables of ../shared, for tests. YUMMY_SHARED names another folder.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/duck/database.h"
#include "yummy/duck/session.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

/// What independent readers found in one column.
struct GoldenColumn {
  std::string name;
  std::string type;  // pyarrow's name of it
  int64_t non_null = 0;
  std::optional<std::string> min;
  std::optional<std::string> max;
};

struct GoldenTable {
  std::string name;  // its path with an underscore for each slash
  std::string path;  // relative to the delta folder of the fixtures
  int64_t rows = 0;
  std::vector<GoldenColumn> columns;
  std::vector<std::pair<int64_t, int64_t>> rows_by_version;
};

/// Absent if the folder does not exist. Then the test should be skipped.
std::optional<std::string> FixtureFolder();
std::vector<GoldenTable> ReadGoldenTables(const std::string& folder);
/// The store in which the paths of GoldenTables lie.
Result<std::shared_ptr<store::ObjectStore>> OpenGoldenStore(const std::string& folder);
/// A database with one store, "golden". Its tables have the names of GoldenTables.
Result<std::shared_ptr<Database>> OpenGoldenDatabase(std::shared_ptr<store::ObjectStore> object_store,
                                                     const std::vector<GoldenTable>& tables);

/// The rows as texts, with "null" for null.
Result<std::vector<std::vector<std::string>>> Rows(Session& session, const std::string& sql);
std::string Quoted(const std::string& name);
std::string Literal(const std::string& text);

}  // namespace yummy::duck
