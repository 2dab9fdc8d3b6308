#include "yummy/lake/stores.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/base/text.h"
#include "yummy/store/cache_store.h"
#include "yummy/store/disk_cache.h"
#include "yummy/store/limit_store.h"
#include "yummy/store/open_store.h"
#include "yummy/store/probe_store.h"

namespace yummy::lake {
namespace {

Error StoreNotFound(std::string_view store) {
  return Error(ErrorCode::kNotFound, fmt::format("no store is named '{}'", store)).WithReason(Reason::kStoreNotFound);
}

struct Caches {
  std::shared_ptr<store::DiskCache> log;
  std::shared_ptr<store::DiskCache> data;
};

Result<Caches> OpenCaches(const CacheConfig& config) {
  Caches caches;
  const auto open = [&](std::string_view name, uint64_t size_bytes) -> Result<std::shared_ptr<store::DiskCache>> {
    if (config.path.empty() || size_bytes == 0) return std::shared_ptr<store::DiskCache>();
    auto cache =
        store::DiskCache::Open({.folder = fmt::format("{}{}", config.path, name), .size_bytes_max = size_bytes});
    if (cache.ok()) return std::shared_ptr<store::DiskCache>(std::move(*cache));
    // A folder that other users could write to is an error. A full or failing disk only makes tables slow, so it is
    // not.
    if (cache.error().code() == ErrorCode::kInvalidArgument) return std::move(cache).error().Prefixed("cache");
    Log(LogLevel::kWarn, "going on without the cache: {}", cache.error().ToString());
    return std::shared_ptr<store::DiskCache>();
  };
  caches.log = TRY(open("log", config.log_bytes));
  caches.data = TRY(open("data", config.data_bytes));
  return caches;
}

// Wraps a store across a network; local disk needs none of this. The caches stand before the limits, so a cache hit
// does not count against the request limit.
std::shared_ptr<store::ObjectStore> WrapFar(std::shared_ptr<store::ObjectStore> store, const LimitsConfig& limits,
                                            const Caches& caches) {
  store = std::make_shared<store::ProbeStore>(std::move(store));
  store = std::make_shared<store::LimitStore>(
      std::move(store),
      store::RequestLimits{limits.store_log_requests, limits.store_data_requests, limits.store_background_requests});
  if (caches.log) store = std::make_shared<store::LogCacheStore>(std::move(store), caches.log);
  if (caches.data) store = std::make_shared<store::BlockCacheStore>(std::move(store), caches.data);
  return store;
}

}  // namespace

Result<Stores> Stores::Open(const Config& config) {
  Stores stores;
  std::optional<Caches> caches;  // opened once a store needs them
  for (const StoreConfig& store : config.stores) {
    auto opened = store::OpenStore(store.path, store.storage_options);
    if (!opened.ok()) return std::move(opened).error().Prefixed(fmt::format("store '{}'", store.name));
    std::shared_ptr<store::ObjectStore> object_store = std::move(*opened);
    if (!object_store->capabilities().is_local) {
      if (!caches) caches = TRY(OpenCaches(config.cache));
      object_store = WrapFar(std::move(object_store), config.limits, *caches);
    }
    stores.stores_[store.name] = {store, std::move(object_store)};
  }
  return stores;
}

Result<const Store*> Stores::Find(const std::string& name) const {
  const auto found = stores_.find(name);
  if (found != stores_.end()) return &found->second;
  const Store* match = nullptr;
  for (const auto& [other, store] : stores_) {
    if (!EqualsIgnoringCase(other, name)) continue;
    if (match != nullptr) return StoreNotFound(name);
    match = &store;
  }
  if (match == nullptr) return StoreNotFound(name);
  return match;
}

bool Stores::any_is_far() const {
  return std::any_of(stores_.begin(), stores_.end(),
                     [](const auto& entry) { return !entry.second.object_store->capabilities().is_local; });
}

}  // namespace yummy::lake
