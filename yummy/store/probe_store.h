#pragma once
// Lets no write through to a store before its put-if-absent has been tested: some servers accept the condition and
// overwrite.

#include <atomic>
#include <memory>

#include "yummy/base/gate.h"
#include "yummy/base/random.h"
#include "yummy/store/wrapper_store.h"

namespace yummy::store {

/// Before the first write of this process, an object with a unique hidden name is put twice beside the object to be
/// written, and deleted again. The store must refuse the second put. A store whose capabilities promise put-if-absent
/// is not tested. If the store overwrote the object, every Put, StartUpload and Copy fails with Unsupported (reason
/// STORE_UNSAFE_FOR_WRITES). If the test has no result, the write fails with the store's error, and the next write
/// tests again. Writes that come during the test wait for it.
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
