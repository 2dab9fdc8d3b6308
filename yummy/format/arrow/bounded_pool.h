#pragma once
// A memory pool for decoding hostile input: its limit grows with the bytes that were read, so that a few bytes cannot
// claim much memory.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include <arrow/memory_pool.h>

namespace yummy::format {

/// A pool over Arrow's default pool, with a limit that the owner raises. It lives as long as any of its buffers,
/// because batches may outlive the reader that made them. Safe from several threads.
class BoundedPool final : public arrow::MemoryPool, public std::enable_shared_from_this<BoundedPool> {
 public:
  /// Make it with std::make_shared only.
  explicit BoundedPool(int64_t bytes_max) : bytes_max_(bytes_max) {}

  void set_bytes_max(int64_t bytes_max) { bytes_max_ = bytes_max; }
  /// True when an allocation was refused.
  bool exhausted() const { return exhausted_; }

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;
  arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t** out) override;
  arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment, uint8_t** out) override;
  void Free(uint8_t* buffer, int64_t size, int64_t alignment) override;
  int64_t bytes_allocated() const override { return bytes_; }
  int64_t total_bytes_allocated() const override { return total_bytes_; }
  int64_t num_allocations() const override { return allocations_; }
  std::string backend_name() const override { return "bounded"; }

 private:
  arrow::Status Take(int64_t bytes);
  void Give(int64_t bytes);

  arrow::MemoryPool* const pool_ = arrow::default_memory_pool();
  std::atomic<int64_t> bytes_max_;
  std::atomic<int64_t> bytes_ = 0;
  std::atomic<int64_t> total_bytes_ = 0;
  std::atomic<int64_t> allocations_ = 0;
  std::atomic<bool> exhausted_ = false;
  std::mutex mutex_;
  int64_t live_ = 0;                   // number of live buffers; guarded by mutex_
  std::shared_ptr<BoundedPool> self_;  // shared: keeps the pool while there are buffers; guarded by mutex_
};

}  // namespace yummy::format
