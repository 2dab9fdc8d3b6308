#pragma once
// What writers that were killed left in the folders of a local store: found and removed when the folder is written
// next.

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "yummy/store/local_file.h"

namespace yummy::store {

/// Marks an open temporary file as one of a writer that lives, until it is closed: also by the death of the process.
void MarkAlive(const Descriptor& temporary_file);

/// Sweeps each folder once a day. Safe from several threads.
class Sweep {
 public:
  /// Removes the temporary files in the folder `path`, which is open as `folder`, that this store's writers made, that
  /// nobody has open for writing, and that are older than a day. Those of others stay, whatever their age. What fails
  /// is left for the next time.
  void Visit(const Descriptor& folder, std::string_view path);

 private:
  bool IsDue(std::string_view path);

  std::mutex mutex_;
  std::unordered_set<std::string> visited_;              // guarded by mutex_, as what follows
  std::chrono::steady_clock::time_point visited_since_;  // when visited_ was empty last
};

}  // namespace yummy::store
