#include "yummy/store/latency_testing.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <fmt/format.h>

namespace yummy::store {
namespace {

/// The size of the parts of an upload to a store across a network.
constexpr uint64_t kPartBytes = 8 << 20;

}  // namespace

/// The network path to the store: it delays requests and counts those in flight.
class LatencyStore::Line {
 public:
  explicit Line(LatencyOptions options) : options_(options) {}

  void SetLatency(std::chrono::milliseconds latency) {
    const std::lock_guard lock(mutex_);
    options_.latency = latency;
  }
  void Hang(std::string path_part) {
    const std::lock_guard lock(mutex_);
    hang_ = std::move(path_part);
    healed_.notify_all();
  }
  std::vector<StoreRequest> TakeRequests() {
    const std::lock_guard lock(mutex_);
    return std::exchange(requests_, {});
  }
  size_t in_flight_max() const {
    const std::lock_guard lock(mutex_);
    return in_flight_max_;
  }
  size_t in_flight() const {
    const std::lock_guard lock(mutex_);
    return in_flight_;
  }

  /// Waits as long as a request that moves `bytes` takes.
  Result<void> Travel(const Context& context, StoreRequest request, uint64_t bytes) {
    std::unique_lock lock(mutex_);
    const bool hangs = !hang_.empty() && request.verb != "ABORT" && request.path.find(hang_) != std::string::npos;
    auto duration = options_.latency;
    if (options_.bytes_per_second > 0) duration += std::chrono::milliseconds(bytes * 1000 / options_.bytes_per_second);
    requests_.push_back(std::move(request));
    in_flight_max_ = std::max(in_flight_max_, ++in_flight_);
    auto result = hangs ? WaitForHealing(context, lock) : Result<void>();
    lock.unlock();
    if (result.ok() && duration.count() > 0) result = context.Sleep(duration);
    lock.lock();
    in_flight_--;
    return result;
  }

  std::atomic<size_t> uploads = 0;
  std::atomic<size_t> uploads_max = 0;

 private:
  Result<void> WaitForHealing(const Context& context, std::unique_lock<std::mutex>& lock) {
    const auto healed = [this] { return hang_.empty(); };
    healed_.wait_until(lock, context.stop_token(), context.deadline(), healed);
    return context.Check();
  }

  mutable std::mutex mutex_;
  std::condition_variable_any healed_;
  LatencyOptions options_;              // guarded by mutex_
  std::string hang_;                    // guarded by mutex_
  std::vector<StoreRequest> requests_;  // guarded by mutex_
  size_t in_flight_ = 0;                // guarded by mutex_
  size_t in_flight_max_ = 0;            // guarded by mutex_
};

class LatencyStore::Reader final : public ObjectReader {
 public:
  Reader(Line& line, std::string path, std::unique_ptr<ObjectReader> reader, uint64_t size_bytes)
      : line_(line), path_(std::move(path)), reader_(std::move(reader)), size_bytes_(size_bytes) {}

  uint64_t size_bytes() const override { return size_bytes_; }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    TRY(line_.Travel(context, {"GET", path_, offset, out.size()}, out.size()));
    return reader_->ReadAt(context, offset, out);
  }

 private:
  Line& line_;
  const std::string path_;
  const std::unique_ptr<ObjectReader> reader_;
  const uint64_t size_bytes_;
};

class LatencyStore::Writer final : public Upload {
 public:
  Writer(Line& line, std::string path, std::unique_ptr<Upload> upload)
      : line_(line), path_(std::move(path)), upload_(std::move(upload)) {
    const size_t open = ++line_.uploads;
    for (size_t seen = line_.uploads_max; seen < open && !line_.uploads_max.compare_exchange_weak(seen, open);) {
    }
  }
  ~Writer() override {
    line_.uploads--;
    upload_.reset();
    if (!finished_) (void)line_.Travel({}, {"ABORT", path_}, 0);
  }

  Result<void> Write(const Context& context, std::string_view bytes) override {
    waiting_bytes_ += bytes.size();
    TRY(upload_->Write(context, bytes));
    for (; waiting_bytes_ >= kPartBytes; waiting_bytes_ -= kPartBytes) {
      TRY(line_.Travel(context, {"UPLOAD", path_, 0, kPartBytes}, kPartBytes));
    }
    return {};
  }

