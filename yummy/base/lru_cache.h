#pragma once
// A cache of immutable values by name. It drops the least recently used value first.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace yummy {

/// Bounded by the total cost of its values. Safe from several threads.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(uint64_t cost_max) : cost_max_(cost_max) {}

  /// Null when the cache does not hold it. `key` always names the same value.
  std::shared_ptr<const Value> Find(const std::string& key) {
    const std::scoped_lock lock(mutex_);
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    recent_.splice(recent_.begin(), recent_, found->second);
    return found->second->value;
  }

  void Put(const std::string& key, std::shared_ptr<const Value> value, uint64_t cost = 1) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = by_key_.find(key); found != by_key_.end()) Drop(found->second);
    recent_.push_front({key, std::move(value), cost});
    by_key_.emplace(key, recent_.begin());
    cost_ += cost;
    while (cost_ > cost_max_) Drop(std::prev(recent_.end()));
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const Value> value;
    uint64_t cost = 0;
  };
  using Entries = std::list<Entry>;

  void Drop(typename Entries::iterator entry) {
    cost_ -= entry->cost;
    by_key_.erase(entry->key);
    recent_.erase(entry);
  }

  const uint64_t cost_max_;
  std::mutex mutex_;
  Entries recent_;                                                      // guarded by mutex_; newest first
  std::unordered_map<std::string, typename Entries::iterator> by_key_;  // guarded by mutex_
  uint64_t cost_ = 0;                                                   // guarded by mutex_
};

}  // namespace yummy
