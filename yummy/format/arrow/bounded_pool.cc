#include "yummy/format/arrow/bounded_pool.h"

#include <utility>

namespace yummy::format {

arrow::Status BoundedPool::Allocate(int64_t size, int64_t alignment, uint8_t** out) {
  ARROW_RETURN_NOT_OK(Take(size));
  const arrow::Status status = pool_->Allocate(size, alignment, out);
  if (!status.ok()) {
    Give(size);
    return status;
  }
  allocations_++;
  const std::lock_guard lock(mutex_);
  if (live_++ == 0) self_ = shared_from_this();
  return status;
}

arrow::Status BoundedPool::Reallocate(int64_t old_size, int64_t new_size, int64_t alignment, uint8_t** out) {
  // Both buffers may exist for a moment, so the new bytes are counted before the old ones are released.
  ARROW_RETURN_NOT_OK(Take(new_size));
  const arrow::Status status = pool_->Reallocate(old_size, new_size, alignment, out);
  Give(status.ok() ? old_size : new_size);
  if (status.ok()) allocations_++;
  return status;
}

void BoundedPool::Free(uint8_t* buffer, int64_t size, int64_t alignment) {
  pool_->Free(buffer, size, alignment);
  Give(size);
  std::shared_ptr<BoundedPool> last;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  if (--live_ == 0) last = std::move(self_);
}

arrow::Status BoundedPool::Take(int64_t bytes) {
  if (bytes < 0 || bytes > bytes_max_ || bytes_.fetch_add(bytes) + bytes > bytes_max_) {
    if (bytes >= 0 && bytes <= bytes_max_) bytes_ -= bytes;
    exhausted_ = true;
    return arrow::Status::OutOfMemory("more memory than the body accounts for");
  }
  total_bytes_ += bytes;
  return arrow::Status::OK();
}

void BoundedPool::Give(int64_t bytes) { bytes_ -= bytes; }

}  // namespace yummy::format
