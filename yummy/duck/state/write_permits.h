#pragma once
// The files that a statement may create.

#include <mutex>
#include <set>
#include <string>

namespace yummy::duck {

/// Safe from several threads.
class WritePermits {
 public:
  /// Lets the statement create the file `path` (yummy://…).
  void Allow(std::string path);
  /// True if the statement may create the file.
  bool Has(const std::string& path) const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::set<std::string> paths_;  // guarded by mutex_
};

}  // namespace yummy::duck
