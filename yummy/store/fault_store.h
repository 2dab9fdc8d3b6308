#pragma once
// A store that fails on demand, for tests of the code above it. Faults follow scripted plans, or come at random from a
// seed.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "yummy/base/random.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// The kinds of calls. The two modes of Put are two kinds.
enum class Operation {
  kGet,
  kGetRanges,
  kOpen,
  kReadAt,
  kHead,
  kPutCreate,
  kPutOverwrite,
  kStartUpload,
  kUploadWrite,
  kUploadFinish,
  kList,
  kDelete,
  kCopy,
};
inline constexpr size_t kOperationCount = 13;

/// A lost answer is OutcomeUnknown from Put, Finish, Delete and Copy, and Unavailable from all other calls.
enum class FaultKind {
  kErrorBefore,    // not applied; Unavailable
  kErrorAfter,     // applied; the answer is lost
  kTimeoutAfter,   // as kErrorAfter, after a delay; reason STORE_TIMEOUT
  kErrorLate,      // Put only: answers OutcomeUnknown; the put is applied by LandLate()
  kDelay,          // a delay, then the call runs normally
  kTruncatedRead,  // Get and GetRanges: the second half of the bytes is missing, with no error; ReadAt: Unavailable
  kStaleList,      // List: the newest objects are missing
  kIoError,        // not applied; Unavailable, as a disk's EIO; reason STORE_IO
};
inline constexpr size_t kFaultKindCount = 8;

/// "The next two creating puts of a path that contains _delta_log are applied, and their answers are lost":
///   {.operation = Operation::kPutCreate, .path_contains = "_delta_log", .kind = FaultKind::kErrorAfter, .times = 2}
struct FaultPlan {
  Operation operation = Operation::kGet;
  std::string path_contains;  // empty: every path. For a list it is compared with the prefix
  FaultKind kind = FaultKind::kErrorBefore;
  size_t times = 1;  // how many calls fail
  size_t skip = 0;   // how many matching calls succeed before that
};

struct FaultOptions {
  uint64_t seed = 0;
  std::array<double, kFaultKindCount> chances{};  // by FaultKind: the chance per call to which it can happen
  std::chrono::milliseconds delay{100};
  size_t stale_entries = 1;  // how many objects are missing in a stale list
  bool is_remote = false;    // claims to be far away, whatever the store below is

  /// Called for each delay. Without it a delay takes no time.
  std::function<void(const Context&, std::chrono::milliseconds)> on_delay;
};

/// Passes all calls on to a store, counts them and injects faults: those of the first matching plan, otherwise by
/// chance.
/// Safe from several threads; readers and uploads must not outlive it.
class FaultStore final : public ObjectStore {
 public:
  /// shared: the replicas of a test have their own faults over one store.
  explicit FaultStore(std::shared_ptr<ObjectStore> store, FaultOptions options = {});
  ~FaultStore() override;

  /// Adds a plan. Plans are tried in the order in which they were added.
  void Inject(FaultPlan plan);
  void SetChance(FaultKind kind, double chance);
  /// Drops all plans and chances. Faults that have happened are not undone.
  void Heal();
  /// Applies the puts of kErrorLate in their order. Their results are ignored.
  void LandLate(const Context& context);

  /// Calls since the start or ResetCounts, failed ones included.
  uint64_t calls(Operation operation) const;
  uint64_t calls() const;
  /// Faults that were injected, by kind.
  uint64_t injected(FaultKind kind) const;
  uint64_t injected() const;
  void ResetCounts();

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range = {}) override;
  Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                               std::optional<ByteRange> range = {}) override;
  Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                             std::span<const ByteRange> ranges) override;
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
  template <typename Call>
  Result<std::string> AnswerGet(const Context& context, std::string_view path, Call&& call);

  class Script;
  class Reader;
  class Writer;
  std::shared_ptr<ObjectStore> store_;
  std::unique_ptr<Script> script_;
};

}  // namespace yummy::store
