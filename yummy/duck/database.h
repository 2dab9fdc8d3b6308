#pragma once
// DuckDB as the SQL engine: one live instance, in which every configured store is an attached catalogue of Delta
// tables.

#include <cstdint>
#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/lookup.h"

namespace yummy::duck {

class Session;

struct DatabaseOptions {
  size_t threads = 2;
  uint64_t memory_max_bytes = 0;  // 0: 60 % of the machine's memory
  std::string temporary_folder;   // instances make their spill folders in it; empty: the system's folder
  uint64_t temporary_max_bytes = 10ULL << 30;
};

/// Holds the live DuckDB instance. An INTERNAL or FATAL error of DuckDB retires it: its running queries end with
/// Internal and detail retryable=true, and the next Connect builds a fresh instance.
class Database : public std::enable_shared_from_this<Database> {
 public:
  /// Checks that the library has the version of the headers, locks the instance down, and reads the locked settings
  /// back.
  /// Errors: Internal (another library version, a lock that does not hold).
  static Result<std::shared_ptr<Database>> Open(DatabaseOptions options, Lookup lookup);
  ~Database();

  /// A connection to the live instance, for one statement at a time. Cheap: tens of microseconds.
  Result<std::unique_ptr<Session>> Connect();

  /// The number of instances that were built so far: 1 while nothing went wrong.
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
