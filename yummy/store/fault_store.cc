#include "yummy/store/fault_store.h"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace yummy::store {

namespace {

constexpr std::array<std::string_view, kOperationCount> kOperationNames = {
    "Get",         "GetRanges", "Open",   "ReadAt", "Head",   "Put",  "Put",
    "StartUpload", "Write",     "Finish", "List",   "Delete", "Copy",
};

bool IsPut(Operation operation) { return operation == Operation::kPutCreate || operation == Operation::kPutOverwrite; }

/// True when a lost answer leaves open whether the store has changed.
bool MayChange(Operation operation) {
  return IsPut(operation) || operation == Operation::kUploadFinish || operation == Operation::kDelete ||
         operation == Operation::kCopy;
}

bool CanHappen(FaultKind kind, Operation operation) {
  switch (kind) {
    case FaultKind::kErrorLate: return IsPut(operation);
    case FaultKind::kTruncatedRead:
      return operation == Operation::kGet || operation == Operation::kGetRanges || operation == Operation::kReadAt;
    case FaultKind::kStaleList: return operation == Operation::kList;
    case FaultKind::kErrorBefore:
    case FaultKind::kErrorAfter:
    case FaultKind::kTimeoutAfter:
    case FaultKind::kDelay:
    case FaultKind::kIoError: return true;
  }
  return false;
}

Error NotAppliedError(Operation operation, std::string_view path) {
  return Error(ErrorCode::kUnavailable, fmt::format("injected: {} of {} was not applied",
                                                    kOperationNames[static_cast<size_t>(operation)], path));
}

Error LostError(Operation operation, std::string_view path) {
  return Error(
      MayChange(operation) ? ErrorCode::kOutcomeUnknown : ErrorCode::kUnavailable,
      fmt::format("injected: the answer to {} of {} is lost", kOperationNames[static_cast<size_t>(operation)], path));
}

void CutInHalf(std::string& bytes) { bytes.resize(bytes.size() / 2); }

void DropNewest(ListPage& page, size_t count) {
  for (; count > 0 && !page.objects.empty(); count--) {
    const auto newest = std::max_element(page.objects.begin(), page.objects.end(), [](const auto& a, const auto& b) {
      return std::tie(a.modified_micros, a.path) < std::tie(b.modified_micros, b.path);
    });
    page.objects.erase(newest);
  }
}

struct LatePut {
  std::string path;
  std::string bytes;
  PutMode mode;
};

}  // namespace

/// The planned faults, the injected ones, and the counts of calls.
class FaultStore::Script {
 public:
  explicit Script(FaultOptions options)
      : options_(std::move(options)), chances_(options_.chances), random_(options_.seed) {}

  size_t stale_entries() const { return options_.stale_entries; }
  bool is_remote() const { return options_.is_remote; }

  void Inject(FaultPlan plan) {
    assert(CanHappen(plan.kind, plan.operation));
    const std::lock_guard lock(mutex_);
    plans_.push_back(std::move(plan));
  }

  void SetChance(FaultKind kind, double chance) {
    const std::lock_guard lock(mutex_);
    chances_[static_cast<size_t>(kind)] = chance;
  }

  void Heal() {
    const std::lock_guard lock(mutex_);
    plans_.clear();
    chances_.fill(0);
  }

  void Count(Operation operation) {
    const std::lock_guard lock(mutex_);
    calls_[static_cast<size_t>(operation)]++;
  }

  /// The fault of this operation on this path. Each fault that is returned uses up one of its plan.
  std::optional<FaultKind> Draw(Operation operation, std::string_view path) {
    const std::lock_guard lock(mutex_);
    std::optional<FaultKind> kind = DrawPlanned(operation, path);
    if (!kind) kind = DrawByChance(operation);
    if (kind) injected_[static_cast<size_t>(*kind)]++;
    return kind;
  }

  void Delay(const Context& context) const {
    if (options_.on_delay) options_.on_delay(context, options_.delay);
  }

  void AddLate(LatePut put) {
    const std::lock_guard lock(mutex_);
    late_.push_back(std::move(put));
  }

  std::vector<LatePut> TakeLate() {
    const std::lock_guard lock(mutex_);
    return std::exchange(late_, {});
  }

