#include "yummy/format/rows/rows_arrow.h"

#include <algorithm>
#include <utility>

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/format/arrow/arrow_error.h"
#include "yummy/format/arrow/bounded_pool.h"

namespace yummy::format {

namespace {

constexpr int64_t kExpansionMax = 200;             // decompressed bytes per byte of the body
constexpr int64_t kMemoryFloorBytes = 64LL << 20;  // small bodies may need more than their size: alignment, bitmaps
constexpr int64_t kReadBytes = 1LL << 20;
constexpr int kColumnsMax = 10'000;
constexpr int kDepthMax = 64;

// Reads the body in steps and counts its bytes. So a message that claims to be long gets no more memory than the body
// has bytes.
class CountedStream final : public arrow::io::InputStream {
 public:
  CountedStream(std::shared_ptr<arrow::io::InputStream> source, std::shared_ptr<BoundedPool> pool)
      : source_(std::move(source)), pool_(std::move(pool)) {}

  arrow::Status Close() override { return source_->Close(); }
  bool closed() const override { return source_->closed(); }
  arrow::Result<int64_t> Tell() const override { return bytes_; }

  arrow::Result<int64_t> Read(int64_t length, void* out) override {
    auto read = source_->Read(length, out);
    if (!read.ok()) {
      source_status_ = read.status();
      return read;
    }
    bytes_ += *read;
    pool_->set_bytes_max(std::max(kMemoryFloorBytes, bytes_ * kExpansionMax));
    return read;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t length) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(0, pool_.get()));
    int64_t filled = 0;
    while (filled < length) {
      ARROW_RETURN_NOT_OK(buffer->Resize(std::min(length, std::max(kReadBytes, 2 * filled)), /*shrink_to_fit=*/false));
      ARROW_ASSIGN_OR_RAISE(const int64_t read, Read(buffer->size() - filled, buffer->mutable_data() + filled));
      if (read == 0) break;
      filled += read;
    }
    ARROW_RETURN_NOT_OK(buffer->Resize(filled, /*shrink_to_fit=*/true));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

  int64_t bytes() const { return bytes_; }
  /// The error of the source, if it failed.
  const arrow::Status& source_status() const { return source_status_; }

 private:
  std::shared_ptr<arrow::io::InputStream> source_;
  std::shared_ptr<BoundedPool> pool_;
  int64_t bytes_ = 0;
  arrow::Status source_status_;
};

Error InvalidArrow(std::string_view what) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("the body is no valid Arrow stream: {}", what.substr(0, 500)))
      .WithReason(Reason::kInvalidArrow);
}

// Null arrays, run ends and lists of empty values have a length without bytes. A few bytes must not mean a year of
// work.
bool LengthsAreBelow(const arrow::ArrayData& data, int64_t length_max) {
  if (data.length > length_max) return false;
  for (const auto& child : data.child_data) {
    if (!LengthsAreBelow(*child, length_max)) return false;
  }
  return data.dictionary == nullptr || LengthsAreBelow(*data.dictionary, length_max);
}

class CheckedReader final : public arrow::RecordBatchReader {
 public:
  static Result<std::shared_ptr<arrow::RecordBatchReader>> Open(std::shared_ptr<arrow::io::InputStream> source) {
    auto reader = std::make_shared<CheckedReader>(std::move(source));
    arrow::ipc::IpcReadOptions options;
    options.max_recursion_depth = kDepthMax;
    options.memory_pool = reader->pool_.get();
    options.use_threads = false;
    options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
    auto inner = arrow::ipc::RecordBatchStreamReader::Open(reader->stream_, options);
    if (!inner.ok()) return reader->ErrorOf(inner.status());
    reader->inner_ = std::move(*inner);
    if (reader->inner_->schema()->num_fields() > kColumnsMax) {
      return InvalidArrow(fmt::format("{} columns, more than {}", reader->inner_->schema()->num_fields(), kColumnsMax));
    }
    return std::shared_ptr<arrow::RecordBatchReader>(std::move(reader));
  }

  explicit CheckedReader(std::shared_ptr<arrow::io::InputStream> source)
      : pool_(std::make_shared<BoundedPool>(kMemoryFloorBytes)),
        stream_(std::make_shared<CountedStream>(std::move(source), pool_)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return inner_->schema(); }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    const arrow::Status status = inner_->ReadNext(batch);
    if (!status.ok()) return ToStatus(ErrorOf(status));
    if (*batch == nullptr) return CheckEnd();
    constexpr int64_t kBitsPerByte = 8;
    const int64_t length_max = stream_->bytes() * kExpansionMax * kBitsPerByte;
    for (const auto& column : (*batch)->column_data()) {
      if (!LengthsAreBelow(*column, length_max)) return ToStatus(InvalidArrow("more rows than its bytes can hold"));
    }
    if ((*batch)->num_rows() > length_max) return ToStatus(InvalidArrow("more rows than its bytes can hold"));
    const arrow::Status valid = (*batch)->ValidateFull();
    if (!valid.ok()) return ToStatus(ErrorOf(valid));
    return arrow::Status::OK();
  }

 private:
  // Bytes after the end marker may be rows that the client believes it has sent.
  arrow::Status CheckEnd() {
    char byte = 0;
    const auto read = stream_->Read(1, &byte);
    if (!read.ok()) return ToStatus(ErrorOf(read.status()));
    if (*read > 0) return ToStatus(InvalidArrow("there are bytes after the end of the stream"));
    return arrow::Status::OK();
  }

  Error ErrorOf(const arrow::Status& status) const {
    if (!stream_->source_status().ok()) return Error(ErrorCode::kUnavailable, stream_->source_status().message());
    if (pool_->exhausted()) {
      return Error(ErrorCode::kResourceExhausted,
                   fmt::format("the Arrow stream needs over {} times its size in memory", kExpansionMax))
          .WithReason(Reason::kTooLarge);
    }
    return InvalidArrow(status.message());
  }

  std::shared_ptr<BoundedPool> pool_;  // shared: with its buffers
  std::shared_ptr<CountedStream> stream_;
  std::shared_ptr<arrow::RecordBatchReader> inner_;
};

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> ReadArrowStream(std::shared_ptr<arrow::io::InputStream> stream) {
  return CheckedReader::Open(std::move(stream));
}

}  // namespace yummy::format
