#pragma once
// Which tables a store has, found by its folders: what it costs grows with them, never with the files in them.

#include <cstddef>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/lake/name.h"
#include "yummy/store/object_store.h"

namespace yummy {
class Executor;
}

namespace yummy::lake {

/// The schema of tables that lie right below the root of their store.
inline constexpr const char* kRootSchema = "main";

/// "table", or "schema.table".
std::string DisplayName(const std::string& schema, const std::string& table);
std::string DisplayName(const TableRef& ref);

struct ListedTable {
  std::string schema;
  std::string table;
};

struct TablePage {
  std::vector<ListedTable> tables;  // by the bytes of their display names
  bool truncated = false;
};

struct ListTablesOptions {
  Executor* executor = nullptr;
  std::string after;  // only tables whose display names are greater than this
  size_t limit = 0;   // 0: all
};

/// A list of the root, a question for each folder there, a list for each that is no table, and a question for each
/// folder in it; several at once by the executor. With a limit, only as far as the page reaches. A folder that may not
/// be read is left out. Errors: those of the store.
Result<TablePage> ListTables(const Context& context, store::ObjectStore& store, const ListTablesOptions& options);

/// The tables of one schema, sorted.
Result<std::vector<std::string>> ListTablesOf(const Context& context, store::ObjectStore& store,
                                              const std::string& schema, Executor* executor);

/// The names of the folders right below `prefix`, which is empty or ends in '/'; sorted, without those that begin with
/// a dot. What CheckName refuses is left out; the lists of tables name it in the log.
Result<std::vector<std::string>> ListFolders(const Context& context, store::ObjectStore& store,
                                             const std::string& prefix);

}  // namespace yummy::lake
