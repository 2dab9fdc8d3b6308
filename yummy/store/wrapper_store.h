#pragma once
// The base of stores that wrap another store.

#include <memory>
#include <utility>

#include "yummy/store/object_store.h"

namespace yummy::store {

/// Passes all calls on. A derived class overrides the calls that it changes.
class WrapperStore : public ObjectStore {
 public:
  /// shared: the store below may have other wrappers and users.
  explicit WrapperStore(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range = {}) override {
    return store_->Get(context, path, range);
  }
  Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                               std::optional<ByteRange> range = {}) override {
    return store_->GetKnown(context, object, range);
  }
  Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                             std::span<const ByteRange> ranges) override {
    return store_->GetRanges(context, path, ranges);
  }
  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> size_bytes = {}) override {
    return store_->Open(context, path, size_bytes);
  }
  Result<std::unique_ptr<ObjectReader>> OpenKnown(const Context& context, const ObjectMeta& object) override {
    return store_->OpenKnown(context, object);
  }
  Result<ObjectMeta> Head(const Context& context, std::string_view path) override {
    return store_->Head(context, path);
  }
  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override {
    return store_->Put(context, path, bytes, mode);
  }
  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override {
    return store_->StartUpload(context, path, mode);
  }
  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override {
    return store_->List(context, prefix, options);
  }
  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override {
    return store_->Delete(context, paths);
  }
  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override {
    return store_->Copy(context, source, target);
  }
  Capabilities capabilities() const override { return store_->capabilities(); }
  const std::string& root() const override { return store_->root(); }

 protected:
  ObjectStore& store() const { return *store_; }

 private:
  const std::shared_ptr<ObjectStore> store_;
};

}  // namespace yummy::store
