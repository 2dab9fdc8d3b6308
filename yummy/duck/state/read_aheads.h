#pragma once
// What the scans of a statement read ahead, for those that open their files.

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace yummy::fetch {
class ReadAhead;
}

namespace yummy::duck {

/// Safe from several threads.
class ReadAheads {
 public:
  /// Lets it be found as long as the scan lives. `scan` is the scan's global state.
  void Add(const void* scan, std::weak_ptr<fetch::ReadAhead> read_ahead);
  /// The number of a scan's ReadAhead; absent when it has none.
  std::optional<uint64_t> NumberOf(const void* scan) const;
  /// A null pointer when there is none of this number any more.
  std::shared_ptr<fetch::ReadAhead> Find(uint64_t number) const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<const void*, std::weak_ptr<fetch::ReadAhead>>> read_aheads_;  // guarded by mutex_; by number
};

}  // namespace yummy::duck
