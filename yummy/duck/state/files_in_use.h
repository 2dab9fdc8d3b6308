#pragma once
// Which data file each thread of a statement reads, to name the one that brought the engine down.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace yummy::duck {

/// A data file as an error names it.
struct DataFile {
  std::string path;  // yummy://<store>/<path in the store>
  uint64_t size_bytes = 0;
};

/// Safe from several threads.
class FilesInUse {
 public:
  /// The file that the calling thread reads from now on. For the file system and the file reader.
  void Note(const DataFile& file);
  /// An error that comes next is not the fault of the calling thread's file.
  void Acquit();
  /// Names the calling thread's file as the one whose reading threw an INTERNAL error: to be called in the catch block
  /// around the reader, before the exception goes on. The file is refused until restart.
  void Suspect();
  std::optional<DataFile> suspect() const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::thread::id, DataFile> files_;  // guarded by mutex_
  std::optional<DataFile> suspect_;            // guarded by mutex_
};

}  // namespace yummy::duck
