#pragma once
// Results of queries, given again while every table that they came from is unchanged
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

/// A whole result and what it came from.
struct KeptResult {
  struct Read {
    duck::TableRead names;  // without its snapshot, which is not kept alive
    std::weak_ptr<const delta::Snapshot> snapshot;
  };
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  std::vector<Read> reads;
};

/// Whether `snapshot` is the one that was read: the very object, so that a table that was made anew is another one.
bool IsUnchanged(const KeptResult::Read& read, const delta::SnapshotRef& snapshot);

/// Holds results up to a number of bytes; the ones that were not asked for the longest go first. Whether a result still
/// holds is the caller's question. Safe from several threads.
class ResultCache {
 public:
  /// 0: keeps nothing.
  explicit ResultCache(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  /// A null pointer when there is none.
  std::shared_ptr<const KeptResult> Find(const std::string& key);

  /// `result` itself, which is kept under `key` as it is read to its end, if it is repeatable and small.
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
  std::list<Entry> recent_;                                                  // guarded by mutex_; the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // guarded by mutex_; the entries' own keys
  uint64_t bytes_ = 0;                                                       // guarded by mutex_
};

/// The batches of a kept result.
std::unique_ptr<duck::QueryResult> Replay(const Context& context, std::shared_ptr<const KeptResult> result);

}  // namespace yummy::lake
