#pragma once
// The state of an instance that DuckDB's callbacks look up.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "yummy/base/result.h"
#include "yummy/duck/lookup.h"
#include "yummy/fetch/read_ahead.h"
#include "yummy/fetch/vector_cache.h"

namespace yummy::duck {

class ObjectStoreFileSystem;

/// The files whose reading made DuckDB invalidate itself. They are refused until the process ends. Safe from several
/// threads.
class RefusedFiles {
 public:
  void Refuse(const std::string& path, uint64_t size_bytes);
  /// Errors: Corrupt (CORRUPT_DATA_FILE).
  Result<void> Check(const std::string& path, uint64_t size_bytes) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, uint64_t>> files_;  // guarded by mutex_
};

/// Shared by the catalogue, scans and file system of one instance. Lives as long as the instance.
struct InstanceInfo {
  std::shared_ptr<const Lookup> lookup;
  uint64_t token = 0;                            // capability to read files; random per instance
  std::shared_ptr<RefusedFiles> refused_files;   // shared: outlives the instance that refused a file
  ObjectStoreFileSystem* file_system = nullptr;  // owned by DuckDB's virtual file system
  fetch::VectorCache deletion_vectors;
  std::unique_ptr<fetch::ReadAheadPool> read_ahead = std::make_unique<fetch::ReadAheadPool>();

  const Lookup::Store& store(size_t ordinal) const { return lookup->stores.at(ordinal); }
  /// Ignores case, because DuckDB compares names of catalogues so.
  bool IsStore(const std::string& name) const;
};

}  // namespace yummy::duck
