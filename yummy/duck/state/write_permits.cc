#include "yummy/duck/state/write_permits.h"

#include <utility>

namespace yummy::duck {

void WritePermits::Allow(std::string path) {
  const std::scoped_lock lock(mutex_);
  paths_.insert(std::move(path));
}

bool WritePermits::Has(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  return paths_.contains(path);
}

void WritePermits::Clear() {
  const std::scoped_lock lock(mutex_);
  paths_.clear();
}

}  // namespace yummy::duck
