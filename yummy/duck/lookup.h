#pragma once
// How the engine finds tables: through functions of the layer above.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/delta/commit/table.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

/// The questions of the catalogue to the layer above. Many threads call these functions. The callee matches names:
/// exactly first, then ignoring case if only one fits.
struct Lookup {
  struct Store {
    std::string name;
    std::shared_ptr<store::ObjectStore> object_store;
    /// True if count(*), min and max may be answered from statistics in the log without opening a file. Off for logs
    /// with wrong statistics.
    bool count_from_statistics = true;
  };
  std::vector<Store> stores;  // fixed for the life of the Database
  /// Finds a table. `schema` is "main" for tables at the store's root. Errors: NotFound (TABLE_NOT_FOUND,
  /// NOT_A_DELTA_TABLE) …
  std::function<Result<std::shared_ptr<delta::Table>>(const Context&, const std::string& store,
                                                      const std::string& schema, const std::string& table)>
      find_table;
  std::function<Result<std::vector<std::string>>(const Context&, const std::string& store)>
      list_schemas;  // includes "main"
  std::function<Result<std::vector<std::string>>(const Context&, const std::string& store, const std::string& schema)>
      list_tables;
};

}  // namespace yummy::duck
