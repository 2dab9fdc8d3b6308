#pragma once
// Finds the tables of a store by its folders. The cost grows with the number of folders, never with the files in them.

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

/// The schema of tables directly below the root of their store.
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
  std::string after;  // only tables with display names greater than this
  size_t limit = 0;   // 0: all
};

/// Lists the root and checks each folder there. It lists each folder that is not a table, and checks each folder in it.
/// The executor runs several requests at once. With a limit it goes only as far as the page reaches. A folder that may
/// not be read is left out. Errors: those of the store.
Result<TablePage> ListTables(const Context& context, store::ObjectStore& store, const ListTablesOptions& options);

/// The tables of one schema, sorted.
Result<std::vector<std::string>> ListTablesOf(const Context& context, store::ObjectStore& store,
                                              const std::string& schema, Executor* executor);

/// The names of the folders directly below `prefix`, which is empty or ends in '/'. They are sorted. Names that begin
/// with a dot or that CheckName refuses are left out; ListTables logs the refused ones.
Result<std::vector<std::string>> ListFolders(const Context& context, store::ObjectStore& store,
                                             const std::string& prefix);

}  // namespace yummy::lake
