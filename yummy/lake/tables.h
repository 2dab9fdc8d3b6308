#pragma once
// The tables of all stores by their names. A path has one delta::Table, which keeps its newest snapshot.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/delta/commit/table.h"
#include "yummy/lake/name.h"
#include "yummy/lake/stores.h"

namespace yummy {
class Executor;
}

namespace yummy::lake {

/// Safe from several threads.
class Tables {
 public:
  /// `stores` and the executors outlive it. `readers` reads logs; `background` writes checkpoints. At most `tables_max`
  /// tables that are not in use stay in memory with their newest snapshots.
  Tables(const Stores& stores, Executor& readers, Executor& background, size_t tables_max = 10'000)
      : stores_(stores), readers_(readers), background_(background), tables_max_(tables_max) {}

  /// The table of these names, ignoring case if only one fits.
  /// Errors: NotFound (STORE_NOT_FOUND, TABLE_NOT_FOUND, NOT_A_DELTA_TABLE), InvalidArgument (INVALID_NAME), those of
  /// the store.
  Result<std::shared_ptr<delta::Table>> Find(const Context& context, const TableRef& ref);
  /// The table to create: the result of Find, or else a table without a log. Errors: InvalidArgument (INVALID_NAME:
  /// another table or a schema is in the way, or a new table may not have the name), NotFound (STORE_NOT_FOUND).
  Result<std::shared_ptr<delta::Table>> FindOrMake(const Context& context, const TableRef& ref);
  /// Splits "schema.table" according to the folders of the store. Errors: InvalidArgument (INVALID_NAME), NotFound
  /// (STORE_NOT_FOUND).
  Result<TableRef> Resolve(const Context& context, const std::string& store, const std::string& table);
  /// The schemas of a store, sorted: "main", and the folders that hold tables but are not tables themselves.
  Result<std::vector<std::string>> SchemaNames(const Context& context, const Store& store) const;

 private:
  struct Entry {
    std::shared_ptr<delta::Table> table;
    std::atomic<uint64_t> used = 0;  // the value of uses_ when it was last found
  };

  std::shared_ptr<delta::Table> Known(const Store& store, const std::string& path);
  std::shared_ptr<delta::Table> Make(const Store& store, const std::string& path) const;
  std::shared_ptr<delta::Table> Keep(const Store& store, std::shared_ptr<delta::Table> table);
  Result<std::shared_ptr<delta::Table>> Load(const Context& context, const Store& store, const std::string& path);
  Result<void> CheckNotInsideTable(const Context& context, const Store& store, const TableRef& ref) const;

  const Stores& stores_;
  Executor& readers_;
  Executor& background_;
  const size_t tables_max_;
  std::atomic<uint64_t> uses_ = 0;
  std::shared_mutex mutex_;
  std::map<std::pair<std::string, std::string>, Entry> tables_;  // by store and path; guarded by mutex_
};

}  // namespace yummy::lake
