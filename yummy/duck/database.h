#pragma once
// DuckDB as the SQL engine: one live instance, every configured store an attached catalogue of Delta tables.

#include <cstdint>
#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/lookup.h"

namespace yummy::duck {

class Session;

struct DatabaseOptions {
  size_t threads = 2;
  uint64_t memory_max_bytes = 0;  // 0: 60 % of the machine
  std::string temporary_folder;   // where instances make their folders for spilling; empty: the system's
  uint64_t temporary_max_bytes = 10ULL << 30;
};

/// Holds the live DuckDB instance. An INTERNAL or FATAL error of DuckDB retires the instance: queries that run on it
/// end with Internal and detail retryable=true, the next Connect builds and attaches a fresh one.
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