  Result<ObjectMeta> Finish(const Context& context) override {
    TRY(line_.Travel(context, {"FINISH", path_, 0, waiting_bytes_}, waiting_bytes_));
    auto meta = TRY(upload_->Finish(context));
    finished_ = true;
    return meta;
  }

 private:
  Line& line_;
  const std::string path_;
  std::unique_ptr<Upload> upload_;
  uint64_t waiting_bytes_ = 0;
  bool finished_ = false;
};

LatencyStore::LatencyStore(std::shared_ptr<ObjectStore> store, LatencyOptions options)
    : store_(std::move(store)), line_(std::make_unique<Line>(options)) {}

LatencyStore::~LatencyStore() = default;

void LatencyStore::SetLatency(std::chrono::milliseconds latency) { line_->SetLatency(latency); }
void LatencyStore::Hang(std::string path_part) { line_->Hang(std::move(path_part)); }
std::vector<StoreRequest> LatencyStore::TakeRequests() { return line_->TakeRequests(); }
size_t LatencyStore::in_flight_max() const { return line_->in_flight_max(); }
size_t LatencyStore::in_flight() const { return line_->in_flight(); }
size_t LatencyStore::uploads() const { return line_->uploads; }
size_t LatencyStore::uploads_max() const { return line_->uploads_max; }

Result<std::string> LatencyStore::Get(const Context& context, std::string_view path, std::optional<ByteRange> range) {
  auto bytes = TRY(store_->Get(context, path, range));
  TRY(line_->Travel(context, {"GET", std::string(path), range ? range->offset : 0, bytes.size()}, bytes.size()));
  return bytes;
}

Result<std::unique_ptr<ObjectReader>> LatencyStore::Open(const Context& context, std::string_view path,
                                                         std::optional<uint64_t> size_bytes) {
  if (!size_bytes) size_bytes = TRY(Head(context, path)).size_bytes;
  // As over a network, a missing object is noticed only when it is read.
  auto reader = store_->Open(context, path, size_bytes);
  if (!reader.ok()) {
    TRY(line_->Travel(context, {"GET", std::string(path)}, 0));
    return std::move(reader).error();
  }
  return std::unique_ptr<ObjectReader>(
      std::make_unique<Reader>(*line_, std::string(path), *std::move(reader), *size_bytes));
}

Result<ObjectMeta> LatencyStore::Head(const Context& context, std::string_view path) {
  TRY(line_->Travel(context, {"HEAD", std::string(path)}, 0));
  return store_->Head(context, path);
}

Result<ObjectMeta> LatencyStore::Put(const Context& context, std::string_view path, std::string_view bytes,
                                     PutMode mode) {
  TRY(line_->Travel(context, {"PUT", std::string(path), 0, bytes.size()}, bytes.size()));
  return store_->Put(context, path, bytes, mode);
}

Result<std::unique_ptr<Upload>> LatencyStore::StartUpload(const Context& context, std::string_view path, PutMode mode) {
  return std::unique_ptr<Upload>(
      std::make_unique<Writer>(*line_, std::string(path), TRY(store_->StartUpload(context, path, mode))));
}

Result<ListPage> LatencyStore::List(const Context& context, std::string_view prefix, const ListOptions& options) {
  TRY(line_->Travel(context, {"LIST", std::string(prefix)}, 0));
  return store_->List(context, prefix, options);
}

std::vector<Result<void>> LatencyStore::Delete(const Context& context, std::span<const std::string> paths) {
  if (!paths.empty()) {
    if (auto travelled = line_->Travel(context, {"DELETE", paths.front()}, 0); !travelled.ok()) {
      return std::vector<Result<void>>(paths.size(), std::move(travelled).error());
    }
  }
  return store_->Delete(context, paths);
}

Result<void> LatencyStore::Copy(const Context& context, std::string_view source, std::string_view target) {
  TRY(line_->Travel(context, {"COPY", std::string(target)}, 0));
  return store_->Copy(context, source, target);
}

Capabilities LatencyStore::capabilities() const {
  auto result = store_->capabilities();
  result.is_local = false;
  return result;
}

}  // namespace yummy::store
