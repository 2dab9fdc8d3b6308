#pragma once
// The folder into which one DuckDB instance spills. It holds data of tables, so it is removed with the instance. The
// next process removes folders that a killed process has left.

#include <string>

#include "yummy/base/result.h"

namespace yummy::duck {

/// A folder that only this user may read. It is removed with all its contents. A locked file in it tells other
/// processes that the folder is in use; the system releases the lock however the process ends.
class SpillFolder {
 public:
  /// Makes a folder below `parent`, and `parent` if it is missing. Without a parent, the system's folder for temporary
  /// files is used. Errors: Unavailable.
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

/// Removes the spill folders below `parent` whose process is gone: those that belong to this user, are closed to others
/// and are not locked. A folder that cannot be removed stays.
void SweepSpillFolders(const std::string& parent);

}  // namespace yummy::duck