  uint64_t calls(Operation operation) const {
    const std::lock_guard lock(mutex_);
    return calls_[static_cast<size_t>(operation)];
  }
  uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return std::accumulate(calls_.begin(), calls_.end(), uint64_t{0});
  }
  uint64_t injected(FaultKind kind) const {
    const std::lock_guard lock(mutex_);
    return injected_[static_cast<size_t>(kind)];
  }
  uint64_t injected() const {
    const std::lock_guard lock(mutex_);
    return std::accumulate(injected_.begin(), injected_.end(), uint64_t{0});
  }
  void ResetCounts() {
    const std::lock_guard lock(mutex_);
    calls_.fill(0);
    injected_.fill(0);
  }

 private:
  std::optional<FaultKind> DrawPlanned(Operation operation, std::string_view path) {
    for (auto plan = plans_.begin(); plan != plans_.end(); ++plan) {
      if (plan->operation != operation || path.find(plan->path_contains) == std::string_view::npos) continue;
      if (plan->skip > 0) {
        plan->skip--;
        continue;
      }
      const FaultKind kind = plan->kind;
      if (plan->times <= 1) {
        plans_.erase(plan);
      } else {
        plan->times--;
      }
      return kind;
    }
    return std::nullopt;
  }

  std::optional<FaultKind> DrawByChance(Operation operation) {
    for (size_t i = 0; i < kFaultKindCount; i++) {
      const auto kind = static_cast<FaultKind>(i);
      if (chances_[i] > 0 && CanHappen(kind, operation) && random_.Chance(chances_[i])) return kind;
    }
    return std::nullopt;
  }

  const FaultOptions options_;
  mutable std::mutex mutex_;  // guards all below
  std::array<double, kFaultKindCount> chances_;
  Random random_;
  std::vector<FaultPlan> plans_;
  std::vector<LatePut> late_;
  std::array<uint64_t, kOperationCount> calls_{};
  std::array<uint64_t, kFaultKindCount> injected_{};
};

namespace {

/// Runs `call` with the fault. Faults in the content of an answer are left to the caller.
template <typename Script, typename Call>
std::invoke_result_t<Call> Answer(const Context& context, Script& script, std::optional<FaultKind> fault,
                                  Operation operation, std::string_view path, Call&& call) {
  if (!fault) return call();
  switch (*fault) {
    case FaultKind::kErrorBefore: return NotAppliedError(operation, path);
    case FaultKind::kIoError: return NotAppliedError(operation, path).WithReason(Reason::kStoreIo);
    case FaultKind::kErrorAfter: {
      // An error of the store is lost as well: the caller cannot know it.
      const auto lost = call();
      return LostError(operation, path);
    }
    case FaultKind::kTimeoutAfter: {
      const auto lost = call();
      script.Delay(context);
      return LostError(operation, path).WithReason(Reason::kStoreTimeout);
    }
    case FaultKind::kDelay: script.Delay(context); return call();
    case FaultKind::kErrorLate:
    case FaultKind::kTruncatedRead:
    case FaultKind::kStaleList: break;
  }
  return call();
}

}  // namespace

class FaultStore::Reader final : public ObjectReader {
 public:
  Reader(Script& script, std::string_view path, std::unique_ptr<ObjectReader> reader)
      : script_(script), path_(path), reader_(std::move(reader)) {}

  uint64_t size_bytes() const override { return reader_->size_bytes(); }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    script_.Count(Operation::kReadAt);
    const auto fault = script_.Draw(Operation::kReadAt, path_);
    if (fault == FaultKind::kTruncatedRead) {
      // A client of a store notices that a positional read came back short.
      return Error(ErrorCode::kUnavailable, fmt::format("injected: short read of {}", path_));
    }
    return Answer(context, script_, fault, Operation::kReadAt, path_,
                  [&] { return reader_->ReadAt(context, offset, out); });
  }

 private:
  Script& script_;
  const std::string path_;
  const std::unique_ptr<ObjectReader> reader_;
};

class FaultStore::Writer final : public Upload {
 public:
  Writer(Script& script, std::string_view path, std::unique_ptr<Upload> upload)
      : script_(script), path_(path), upload_(std::move(upload)) {}

  Result<void> Write(const Context& context, std::string_view bytes) override {
    script_.Count(Operation::kUploadWrite);
    const auto fault = script_.Draw(Operation::kUploadWrite, path_);
    Result<void> written =
        Answer(context, script_, fault, Operation::kUploadWrite, path_, [&] { return upload_->Write(context, bytes); });
    has_failed_ = has_failed_ || !written.ok();
    return written;
  }

  Result<ObjectMeta> Finish(const Context& context) override {
    script_.Count(Operation::kUploadFinish);
    if (has_failed_) return NotAppliedError(Operation::kUploadFinish, path_);
    const auto fault = script_.Draw(Operation::kUploadFinish, path_);
    Result<ObjectMeta> meta =
        Answer(context, script_, fault, Operation::kUploadFinish, path_, [&] { return upload_->Finish(context); });
    has_failed_ = true;
    return meta;
  }

 private:
  Script& script_;
  const std::string path_;
  const std::unique_ptr<Upload> upload_;
  bool has_failed_ = false;  // also true once it is finished
};

FaultStore::FaultStore(std::shared_ptr<ObjectStore> store, FaultOptions options)
    : store_(std::move(store)), script_(std::make_unique<Script>(std::move(options))) {
  assert(store_ != nullptr);
}
FaultStore::~FaultStore() = default;

void FaultStore::Inject(FaultPlan plan) { script_->Inject(std::move(plan)); }
void FaultStore::SetChance(FaultKind kind, double chance) { script_->SetChance(kind, chance); }
void FaultStore::Heal() { script_->Heal(); }
uint64_t FaultStore::calls(Operation operation) const { return script_->calls(operation); }
uint64_t FaultStore::calls() const { return script_->calls(); }
uint64_t FaultStore::injected(FaultKind kind) const { return script_->injected(kind); }
uint64_t FaultStore::injected() const { return script_->injected(); }
void FaultStore::ResetCounts() { script_->ResetCounts(); }

