#include "yummy/lake/table_list.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "yummy/base/executor.h"
#include "yummy/base/json.h"
#include "yummy/base/logging.h"
#include "yummy/delta/log/log.h"

namespace yummy::lake {

namespace {

constexpr size_t kQuestionsAtOnce = 64;

/// True for errors that leave a table out of the list. Reading the table by its name reports the error.
bool MayPassOver(const Error& error) {
  return error.code() == ErrorCode::kPermissionDenied || error.code() == ErrorCode::kNotFound ||
         error.code() == ErrorCode::kInvalidArgument;
}

void NoteLeftOut(std::string_view folder, std::string_view why) {
  std::string quoted;
  AppendJsonString(quoted, ReadableUtf8(folder));
  Log(LogLevel::kWarn, "the folder {} and what is in it are left out of the store's tables: {}", quoted, why);
}

/// As ListFolders. Calls left_out(folder, why) for each folder that CheckName refuses.
template <typename LeftOut>
Result<std::vector<std::string>> FindFolders(const Context& context, store::ObjectStore& store,
                                             const std::string& prefix, LeftOut left_out) {
  std::vector<std::string> names;
  const store::ListPage page = TRY(store.List(context, prefix, {.delimiter = true}));
  for (const std::string& found : page.prefixes) {
    std::string name = found.substr(prefix.size(), found.size() - prefix.size() - 1);
    if (name.starts_with('.') || name == "_delta_log") continue;
    if (const auto checked = CheckName(name); checked.ok()) {
      names.push_back(std::move(name));
    } else {
      left_out(found, checked.error().message());
    }
  }
  std::ranges::sort(names);
  return names;
}

/// Also false if the folder may not be read.
Result<bool> IsTable(const Context& context, store::ObjectStore& store, const std::string& path) {
  auto is_table = delta::IsDeltaTable(context, store, path);
  if (!is_table.ok() && MayPassOver(is_table.error())) return false;
  return is_table;
}

/// Goes through the folders in the order of their tables' names, and asks the store only about the next ones.
class Walk {
 public:
  Walk(const Context& context, store::ObjectStore& store, const ListTablesOptions& options)
      : context_(context), store_(store), options_(options) {}

  Result<TablePage> Run() {
    for (std::string& name : TRY(FindFolders(context_, store_, "", NoteLeftOut))) {
      const std::string inside = name + ".";
      // Skips the last table of the previous page, and folders whose table, or whose tables if it is a schema, come
      // before it.
      if (name == options_.after || (inside < options_.after && !options_.after.starts_with(inside))) continue;
      entries_.emplace(name, Entry{.kind = Kind::kFolder, .listed = {kRootSchema, name}});
    }
    TablePage page;
    while (true) {
      TakeTables(page);
      if (entries_.empty()) return page;
      if (IsFull(page)) {
        page.truncated = TRY(HasMore());
        return page;
      }
      TRY(AskNext(options_.limit == 0 ? kQuestionsAtOnce : options_.limit - page.tables.size()));
    }
  }

 private:
  enum class Kind { kTable, kFolder, kSchema };
  struct Entry {
    Kind kind = Kind::kFolder;
    ListedTable listed;  // for a schema: `table` is the name of the schema
  };
  // By display name. For a schema, it is the beginning of the names of its tables. Two entries of one name differ in
  // kind.
  using Entries = std::multimap<std::string, Entry>;

  bool IsFull(const TablePage& page) const { return options_.limit != 0 && page.tables.size() >= options_.limit; }

  /// Moves the first tables to the page, up to the first entry that is not known yet.
  void TakeTables(TablePage& page) {
    while (!entries_.empty() && entries_.begin()->second.kind == Kind::kTable && !IsFull(page)) {
      page.tables.push_back(std::move(entries_.begin()->second.listed));
      entries_.erase(entries_.begin());
    }
  }

