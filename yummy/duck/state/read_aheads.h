#pragma once
// The ReadAheads of a statement's scans. The code that opens their files looks them up here.

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
  /// Adds the ReadAhead of a scan. It can be found as long as the scan lives. `scan` is the global state of the scan.
  void Add(const void* scan, std::weak_ptr<fetch::ReadAhead> read_ahead);
  /// The number of a scan's ReadAhead; absent if the scan has none.
  std::optional<uint64_t> NumberOf(const void* scan) const;
  /// The ReadAhead of this number; null if it is gone.
  std::shared_ptr<fetch::ReadAhead> Find(uint64_t number) const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<const void*, std::weak_ptr<fetch::ReadAhead>>> read_aheads_;  // guarded by mutex_; by number
};

}  // namespace yummy::duck
