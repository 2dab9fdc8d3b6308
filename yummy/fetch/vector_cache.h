#pragma once
// Deletion vectors of data files: those that were read lately, and those that are on their way because a scan will need
// them.

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

  /// The vector of a file that has one: waits for it while it is on its way, else reads it.
  /// Errors: those of delta::ReadDeletionVector.
  Result<VectorRef> Load(const Context& context, size_t store_ordinal, const delta::Snapshot& snapshot,
                         const delta::FileView& file);

  /// Begins to read what is not there yet of the vectors of `files`, which lie in one file, by one request. An error is
  /// left to Load, which then reads by itself. `executor` must end before this object does.
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

/// Which vectors a scan reads together: neighbours in one file of vectors. Safe from several threads.
class VectorPlan {
 public:
  static constexpr uint64_t kGapBytesMax = 64 << 10;
  static constexpr uint64_t kRequestBytesMax = 1 << 20;

  /// Of the files of a scan.
  VectorPlan(const delta::Snapshot& snapshot, const std::vector<delta::FileId>& files);
  /// The files whose vectors are to be read with that of `file`; nothing when that was said before, or when it has none
  /// to read.
  std::vector<delta::FileId> Take(delta::FileId file);

 private:
  std::mutex mutex_;
  std::vector<std::vector<delta::FileId>> groups_;            // guarded by mutex_; empty when taken
  std::unordered_map<delta::FileId, size_t> group_of_files_;  // positions in groups_
};

}  // namespace yummy::fetch
