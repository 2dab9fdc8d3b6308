#pragma once
// Removes temporary files that killed writers left in the folders of a local store, when the folder is next written to.

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "yummy/store/local_file.h"

namespace yummy::store {

/// Marks an open temporary file as belonging to a live writer. The mark ends when the file is closed, also by the death
/// of the process.
void MarkAlive(const Descriptor& temporary_file);

/// Sweeps each folder once a day. Safe from several threads.
class Sweep {
 public:
  /// Removes temporary files in the folder `path`, which is open as `folder`. It removes those that writers of this
  /// store made, that nobody has open for writing, and that are older than a day. Files of other programs stay,
  /// whatever their age. A file that cannot be removed is left for the next time.
  void Visit(const Descriptor& folder, std::string_view path);

 private:
  bool IsDue(std::string_view path);

  std::mutex mutex_;
  std::unordered_set<std::string> visited_;              // guarded by mutex_, as is visited_since_
  std::chrono::steady_clock::time_point visited_since_;  // when visited_ was last empty
};

}  // namespace yummy::store
