#include "yummy/lake/result_cache.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/byte_size.h>

namespace yummy::lake {

namespace {

constexpr uint64_t kResultBytesMax = 1 << 20;
constexpr uint64_t kResultShareMax = 8;  // a result takes at most this fraction of the cache
// The memory of an entry besides its values: objects of Arrow, of the list and of the map.
constexpr uint64_t kEntryBytes = 1024;
constexpr uint64_t kColumnBytes = 512;

uint64_t BytesOf(const arrow::RecordBatch& batch) {
  return static_cast<uint64_t>(arrow::util::TotalBufferSize(batch)) +
         static_cast<uint64_t>(batch.num_columns()) * kColumnBytes;
}

class ReplayedResult final : public duck::QueryResult {
 public:
  ReplayedResult(const Context& context, std::shared_ptr<const KeptResult> result)
      : context_(context), result_(std::move(result)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return result_->schema; }
  const std::optional<std::vector<duck::TableRead>>& reads() const override { return reads_; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    TRY(context_.Check());
    return given_ < result_->batches.size() ? result_->batches[given_++] : nullptr;
  }

 private:
  const Context context_;
  const std::shared_ptr<const KeptResult> result_;
  const std::optional<std::vector<duck::TableRead>> reads_;  // absent, because a kept result must not be kept again
  size_t given_ = 0;
};

}  // namespace

class ResultCache::Recorder final : public duck::QueryResult {
 public:
  Recorder(ResultCache& cache, std::string key, std::unique_ptr<duck::QueryResult> result)
      : cache_(cache), key_(std::move(key)), result_(std::move(result)), bytes_(kEntryBytes + key_.size()) {
    kept_.emplace();
    kept_->schema = result_->schema();
    for (duck::TableRead read : *result_->reads()) {
      const std::weak_ptr<const delta::Snapshot> snapshot = std::exchange(read.snapshot, nullptr);
      kept_->reads.push_back({std::move(read), snapshot});
    }
  }

  const std::shared_ptr<arrow::Schema>& schema() const override { return result_->schema(); }
  const std::optional<std::vector<duck::TableRead>>& reads() const override { return result_->reads(); }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    std::shared_ptr<arrow::RecordBatch> batch = TRY(result_->Next());
    if (!kept_) return batch;
    if (!batch) {
      cache_.Put(std::move(key_), *std::exchange(kept_, std::nullopt), bytes_);
      return batch;
    }
    bytes_ += BytesOf(*batch);
    if (bytes_ > cache_.result_bytes_max()) {
      kept_.reset();
    } else {
      kept_->batches.push_back(batch);
    }
    return batch;
  }

 private:
  ResultCache& cache_;
  std::string key_;
  std::unique_ptr<duck::QueryResult> result_;
  uint64_t bytes_;
  std::optional<KeptResult> kept_;  // absent once it grew too large, and at the end
};

bool IsUnchanged(const KeptResult::Read& read, const delta::SnapshotRef& snapshot) {
  // Compares the owners, so that a destroyed snapshot is not mistaken for a new one at the same address.
  return !read.snapshot.owner_before(snapshot) && !snapshot.owner_before(read.snapshot);
}

uint64_t ResultCache::result_bytes_max() const { return std::min(kResultBytesMax, bytes_max_ / kResultShareMax); }

std::shared_ptr<const KeptResult> ResultCache::Find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->result;
}

std::unique_ptr<duck::QueryResult> ResultCache::Keep(std::string key, std::unique_ptr<duck::QueryResult> result) {
  if (bytes_max_ == 0 || !result->reads()) return result;
  return std::make_unique<Recorder>(*this, std::move(key), std::move(result));
}

void ResultCache::Put(std::string key, KeptResult result, uint64_t bytes) {
  std::list<Entry> dropped;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  const auto drop = [&](std::list<Entry>::iterator entry) {
    bytes_ -= entry->bytes;
    by_key_.erase(entry->key);
    dropped.splice(dropped.begin(), recent_, entry);
  };
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  recent_.push_front({std::move(key), std::make_shared<const KeptResult>(std::move(result)), bytes});
  by_key_.emplace(recent_.front().key, recent_.begin());
  bytes_ += bytes;
  while (bytes_ > bytes_max_) drop(std::prev(recent_.end()));
}

uint64_t ResultCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

std::unique_ptr<duck::QueryResult> Replay(const Context& context, std::shared_ptr<const KeptResult> result) {
  return std::make_unique<ReplayedResult>(context, std::move(result));
}

}  // namespace yummy::lake
