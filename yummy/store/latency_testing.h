#pragma once
// A store that is as slow as one across a network and records its requests. Tests count with it which requests are
// made, how often, and how many at once.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/store/object_store.h"

namespace yummy::store {

struct LatencyOptions {
  std::chrono::milliseconds latency{0};  // of each request
  uint64_t bytes_per_second = 0;         // of one request; 0: no limit
};

/// One request to the store. An Open with a known size is not a request, nor is a write to an upload that does not fill
/// a part.
struct StoreRequest {
  std::string verb;  // GET, HEAD, LIST, PUT, COPY, DELETE, UPLOAD, FINISH, ABORT
  std::string path;
  uint64_t offset = 0;  // of a GET
  uint64_t length = 0;  // bytes that a GET asked for, or that a PUT or UPLOAD sent
};

/// Passes all calls on to a store, and claims not to be local. Safe from several threads; readers and uploads must not
/// outlive it.
class LatencyStore final : public ObjectStore {
 public:
  explicit LatencyStore(std::shared_ptr<ObjectStore> store, LatencyOptions options = {});
  ~LatencyStore() override;

  void SetLatency(std::chrono::milliseconds latency);
  /// Requests for a path that contains `path_part` hang until their context ends. An empty text ends that.
  void Hang(std::string path_part);

  /// The requests since the start or the last call, in the order they came.
  std::vector<StoreRequest> TakeRequests();
  /// The largest number of requests that were in flight at once.
  size_t in_flight_max() const;
  /// The requests that are in flight now.
  size_t in_flight() const;
  /// The largest number of uploads that were open at once.
  size_t uploads_max() const;
  /// Uploads that are open now.
  size_t uploads() const;

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range = {}) override;
  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> size_bytes = {}) override;
  Result<ObjectMeta> Head(const Context& context, std::string_view path) override;
  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override;
  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override;
  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override;
  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override;
  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override;
  Capabilities capabilities() const override;
  const std::string& root() const override { return store_->root(); }

 private:
  class Line;
  class Reader;
  class Writer;
  const std::shared_ptr<ObjectStore> store_;
  const std::unique_ptr<Line> line_;
};

}  // namespace yummy::store
