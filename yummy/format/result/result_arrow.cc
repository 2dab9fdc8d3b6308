#include <utility>

#include <arrow/io/interfaces.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>

#include "yummy/format/result/result_encoder.h"

namespace yummy::format {

namespace {

// Appends to the string of the current call of the encoder.
class StringStream final : public arrow::io::OutputStream {
 public:
  void set_out(std::string* out) { out_ = out; }

  arrow::Status Write(const void* data, int64_t bytes) override {
    out_->append(static_cast<const char*>(data), static_cast<size_t>(bytes));
    position_ += bytes;
    return arrow::Status::OK();
  }
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }

 private:
  std::string* out_ = nullptr;
  int64_t position_ = 0;
  bool closed_ = false;
};

Result<void> Written(const arrow::Status& status) {
  if (status.ok()) return {};
  const bool memory = status.IsOutOfMemory() || status.IsCapacityError();
  return Error(memory ? ErrorCode::kResourceExhausted : ErrorCode::kInternal,
               "the result cannot be written as Arrow: " + status.message());
}

class ArrowEncoder final : public ResultEncoder {
 public:
  Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema, std::string& out) override {
    stream_->set_out(&out);
    arrow::ipc::IpcWriteOptions options;
    options.use_threads = false;
    // A dictionary column may have a different dictionary in each batch.
    options.emit_dictionary_deltas = false;
    auto writer = arrow::ipc::MakeStreamWriter(stream_, schema, options);
    TRY(Written(writer.status()));
    writer_ = std::move(*writer);
    return {};
  }

  Result<void> Batch(const arrow::RecordBatch& batch, std::string& out) override {
    stream_->set_out(&out);
    return Written(writer_->WriteRecordBatch(batch));
  }

  Result<void> End(std::string& out) override {
    stream_->set_out(&out);
    return Written(writer_->Close());
  }

 private:
  std::shared_ptr<StringStream> stream_ = std::make_shared<StringStream>();
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

}  // namespace

std::unique_ptr<ResultEncoder> MakeArrowEncoder() { return std::make_unique<ArrowEncoder>(); }

}  // namespace yummy::format
