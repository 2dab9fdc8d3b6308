#pragma once
// One DuckDB instance: built, every store attached, locked down. Retired as a whole when DuckDB invalidates it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "yummy/duck/database.h"
#include "yummy/duck/deletion_vectors.h"
#include "yummy/duck/duckdb_headers.h"
#include "yummy/duck/read_ahead.h"
#include "yummy/duck/spill_folder.h"

namespace yummy::duck {

class ObjectStoreFileSystem;

/// The name of our storage extension: ATTACH '<store ordinal>' AS "<store name>" (TYPE yummy_delta). catalog.h registers it.
inline constexpr const char* kStorageType = "yummy_delta";

/// Files whose reading made DuckDB invalidate itself: refused until the process ends. Safe from several threads.
class RefusedFiles {
 public:
  void Refuse(const std::string& path, uint64_t size_bytes);
  /// Errors: Corrupt (CORRUPT_DATA_FILE).
  Result<void> Check(const std::string& path, uint64_t size_bytes) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, uint64_t>> files_;  // guarded by mutex_
};

/// What catalogue, scans and file system of one instance share. Lives as long as the instance.
struct InstanceInfo {
  std::shared_ptr<const Lookup> lookup;
  uint64_t token = 0;                            // capability to read files; random per instance
  std::shared_ptr<RefusedFiles> refused_files;   // shared: outlives the instance that refused a file
  ObjectStoreFileSystem* file_system = nullptr;  // owned by DuckDB's virtual file system
  DeletionVectors deletion_vectors;
  std::unique_ptr<ReadAheadPool> read_ahead = std::make_unique<ReadAheadPool>();

  const Lookup::Store& store(size_t ordinal) const { return lookup->stores.at(ordinal); }
  /// Ignoring case, as DuckDB compares names of catalogues.
  bool IsStore(const std::string& name) const;
};

class Instance {
 public:
  /// Builds, attaches, locks down and reads the lock back.
  /// Errors: Internal (another library version, a setting that does not hold).
  static Result<std::shared_ptr<Instance>> Open(const DatabaseOptions& options, std::shared_ptr<const Lookup> lookup,
                                                std::shared_ptr<RefusedFiles> refused_files);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  duckdb::DuckDB& database() { return *database_; }
  InstanceInfo& info() { return *info_; }
  bool retired() const { return retired_.load(); }
  /// No session begins on it from now on. Interrupts what runs on it.
  void Retire();

  /// True after DuckDB invalidated itself (an INTERNAL or FATAL error while a query ran).
  bool invalidated();

  /// While registered, a connection is interrupted when the instance retires.
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
