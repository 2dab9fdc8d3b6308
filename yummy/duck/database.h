#pragma once
// DuckDB as the SQL engine: one live instance, every configured store an attached catalogue of Delta tables.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/delta/table.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

class Session;

struct DatabaseOptions {
  size_t threads = 2;
  uint64_t memory_max_bytes = 0;  // 0: 60 % of the machine
  std::string temporary_folder;   // where instances make their folders for spilling; empty: the system's
  uint64_t temporary_max_bytes = 10ULL << 30;
};

/// What the catalogue asks of the layer above. Called from many threads.
/// Names are matched by the callee: exactly first, then ignoring case when only one fits.
struct Lookup {
  struct Store {
    std::string name;
    std::shared_ptr<store::ObjectStore> object_store;
    /// count(*), min and max may be answered from the logs' statistics, without opening a file. Off for logs that lie.
    bool count_from_statistics = true;
  };
  std::vector<Store> stores;  // fixed for the life of the Database
  /// `schema` is "main" for tables at the store's root. Errors: NotFound (TABLE_NOT_FOUND, NOT_A_DELTA_TABLE) …
  std::function<Result<std::shared_ptr<delta::Table>>(const Context&, const std::string& store,
                                                      const std::string& schema, const std::string& table)>
      find_table;
  std::function<Result<std::vector<std::string>>(const Context&, const std::string& store)>
      list_schemas;  // with "main"
  std::function<Result<std::vector<std::string>>(const Context&, const std::string& store, const std::string& schema)>
      list_tables;
};

/// Holds the live DuckDB instance. An INTERNAL or FATAL error of DuckDB retires the instance: queries that run on it end with
/// Internal and detail retryable=true, the next Connect builds and attaches a fresh one.
class Database : public std::enable_shared_from_this<Database> {
 public:
  /// Checks that the library is the version that the headers are of, locks the instance down and reads the lock back.
  /// Errors: Internal (another library version, a lock that does not hold).
  static Result<std::shared_ptr<Database>> Open(DatabaseOptions options, Lookup lookup);
  ~Database();

  /// A connection on the live instance. One statement at a time. Cheap: tens of microseconds.
  Result<std::unique_ptr<Session>> Connect();

  /// How many instances were built so far: 1 while nothing went wrong.
  int generation() const;

  struct State;
  State& state() const { return *state_; }

 private:
  Database();
  std::unique_ptr<State> state_;
};

/// The version of the linked DuckDB library: "v1.5.5".
std::string LibraryVersion();

}  // namespace yummy::duck
