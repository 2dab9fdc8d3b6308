#pragma once
// The folder into which one DuckDB instance spills. It holds data of tables, so it goes with the instance; what a
// process that was killed has left is swept by the next one.

#include <string>

#include "yummy/base/result.h"

namespace yummy::duck {

/// A folder of its own, for this user alone, removed with all it holds. A lock on a file in it tells others that it is
/// in use: the system gives the lock back when the process ends, however it ends.
class SpillFolder {
 public:
  /// Below `parent`, which is made when it is missing; empty: the system's folder for temporary files. Errors:
  /// Unavailable.
  static Result<SpillFolder> Make(const std::string& parent);

  SpillFolder() = default;
  ~SpillFolder();
  SpillFolder(SpillFolder&& other) noexcept;
  SpillFolder& operator=(SpillFolder&& other) noexcept;

  const std::string& path() const { return path_; }

 private:
  std::string path_;  // empty: there is none
  int lock_ = -1;
};

/// Removes the spill folders below `parent` whose process is gone. Only those that are this user's, closed to others,
/// and that nobody has locked; what cannot be removed stays.
void SweepSpillFolders(const std::string& parent);

}  // namespace yummy::duck
