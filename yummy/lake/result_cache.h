#pragma once
// Keeps results of queries, and returns them again while their tables are unchanged
// (docs/adr/0006-results-are-kept-while-their-tables-are-unchanged.md).

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/session.h"

namespace yummy::lake {

/// A whole result and the tables that it was read from.
struct KeptResult {
  struct Read {
    duck::TableRead names;  // without the snapshot, so that it is not kept alive
    std::weak_ptr<const delta::Snapshot> snapshot;
  };
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  std::vector<Read> reads;
};

/// True if `snapshot` is the same object as the one that was read. So a table that was created again is another table.
bool IsUnchanged(const KeptResult::Read& read, const delta::SnapshotRef& snapshot);

/// Holds results up to a number of bytes; the least recently used is dropped first. The caller checks whether a result
/// is still right. Safe from several threads.
class ResultCache {
 public:
  /// With 0 it keeps no results.
  explicit ResultCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// Null if there is no result.
  std::shared_ptr<const KeptResult> Find(const std::string& key);

  /// Returns `result`. Once the caller has read it to its end, it is kept under `key`, if it is repeatable and small.
  /// The cache must outlive it.
  std::unique_ptr<duck::QueryResult> Keep(std::string key, std::unique_ptr<duck::QueryResult> result);

  uint64_t bytes() const;

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const KeptResult> result;
    uint64_t bytes = 0;
  };
  class Recorder;
  uint64_t result_bytes_max() const;
  void Put(std::string key, KeptResult result, uint64_t bytes);

  const uint64_t bytes_max_;
  mutable std::mutex mutex_;
  std::list<Entry> recent_;  // guarded by mutex_; the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator>
      by_key_;          // guarded by mutex_; views of the entries' keys
  uint64_t bytes_ = 0;  // guarded by mutex_
};

/// The batches of a kept result.
std::unique_ptr<duck::QueryResult> Replay(const Context& context, std::shared_ptr<const KeptResult> result);

}  // namespace yummy::lake
