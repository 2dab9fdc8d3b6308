#include "yummy/server/http/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <fmt/format.h>

namespace yummy::server {

namespace {

Error FileError(std::string_view what) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  Error error(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
              fmt::format("{} the temporary file: {}", what, strerror(errno)));
  return full ? std::move(error).WithReason(Reason::kStoreFull) : error;
}

Result<void> WriteAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("cannot write");
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return {};
}

class SpoolStream final : public arrow::io::InputStream {
 public:
  explicit SpoolStream(const Spool& spool) : spool_(spool) {}
  arrow::Status Close() override {
    closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return static_cast<int64_t>(offset_); }
  arrow::Result<int64_t> Read(int64_t length, void* out) override {
    auto bytes = spool_.Read(offset_, static_cast<size_t>(length));
    if (!bytes.ok()) return arrow::Status::IOError(bytes.error().message());
    std::copy(bytes->begin(), bytes->end(), static_cast<char*>(out));
    offset_ += bytes->size();
    return static_cast<int64_t>(bytes->size());
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t length) override {
    // A hostile length must not allocate more than there is.
    const uint64_t left = spool_.size_bytes() - std::min(offset_, spool_.size_bytes());
    auto bytes = spool_.Read(offset_, static_cast<size_t>(std::min(static_cast<uint64_t>(length), left)));
    if (!bytes.ok()) return arrow::Status::IOError(bytes.error().message());
    offset_ += bytes->size();
    return arrow::Buffer::FromString(std::move(*bytes));
  }

 private:
  const Spool& spool_;
  uint64_t offset_ = 0;
  bool closed_ = false;
};

}  // namespace

Spool::Spool(uint64_t bytes_max, uint64_t memory_bytes_max)
    : bytes_max_(bytes_max), memory_bytes_max_(memory_bytes_max) {}

Spool::~Spool() {
  if (file_ >= 0) ::close(file_);
}

Result<void> Spool::Append(std::string_view bytes) {
  if (size_bytes_ + bytes.size() > bytes_max_) {
    return Error(ErrorCode::kResourceExhausted,
                 fmt::format("the body is larger than the limit of {} bytes", bytes_max_))
        .WithReason(Reason::kTooLarge);
  }
  if (file_ < 0 && memory_.size() + bytes.size() > memory_bytes_max_) {
    const std::string folder = std::filesystem::temp_directory_path().string();
    file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file_ < 0) return FileError("cannot make");
    TRY(WriteAll(file_, memory_));
    memory_ = {};
  }
  if (file_ < 0) {
    memory_.append(bytes);
  } else {
    TRY(WriteAll(file_, bytes));
  }
  size_bytes_ += bytes.size();
  return {};
}

Result<std::string> Spool::Read(uint64_t offset, size_t length) const {
  if (offset >= size_bytes_) return std::string();
  length = static_cast<size_t>(std::min<uint64_t>(length, size_bytes_ - offset));
  if (file_ < 0) return memory_.substr(static_cast<size_t>(offset), length);
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < length) {
    const ssize_t count = ::pread(file_, bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return FileError("cannot read");
    done += static_cast<size_t>(count);
  }
  return bytes;
}

std::shared_ptr<arrow::io::InputStream> Spool::Stream() const { return std::make_shared<SpoolStream>(*this); }

}  // namespace yummy::server
