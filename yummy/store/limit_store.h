#pragma once
// Bounds the requests in flight to a store, separately by purpose: a commit must not wait for scans, nor a scan for
// background work.

#include <array>
#include <cstddef>
#include <memory>

#include "yummy/base/gate.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::store {

enum class RequestClass {
  kLog,         // reads, lists and commits of a table's log; folders
  kData,        // all other objects
  kBackground,  // requests that nobody waits for: deletes, checkpoints, checksums
};
inline constexpr size_t kRequestClassCount = 3;

/// Requests in flight, by RequestClass; each at least 1.
using RequestLimits = std::array<size_t, kRequestClassCount>;

/// Passes a call on as soon as its class has a free place. Waiting calls are served in order.
/// Errors while waiting: Cancelled, DeadlineExceeded. Puts and uploads give Unavailable (reason STORE_BUSY) instead of
/// DeadlineExceeded, because nothing was applied.
class LimitStore final : public WrapperStore {
 public:
  LimitStore(std::shared_ptr<ObjectStore> store, const RequestLimits& limits);
  ~LimitStore() override;

  /// The calls that run or wait.
  size_t in_flight(RequestClass request_class) const;
  size_t waiting(RequestClass request_class) const;

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range = {}) override;
  Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                               std::optional<ByteRange> range = {}) override;
  Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                             std::span<const ByteRange> ranges) override;
  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> size_bytes = {}) override;
  Result<std::unique_ptr<ObjectReader>> OpenKnown(const Context& context, const ObjectMeta& object) override;
  Result<ObjectMeta> Head(const Context& context, std::string_view path) override;
  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override;
  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override;
  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override;
  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override;
  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override;

 private:
  class Reader;
  class Writer;
  Gate& gate(RequestClass request_class) const { return *gates_[static_cast<size_t>(request_class)]; }
  Gate& GateToRead(std::string_view path) const;
  Gate& GateToWrite(std::string_view path) const;

  std::array<std::unique_ptr<Gate>, kRequestClassCount> gates_;
};

}  // namespace yummy::store
