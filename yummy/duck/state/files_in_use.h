#pragma once
// Records which data file each thread of a statement reads, in order to name the file that invalidated the engine.

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace yummy::duck {

/// A data file, for errors.
struct DataFile {
  std::string path;  // yummy://<store>/<path in the store>
  uint64_t size_bytes = 0;
};

/// Safe from several threads.
class FilesInUse {
 public:
  /// Records the file that the calling thread reads from now on. For the file system and the file reader.
  void Note(const DataFile& file);
  /// Says that the next error is not the fault of the calling thread's file.
  void Acquit();
  /// Says that reading the calling thread's file threw an INTERNAL error. Call it in the catch block around the reader,
  /// before the exception is rethrown. The file is then refused until restart.
  void Suspect();
  std::optional<DataFile> suspect() const;
  void Clear();

 private:
  mutable std::mutex mutex_;
  std::map<std::thread::id, DataFile> files_;  // guarded by mutex_
  std::optional<DataFile> suspect_;            // guarded by mutex_
};

}  // namespace yummy::duck