void FaultStore::LandLate(const Context& context) {
  for (const LatePut& put : script_->TakeLate()) (void)store_->Put(context, put.path, put.bytes, put.mode);
}

Capabilities FaultStore::capabilities() const {
  Capabilities capabilities = store_->capabilities();
  capabilities.is_local = capabilities.is_local && !script_->is_remote();
  return capabilities;
}

template <typename Call>
Result<std::string> FaultStore::AnswerGet(const Context& context, std::string_view path, Call&& call) {
  script_->Count(Operation::kGet);
  const auto fault = script_->Draw(Operation::kGet, path);
  auto bytes = Answer(context, *script_, fault, Operation::kGet, path, call);
  if (bytes.ok() && fault == FaultKind::kTruncatedRead) CutInHalf(*bytes);
  return bytes;
}

Result<std::string> FaultStore::Get(const Context& context, std::string_view path, std::optional<ByteRange> range) {
  return AnswerGet(context, path, [&] { return store_->Get(context, path, range); });
}

Result<std::string> FaultStore::GetKnown(const Context& context, const ObjectMeta& object,
                                         std::optional<ByteRange> range) {
  return AnswerGet(context, object.path, [&] { return store_->GetKnown(context, object, range); });
}

Result<std::vector<std::string>> FaultStore::GetRanges(const Context& context, std::string_view path,
                                                       std::span<const ByteRange> ranges) {
  script_->Count(Operation::kGetRanges);
  const auto fault = script_->Draw(Operation::kGetRanges, path);
  auto buffers = Answer(context, *script_, fault, Operation::kGetRanges, path,
                        [&] { return store_->GetRanges(context, path, ranges); });
  if (buffers.ok() && fault == FaultKind::kTruncatedRead) std::for_each(buffers->begin(), buffers->end(), CutInHalf);
  return buffers;
}

Result<std::unique_ptr<ObjectReader>> FaultStore::Open(const Context& context, std::string_view path,
                                                       std::optional<uint64_t> size_bytes) {
  script_->Count(Operation::kOpen);
  const auto fault = script_->Draw(Operation::kOpen, path);
  auto reader = TRY(Answer(context, *script_, fault, Operation::kOpen, path,
                           [&] { return store_->Open(context, path, size_bytes); }));
  return std::make_unique<Reader>(*script_, path, std::move(reader));
}

Result<ObjectMeta> FaultStore::Head(const Context& context, std::string_view path) {
  script_->Count(Operation::kHead);
  const auto fault = script_->Draw(Operation::kHead, path);
  return Answer(context, *script_, fault, Operation::kHead, path, [&] { return store_->Head(context, path); });
}

Result<ObjectMeta> FaultStore::Put(const Context& context, std::string_view path, std::string_view bytes,
                                   PutMode mode) {
  const Operation operation = mode == PutMode::kCreate ? Operation::kPutCreate : Operation::kPutOverwrite;
  script_->Count(operation);
  const auto fault = script_->Draw(operation, path);
  if (fault == FaultKind::kErrorLate) {
    script_->AddLate({.path = std::string(path), .bytes = std::string(bytes), .mode = mode});
    return LostError(operation, path);
  }
  return Answer(context, *script_, fault, operation, path, [&] { return store_->Put(context, path, bytes, mode); });
}

Result<std::unique_ptr<Upload>> FaultStore::StartUpload(const Context& context, std::string_view path, PutMode mode) {
  script_->Count(Operation::kStartUpload);
  const auto fault = script_->Draw(Operation::kStartUpload, path);
  auto upload = TRY(Answer(context, *script_, fault, Operation::kStartUpload, path,
                           [&] { return store_->StartUpload(context, path, mode); }));
  return std::make_unique<Writer>(*script_, path, std::move(upload));
}

Result<ListPage> FaultStore::List(const Context& context, std::string_view prefix, const ListOptions& options) {
  script_->Count(Operation::kList);
  const auto fault = script_->Draw(Operation::kList, prefix);
  auto page = Answer(context, *script_, fault, Operation::kList, prefix,
                     [&] { return store_->List(context, prefix, options); });
  if (page.ok() && fault == FaultKind::kStaleList) DropNewest(*page, script_->stale_entries());
  return page;
}

std::vector<Result<void>> FaultStore::Delete(const Context& context, std::span<const std::string> paths) {
  script_->Count(Operation::kDelete);
  std::vector<Result<void>> results;
  results.reserve(paths.size());
  for (const std::string& path : paths) {
    const auto fault = script_->Draw(Operation::kDelete, path);
    results.push_back(Answer(context, *script_, fault, Operation::kDelete, path,
                             [&] { return std::move(store_->Delete(context, std::span(&path, 1)).front()); }));
  }
  return results;
}

Result<void> FaultStore::Copy(const Context& context, std::string_view source, std::string_view target) {
  script_->Count(Operation::kCopy);
  const auto fault = script_->Draw(Operation::kCopy, target);
  return Answer(context, *script_, fault, Operation::kCopy, target,
                [&] { return store_->Copy(context, source, target); });
}

}  // namespace yummy::store
