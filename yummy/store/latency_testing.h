#pragma once
// A store that answers as slowly as one across a network, and writes down what it was asked: for tests of what is
// requested, how often and how much at once.

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

/// One question to the store. An Open whose size is known and a part of an upload below the size of parts are none.
struct StoreRequest {
  std::string verb;  // GET, HEAD, LIST, PUT, COPY, DELETE, UPLOAD, FINISH, ABORT
  std::string path;
  uint64_t offset = 0;  // of a GET
  uint64_t length = 0;  // of a GET: what was asked for; of a PUT or UPLOAD: what was sent
};

/// Passes everything on to a store, as a store that is not local. Safe from several threads; readers and uploads must
/// not outlive it.
class LatencyStore final : public ObjectStore {
 public:
  explicit LatencyStore(std::shared_ptr<ObjectStore> store, LatencyOptions options = {});
  ~LatencyStore() override;

  void SetLatency(std::chrono::milliseconds latency);
  /// Requests for a path that contains `path_part` do not return before their context ends; an empty text heals.
  void Hang(std::string path_part);

  /// The requests since the start or the last call, in the order they came.
  std::vector<StoreRequest> TakeRequests();
  /// The most requests that were on their way at once.
  size_t in_flight_max() const;
  /// Requests on their way now.
  size_t in_flight() const;
  /// The most uploads that were open at once.
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
