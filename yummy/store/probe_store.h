#pragma once
// No write to a store before it has shown that its put-if-absent is one: some servers take the condition and overwrite.

#include <atomic>
#include <memory>

#include "yummy/base/gate.h"
#include "yummy/base/random.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::store {

/// Before the first write of this process an object of a unique hidden name is put twice, beside what is to be written,
/// and deleted again: the second put must be refused. A store whose capabilities promise it is not asked. Every Put,
/// StartUpload and Copy fails with Unsupported (reason STORE_UNSAFE_FOR_WRITES) when the store overwrote it, and with
/// the store's error when nothing could be found out; then the next write asks again. Writes that come meanwhile wait.
class ProbeStore final : public WrapperStore {
 public:
  /// `random` must outlive it.
  explicit ProbeStore(std::shared_ptr<ObjectStore> store, Random& random = Random::System());

  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override;
  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override;
  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override;
  Capabilities capabilities() const override;

 private:
  enum class Finding { kNone, kSafe, kUnsafe };
  Result<void> CheckSafe(const Context& context, std::string_view path);
  Result<Finding> Ask(const Context& context, std::string_view path);
  Result<Finding> Probe(const Context& context, const std::string& path);

  Random& random_;
  Gate asking_{1};
  std::atomic<Finding> finding_;
};

}  // namespace yummy::store
