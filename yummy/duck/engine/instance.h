#pragma once
// One DuckDB instance with all stores attached, locked down. It is retired as a whole when DuckDB invalidates it.

#include <atomic>
#include <memory>
#include <mutex>
#include <set>

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/database.h"
#include "yummy/duck/engine/spill_folder.h"
#include "yummy/duck/state/instance_info.h"

namespace yummy::duck {

class Instance {
 public:
  /// Builds the instance, attaches the stores, locks it down, and reads the locked settings back.
  /// Errors: Internal (another library version, a setting that does not hold).
  static Result<std::shared_ptr<Instance>> Open(const DatabaseOptions& options, std::shared_ptr<const Lookup> lookup,
                                                std::shared_ptr<RefusedFiles> refused_files);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  duckdb::DuckDB& database() { return *database_; }
  InstanceInfo& info() { return *info_; }
  bool retired() const { return retired_.load(); }
  /// From now on no session begins on it. Interrupts its running queries.
  void Retire();

  /// True once DuckDB has invalidated itself (an INTERNAL or FATAL error while a query ran).
  bool invalidated();

  /// A registered connection is interrupted when the instance retires.
  void Register(duckdb::Connection& connection);
  void Unregister(duckdb::Connection& connection);

 private:
  Instance() = default;
  Result<void> Attach(duckdb::Connection& connection);
  std::shared_ptr<InstanceInfo> info_;  // shared with DuckDB's copy of the storage extension
  SpillFolder spill_folder_;
  std::unique_ptr<duckdb::DuckDB> database_;
  std::atomic<bool> retired_ = false;
  std::mutex mutex_;
  std::set<duckdb::Connection*> connections_;  // guarded by mutex_
};

}  // namespace yummy::duck
