#pragma once
// Bytes of data files, fetched before the scan asks for them, so that a scan of a store across a network waits for few
// answers: the footers of the files that come next, then the column chunks that the scan will read, several at a time.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/executor.h"
#include "yummy/base/lru_cache.h"
#include "yummy/delta/files/predicate.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/fetch/parquet_layout.h"
#include "yummy/store/object_store.h"

namespace yummy::fetch {

/// What all scans of an instance share: threads that wait for the network, the memory for what arrived early, decoded
/// footers. Safe from several threads.
class ReadAheadPool {
 public:
  static constexpr size_t kThreads = 32;
  static constexpr uint64_t kBytesMax = 256ULL << 20;
  static constexpr uint64_t kLayoutBytesMax = 64ULL << 20;

  explicit ReadAheadPool(uint64_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  /// Its threads start with the first call.
  Executor& executor();
  LruCache<ParquetLayout>& layouts() { return layouts_; }
  bool Reserve(uint64_t bytes);
  void Release(uint64_t bytes) { bytes_ -= bytes; }
  uint64_t reserved_bytes() const { return bytes_; }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> bytes_ = 0;
  LruCache<ParquetLayout> layouts_{kLayoutBytesMax};
  std::once_flag started_;
  std::unique_ptr<Executor> executor_;  // last: its tasks use the rest
};

/// A data file of a scan.
struct FileToScan {
  uint64_t id = 0;  // the delta::FileId
  store::ObjectMeta object;
  std::string duck_path;  // DuckDB's name of it, which names its content for good
};

struct ReadAheadOptions {
  std::shared_ptr<store::ObjectStore> store;
  Context context;  // of the request
  std::vector<WantedColumn> columns;
  delta::Predicate predicate = delta::Predicate::Unknown();  // what rows must satisfy
  std::shared_ptr<const delta::Schema> schema;               // names the predicate's columns
  size_t threads = 2;                                        // of the scan
  /// Up to `count` files that the scan will open after the first `opened`. They may change while the scan runs.
  std::function<std::vector<FileToScan>(size_t opened, size_t count)> upcoming;
  /// Starts fetching other data of these files, such as deletion vectors, by tasks of this context on the pool. Called
  /// more than once for a file.
  std::function<void(const Context& context, const std::vector<FileToScan>& files)> prefetch;
  /// True when the scan will not ask for the range, because DuckDB has it.
  std::function<bool(const FileToScan& file, const store::ByteRange& range)> is_cached;
  /// The scan may end, or learn to leave files out, after any file: the window starts empty and doubles with each file
  /// that is opened.
  bool careful = false;
  /// False when the scan has learnt meanwhile that it needs nothing of the file. Absent when it never does.
  std::function<bool(const FileToScan& file)> is_wanted;
};

/// What one scan fetches ahead. Safe from several threads.
class ReadAhead {
 public:
  static constexpr size_t kFilesMax = 32;             // begun and not opened yet
  static constexpr uint64_t kBytesMax = 64ULL << 20;  // fetched or on their way, and not read yet

  ReadAhead(ReadAheadPool& pool, ReadAheadOptions options);
  /// Cancels what is on its way, drops what is there.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  class File;
  /// The scan is about to open the file, in its order of files. Fetches more ahead.
  void Open(const FileToScan& file);
  /// A file that was opened, by its id; a null pointer when that is long ago.
  std::shared_ptr<File> Find(uint64_t id);

  struct State;

 private:
  const std::shared_ptr<State> state_;  // shared: with the tasks that are on their way
};

/// A file that is being scanned; it may outlive the ReadAhead. Safe from several threads.
class ReadAhead::File {
 public:
  struct Content;
  File(std::shared_ptr<State> scan, std::shared_ptr<Content> content);

  /// Fills `out` from `offset`, from what was fetched, else through `reader`.
  /// Errors: those of ObjectReader::ReadAt, of the request that fetched the bytes.
  Result<void> ReadAt(const Context& context, store::ObjectReader& reader, uint64_t offset, std::span<std::byte> out);

 private:
  const std::shared_ptr<State> scan_;       // shared: by the files of a scan
  const std::shared_ptr<Content> content_;  // shared: with the scan and its tasks
};

}  // namespace yummy::fetch
