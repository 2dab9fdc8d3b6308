#include "yummy/store/probe_store.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"

namespace yummy::store {

namespace {

constexpr int kTriesMax = 6;
constexpr std::chrono::milliseconds kPause{100};
// The probe's object is deleted even if the write that started the probe is out of time.
constexpr std::chrono::seconds kDeleteMax{5};

}  // namespace

ProbeStore::ProbeStore(std::shared_ptr<ObjectStore> store, Random& random)
    : WrapperStore(std::move(store)), random_(random), finding_(Finding::kNone) {
  if (this->store().capabilities().create_is_atomic) finding_ = Finding::kSafe;
}

// Puts an object that nobody else knows. If it exists, we have put it; if two puts succeed, the store is unsafe. A put
// whose answer is lost says nothing, so puts are repeated until one of the two is seen.
Result<ProbeStore::Finding> ProbeStore::Probe(const Context& context, const std::string& path) {
  std::optional<Error> last;
  int applied = 0;
  for (int tries = 0; tries < kTriesMax; tries++) {
    if (last) TRY(context.Sleep(kPause));
    const auto put = store().Put(context, path, "", PutMode::kCreate);
    if (put.ok() && ++applied == 2) return Finding::kUnsafe;
    if (put.ok()) continue;
    switch (put.error().code()) {
      case ErrorCode::kAlreadyExists: return Finding::kSafe;
      case ErrorCode::kUnsupported: return Finding::kUnsafe;
      case ErrorCode::kUnavailable:
      case ErrorCode::kOutcomeUnknown: last = put.error(); break;
      default: return put.error();
    }
  }
  return Error(ErrorCode::kUnavailable, fmt::format("the store {} cannot be written to before it has shown that its "
                                                    "put-if-absent is one: {}",
                                                    root(), last ? last->message() : "it did not answer"));
}

Result<ProbeStore::Finding> ProbeStore::Ask(const Context& context, std::string_view path) {
  const size_t slash = path.rfind('/');
  const std::string_view folder = slash == std::string_view::npos ? "" : path.substr(0, slash + 1);
  const std::string probe = fmt::format("{}.probe-{}", folder, random_.Uuid());
  const auto finding = Probe(context, probe);
  // Without the right to write, nothing was written, so there is nothing to delete.
  if (!finding.ok() && finding.error().code() == ErrorCode::kPermissionDenied) return finding;
  const Context ours(std::chrono::steady_clock::now() + kDeleteMax, {}, context.request_id());
  const auto deleted = store().Delete(ours, std::span(&probe, 1)).front();
  if (!deleted.ok()) Log(LogLevel::kWarn, "store {}: {} is left: {}", root(), probe, deleted.error().ToString());
  return finding;
}

Result<void> ProbeStore::CheckSafe(const Context& context, std::string_view path) {
  if (finding_ == Finding::kNone) {
    TRY(context.Check());
    TRY(CheckPath(path));
    const auto place = TRY(asking_.Enter(context));
    if (finding_ == Finding::kNone) finding_ = TRY(Ask(context, path));
  }
  if (finding_ == Finding::kSafe) return {};
  return Error(ErrorCode::kUnsupported,
               fmt::format(
                   "the store {} is not written to: it overwrites an object that is to be put only if it is absent "
                   "(If-None-Match), so two writers would replace each other's commits",
                   root()))
      .WithReason(Reason::kStoreUnsafeForWrites);
}

Result<ObjectMeta> ProbeStore::Put(const Context& context, std::string_view path, std::string_view bytes,
                                   PutMode mode) {
  TRY(CheckSafe(context, path));
  return store().Put(context, path, bytes, mode);
}

Result<std::unique_ptr<Upload>> ProbeStore::StartUpload(const Context& context, std::string_view path, PutMode mode) {
  TRY(CheckSafe(context, path));
  return store().StartUpload(context, path, mode);
}

Result<void> ProbeStore::Copy(const Context& context, std::string_view source, std::string_view target) {
  TRY(CheckSafe(context, target));
  return store().Copy(context, source, target);
}

Capabilities ProbeStore::capabilities() const {
  Capabilities capabilities = store().capabilities();
  capabilities.create_is_atomic = finding_ == Finding::kSafe;
  return capabilities;
}

}  // namespace yummy::store