  /// True if a table is left among the entries.
  Result<bool> HasMore() {
    while (!entries_.empty()) {
      if (entries_.begin()->second.kind == Kind::kTable) return true;
      TRY(AskNext(1));
    }
    return false;
  }

  /// Finds out whether the next unknown entries are tables, for at most `wanted` tables.
  Result<void> AskNext(size_t wanted) {
    std::vector<Entries::iterator> unknown;
    size_t seen = 0;
    for (auto at = entries_.begin(); at != entries_.end() && seen < wanted && unknown.size() < kQuestionsAtOnce; ++at) {
      if (at->second.kind != Kind::kTable) unknown.push_back(at);
      seen++;
    }
    std::vector<Entries> found(unknown.size());
    TRY(ForEachInParallel(options_.executor, unknown.size(), [&](size_t i) -> Result<void> {
      const Entry& entry = unknown[i]->second;
      found[i] = TRY(entry.kind == Kind::kFolder ? AskFolder(entry.listed) : AskSchema(entry.listed.table));
      return {};
    }));
    for (size_t i = 0; i < unknown.size(); i++) {
      entries_.erase(unknown[i]);
      entries_.merge(found[i]);
    }
    return {};
  }

  Result<Entries> AskFolder(const ListedTable& listed) const {
    Entries found;
    const bool is_root = listed.schema == kRootSchema;
    const std::string name = DisplayName(listed.schema, listed.table);
    if (TRY(IsTable(context_, store_, is_root ? listed.table : listed.schema + "/" + listed.table))) {
      if (name > options_.after) found.emplace(name, Entry{.kind = Kind::kTable, .listed = listed});
    } else if (is_root && listed.table == kRootSchema) {
      NoteLeftOut(listed.table, "as a schema it would be the store's root");
    } else if (is_root) {
      found.emplace(name + ".", Entry{.kind = Kind::kSchema, .listed = listed});
    }
    return found;
  }

  Result<Entries> AskSchema(const std::string& schema) const {
    Entries found;
    auto folders = FindFolders(context_, store_, schema + "/", NoteLeftOut);
    if (!folders.ok() && MayPassOver(folders.error())) return found;
    for (std::string& table : TRY(std::move(folders))) {
      const std::string name = DisplayName(schema, table);
      if (name <= options_.after) continue;
      found.emplace(name, Entry{.kind = Kind::kFolder, .listed = {schema, std::move(table)}});
    }
    return found;
  }

  const Context& context_;
  store::ObjectStore& store_;
  const ListTablesOptions& options_;
  Entries entries_;
};

}  // namespace

std::string DisplayName(const std::string& schema, const std::string& table) {
  return schema == kRootSchema ? table : schema + "." + table;
}

std::string DisplayName(const TableRef& ref) { return DisplayName(ref.schema, ref.table); }

Result<TablePage> ListTables(const Context& context, store::ObjectStore& store, const ListTablesOptions& options) {
  return Walk(context, store, options).Run();
}

Result<std::vector<std::string>> ListTablesOf(const Context& context, store::ObjectStore& store,
                                              const std::string& schema, Executor* executor) {
  const std::string prefix = schema == kRootSchema ? "" : schema + "/";
  std::vector<std::string> folders = TRY(FindFolders(context, store, prefix, NoteLeftOut));
  std::vector<char> is_table(folders.size());  // not bool, because threads write neighbouring elements
  TRY(ForEachInParallel(executor, folders.size(), [&](size_t i) -> Result<void> {
    is_table[i] = TRY(IsTable(context, store, prefix + folders[i])) ? 1 : 0;
    return {};
  }));
  std::vector<std::string> tables;
  for (size_t i = 0; i < folders.size(); i++) {
    if (is_table[i] != 0) tables.push_back(std::move(folders[i]));
  }
  return tables;
}

Result<std::vector<std::string>> ListFolders(const Context& context, store::ObjectStore& store,
                                             const std::string& prefix) {
  return FindFolders(context, store, prefix, [](std::string_view, std::string_view) {});
}

}  // namespace yummy::lake
