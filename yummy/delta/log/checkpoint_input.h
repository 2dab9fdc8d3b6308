#pragma once
// A Parquet file of the log, for Arrow. A small file is read whole; of a large one, only the footer and the needed
// columns.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "yummy/base/context.h"
#include "yummy/store/object_store.h"

namespace yummy {
class Executor;
}

namespace yummy::delta {

/// Used by one thread. The context and the store must outlive it.
class CheckpointInput final : public arrow::io::RandomAccessFile {
 public:
  static constexpr uint64_t kWholeBytesMax = uint64_t{8}
                                             << 20;  // up to this size one request for all costs less than three

  /// Reads the file, or its end. Errors: Corrupt (missing, or another size than given), ResourceExhausted, those of the
  /// store.
  static Result<std::shared_ptr<CheckpointInput>> Open(const Context& context, store::ObjectStore& store,
                                                       const store::ObjectMeta& meta);

  /// Reads ranges ahead, concurrently on the executor. Adjacent ranges are joined, and large ones are divided. Bytes
  /// that are in memory are not read again. Errors: Corrupt (outside of the file), and as Open.
  Result<void> Fetch(std::vector<store::ByteRange> ranges, Executor* executor);

  /// The error of the last read that failed in the store, and not in Arrow.
  const std::optional<Error>& error() const { return error_; }

  arrow::Status Close() override;
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }
  arrow::Status Seek(int64_t position) override;
  arrow::Result<int64_t> GetSize() override { return static_cast<int64_t>(meta_.size_bytes); }
  arrow::Result<int64_t> Read(int64_t count, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t count) override;
  arrow::Result<int64_t> ReadAt(int64_t position, int64_t count, void* out) override;
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t position, int64_t count) override;

 private:
  struct Held {
    uint64_t offset = 0;
    std::shared_ptr<arrow::Buffer> bytes;
  };

  CheckpointInput(const Context& context, store::ObjectStore& store, store::ObjectMeta meta)
      : context_(context), store_(store), meta_(std::move(meta)) {}
  const Held* Find(const store::ByteRange& range) const;
  Result<std::string> Get(std::optional<store::ByteRange> range) const;

  const Context& context_;
  store::ObjectStore& store_;
  const store::ObjectMeta meta_;
  std::vector<Held> held_;
  std::optional<Error> error_;
  int64_t position_ = 0;
  bool closed_ = false;
};

}  // namespace yummy::delta
