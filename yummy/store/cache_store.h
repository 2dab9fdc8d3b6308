#pragma once
// Stores that answer reads of unchanging objects from local disk. Lists, Head and reads of other objects always reach
// the store.

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_set>

#include "yummy/store/disk_cache.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::store {

/// Caches GetKnown: commits, checkpoints, sidecars and deletion vectors. The key holds the store's root, the path,
/// etag, size and range. So a table that is dropped and created again is read again.
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

/// Caches OpenKnown: blocks of data files. The key holds the store's root, the path, size and modification time. A
/// block is kept when it is read for the second time, so that a single scan does not fill the cache.
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
