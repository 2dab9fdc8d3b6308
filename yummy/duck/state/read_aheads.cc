#include "yummy/duck/state/read_aheads.h"

namespace yummy::duck {

void ReadAheads::Add(const void* scan, std::weak_ptr<fetch::ReadAhead> read_ahead) {
  std::scoped_lock lock(mutex_);
  read_aheads_.emplace_back(scan, std::move(read_ahead));
}

std::optional<uint64_t> ReadAheads::NumberOf(const void* scan) const {
  std::scoped_lock lock(mutex_);
  // Searches from the end, because a new scan may have the address of one that is over.
  for (size_t i = read_aheads_.size(); i > 0; i--) {
    if (read_aheads_[i - 1].first == scan) return i - 1;
  }
  return std::nullopt;
}

std::shared_ptr<fetch::ReadAhead> ReadAheads::Find(uint64_t number) const {
  std::scoped_lock lock(mutex_);
  return number < read_aheads_.size() ? read_aheads_[number].second.lock() : nullptr;
}

void ReadAheads::Clear() {
  const std::scoped_lock lock(mutex_);
  read_aheads_.clear();
}

}  // namespace yummy::duck
