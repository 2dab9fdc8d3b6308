#pragma once
// A cache of deletion vectors of data files. It can also start reading vectors that a scan will need.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/executor.h"
#include "yummy/base/lru_cache.h"
#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::fetch {

/// Safe from several threads.
class VectorCache {
 public:
  using VectorRef = std::shared_ptr<const delta::DeletionVector>;
  static constexpr uint64_t kBytesMax = 64ULL << 20;

  /// The vector of a file that has one. If it is being read, this waits for it; otherwise it reads it.
  /// Errors: those of delta::ReadDeletionVector.
  Result<VectorRef> Load(const Context& context, size_t store_ordinal, const delta::Snapshot& snapshot,
                         const delta::FileView& file);

  /// Starts one request for those vectors of `files` that are not cached; all lie in one file. Errors are ignored,
  /// because Load then reads the vector itself. `executor` must end before this object does.
  void Prefetch(const Context& context, Executor& executor, size_t store_ordinal, delta::SnapshotRef snapshot,
                const std::vector<delta::FileId>& files);

 private:
  struct Wanted {
    std::string key;
    delta::FileId file = 0;
  };
  void Fetch(const Context& context, const delta::Snapshot& snapshot, const std::vector<Wanted>& wanted);
  VectorRef Keep(const std::string& key, delta::DeletionVector vector, const delta::FileView& file);
  void Arrive(const std::vector<Wanted>& wanted);

  LruCache<delta::DeletionVector> cache_{kBytesMax};
  std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::set<std::string> on_their_way_;  // guarded by mutex_; keys of the cache
};

/// Decides which vectors a scan reads together: those that lie beside each other in one file. Safe from several
/// threads.
class VectorPlan {
 public:
  static constexpr uint64_t kGapBytesMax = 64 << 10;
  static constexpr uint64_t kRequestBytesMax = 1 << 20;

  /// `files` are the data files of the scan.
  VectorPlan(const delta::Snapshot& snapshot, const std::vector<delta::FileId>& files);
  /// The files whose vectors should be read together with that of `file`. Empty if an earlier call returned them, or if
  /// the file has no vector to read.
  std::vector<delta::FileId> Take(delta::FileId file);

 private:
  std::mutex mutex_;
  std::vector<std::vector<delta::FileId>> groups_;            // guarded by mutex_; empty when taken
  std::unordered_map<delta::FileId, size_t> group_of_files_;  // positions in groups_
};

}  // namespace yummy::fetch
