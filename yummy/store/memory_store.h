#pragma once
// A store in memory: for tests, and for tables that need not outlive the process.

#include <memory>

#include "yummy/base/clock.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// Objects by path, each version with an etag of its own.
/// Safe from several threads; readers and uploads must not outlive the store, nor the store its clock.
class MemoryStore final : public ObjectStore {
 public:
  explicit MemoryStore(const Clock& clock);
  ~MemoryStore() override;

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range = {}) override;
  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> size_bytes = {}) override;
  Result<ObjectMeta> Head(const Context& context, std::string_view path) override;
  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override;
  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override;
  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override;
  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override;
  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override;
  Capabilities capabilities() const override { return {.create_is_atomic = true, .is_local = true}; }
  const std::string& root() const override { return root_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string root_ = "memory://";
};

}  // namespace yummy::store
