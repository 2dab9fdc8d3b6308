#pragma once
// Fetches bytes of data files before the scan asks for them, so that a scan of a store across a network waits for few
// answers. It fetches the footers of the next files, and then the column chunks that the scan will read, several at a
// time.

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

/// Shared by all scans of an instance: threads that wait for the network, a limit on the memory for fetched bytes, and
/// decoded footers. Safe from several threads.
class ReadAheadPool {
 public:
  static constexpr size_t kThreads = 32;
  static constexpr uint64_t kBytesMax = 256ULL << 20;
  static constexpr uint64_t kLayoutBytesMax = 64ULL << 20;

  explicit ReadAheadPool(uint64_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  /// The threads start with the first call.
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
  std::string duck_path;  // DuckDB's name of the file; it never names other content
};

struct ReadAheadOptions {
  std::shared_ptr<store::ObjectStore> store;
  Context context;  // of the request
  std::vector<WantedColumn> columns;
  delta::Predicate predicate = delta::Predicate::Unknown();  // the rows of the scan satisfy it
  std::shared_ptr<const delta::Schema> schema;               // names the predicate's columns
  size_t threads = 2;                                        // the threads of the scan
  /// Up to `count` files that the scan will open after the first `opened`. They may change while the scan runs.
  std::function<std::vector<FileToScan>(size_t opened, size_t count)> upcoming;
  /// Starts fetching other data of these files, such as deletion vectors, by tasks of this context on the pool. Called
  /// more than once for a file.
  std::function<void(const Context& context, const std::vector<FileToScan>& files)> prefetch;
  /// True if the scan will not ask for the range, because DuckDB has it in its cache.
  std::function<bool(const FileToScan& file, const store::ByteRange& range)> is_cached;
  /// True if the scan may end, or may learn to skip files, after any file. Then the window starts empty and doubles
  /// with each file that is opened.
  bool careful = false;
  /// False if the scan has learnt meanwhile that it can skip the file. Empty if the scan never learns that.
  std::function<bool(const FileToScan& file)> is_wanted;
};

/// The read-ahead of one scan. Safe from several threads.
class ReadAhead {
 public:
  static constexpr size_t kFilesMax = 32;             // files that are begun, but not opened yet
  static constexpr uint64_t kBytesMax = 64ULL << 20;  // bytes that are fetched or in flight, but not read yet

  ReadAhead(ReadAheadPool& pool, ReadAheadOptions options);
  /// Cancels requests in flight and drops fetched bytes.
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  class File;
  /// Call it when the scan is about to open the file. Fetches more files ahead.
  void Open(const FileToScan& file);
  /// An opened file by its id; null if it was opened long ago.
  std::shared_ptr<File> Find(uint64_t id);

  struct State;

 private:
  const std::shared_ptr<State> state_;  // shared: with the running tasks
};

/// A file that is being scanned; it may outlive the ReadAhead. Safe from several threads.
class ReadAhead::File {
 public:
  struct Content;
  File(std::shared_ptr<State> scan, std::shared_ptr<Content> content);

  /// Fills `out` from `offset`, with fetched bytes, or else through `reader`.
  /// Errors: those of ObjectReader::ReadAt, and those of the request that fetched the bytes.
  Result<void> ReadAt(const Context& context, store::ObjectReader& reader, uint64_t offset, std::span<std::byte> out);

 private:
  const std::shared_ptr<State> scan_;       // shared: by the files of a scan
  const std::shared_ptr<Content> content_;  // shared: with the scan and its tasks
};

}  // namespace yummy::fetch
