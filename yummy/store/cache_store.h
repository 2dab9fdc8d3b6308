#pragma once
// Stores that answer from local disk what never changes. Lists, absences and questions always reach the store.

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "yummy/store/disk_cache.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::store {

/// GetKnown through a cache: of a table's log, commits, checkpoints, sidecars and deletion vectors. The key holds the
/// store's root, the path, etag, size and range, so that a table that is dropped and made anew is read anew.
class LogCacheStore final : public WrapperStore {
 public:
  /// shared: one cache serves all stores.
  LogCacheStore(std::shared_ptr<ObjectStore> store, std::shared_ptr<DiskCache> cache)
      : WrapperStore(std::move(store)), cache_(std::move(cache)) {}

  Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                               std::optional<ByteRange> range = {}) override;

 private:
  const std::shared_ptr<DiskCache> cache_;
};

/// OpenKnown through a cache of blocks: of data files. The key holds the store's root, the path, size and time of
/// change. A block is kept when it is wanted for the second time: what is read once passes by.
class BlockCacheStore final : public WrapperStore {
 public:
  static constexpr uint64_t kBlockBytes = uint64_t{1} << 20;

  BlockCacheStore(std::shared_ptr<ObjectStore> store, std::shared_ptr<DiskCache> cache);
  ~BlockCacheStore() override;

  Result<std::unique_ptr<ObjectReader>> OpenKnown(const Context& context, const ObjectMeta& object) override;

 private:
  class Seen;
  class Reader;
  const std::shared_ptr<DiskCache> cache_;
  const std::shared_ptr<Seen> seen_;  // shared: with the readers
};

}  // namespace yummy::store
