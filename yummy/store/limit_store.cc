#include "yummy/store/limit_store.h"

#include <utility>

#include <fmt/format.h>

namespace yummy::store {

namespace {

bool IsInLog(std::string_view path) {
  const size_t at = path.find("_delta_log/");
  return at != std::string_view::npos && (at == 0 || path[at - 1] == '/');
}

// Nothing was sent, so a put was definitely not applied.
Error NotSentError(const Error& error, std::string_view path) {
  if (error.code() != ErrorCode::kDeadlineExceeded) return error;
  return Error(ErrorCode::kUnavailable,
               fmt::format("{} was not written: the store had too many requests in flight until the deadline", path))
      .WithReason(Reason::kStoreBusy);
}

}  // namespace

class LimitStore::Reader final : public ObjectReader {
 public:
  Reader(Gate& gate, std::unique_ptr<ObjectReader> reader) : gate_(gate), reader_(std::move(reader)) {}

  uint64_t size_bytes() const override { return reader_->size_bytes(); }
  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    const auto place = TRY(gate_.Enter(context));
    return reader_->ReadAt(context, offset, out);
  }

 private:
  Gate& gate_;
  const std::unique_ptr<ObjectReader> reader_;
};

class LimitStore::Writer final : public Upload {
 public:
  Writer(Gate& gate, std::string_view path, std::unique_ptr<Upload> upload)
      : gate_(gate), path_(path), upload_(std::move(upload)) {}

  Result<void> Write(const Context& context, std::string_view bytes) override {
    if (has_failed_) return AfterFailure();
    const auto place = gate_.Enter(context);
    // After a part that was not written, the upload must fail, or the object would have a gap.
    has_failed_ = !place.ok();
    if (!place.ok()) return NotSentError(place.error(), path_);
    return upload_->Write(context, bytes);
  }

  Result<ObjectMeta> Finish(const Context& context) override {
    if (has_failed_) return AfterFailure();
    const auto place = gate_.Enter(context);
    if (!place.ok()) return NotSentError(place.error(), path_);
    return upload_->Finish(context);
  }

 private:
  Error AfterFailure() const {
    return Error(ErrorCode::kUnavailable, fmt::format("{} was not written: a part of it was not", path_));
  }

  Gate& gate_;
  const std::string path_;
  const std::unique_ptr<Upload> upload_;
  bool has_failed_ = false;
};

LimitStore::LimitStore(std::shared_ptr<ObjectStore> store, const RequestLimits& limits)
    : WrapperStore(std::move(store)) {
  for (size_t i = 0; i < kRequestClassCount; i++) gates_[i] = std::make_unique<Gate>(limits[i]);
}
LimitStore::~LimitStore() = default;

size_t LimitStore::in_flight(RequestClass request_class) const { return gate(request_class).held(); }
size_t LimitStore::waiting(RequestClass request_class) const { return gate(request_class).waiting(); }

Gate& LimitStore::GateToRead(std::string_view path) const {
  return gate(IsInLog(path) ? RequestClass::kLog : RequestClass::kData);
}

// Among the files of the log, somebody waits only for commits.
Gate& LimitStore::GateToWrite(std::string_view path) const {
  if (!IsInLog(path)) return gate(RequestClass::kData);
  return gate(path.ends_with(".json") ? RequestClass::kLog : RequestClass::kBackground);
}

Result<std::string> LimitStore::Get(const Context& context, std::string_view path, std::optional<ByteRange> range) {
  const auto place = TRY(GateToRead(path).Enter(context));
  return store().Get(context, path, range);
}

Result<std::string> LimitStore::GetKnown(const Context& context, const ObjectMeta& object,
                                         std::optional<ByteRange> range) {
  const auto place = TRY(GateToRead(object.path).Enter(context));
  return store().GetKnown(context, object, range);
}

Result<std::vector<std::string>> LimitStore::GetRanges(const Context& context, std::string_view path,
                                                       std::span<const ByteRange> ranges) {
  const auto place = TRY(GateToRead(path).Enter(context));
  return store().GetRanges(context, path, ranges);
}

Result<std::unique_ptr<ObjectReader>> LimitStore::Open(const Context& context, std::string_view path,
                                                       std::optional<uint64_t> size_bytes) {
  Gate& gate = GateToRead(path);
  const auto place = TRY(gate.Enter(context));
  return std::make_unique<Reader>(gate, TRY(store().Open(context, path, size_bytes)));
}

Result<std::unique_ptr<ObjectReader>> LimitStore::OpenKnown(const Context& context, const ObjectMeta& object) {
  Gate& gate = GateToRead(object.path);
  const auto place = TRY(gate.Enter(context));
  return std::make_unique<Reader>(gate, TRY(store().OpenKnown(context, object)));
}

Result<ObjectMeta> LimitStore::Head(const Context& context, std::string_view path) {
  const auto place = TRY(GateToRead(path).Enter(context));
  return store().Head(context, path);
}

Result<ObjectMeta> LimitStore::Put(const Context& context, std::string_view path, std::string_view bytes,
                                   PutMode mode) {
  const auto place = GateToWrite(path).Enter(context);
  if (!place.ok()) return NotSentError(place.error(), path);
  return store().Put(context, path, bytes, mode);
}

Result<std::unique_ptr<Upload>> LimitStore::StartUpload(const Context& context, std::string_view path, PutMode mode) {
  Gate& gate = GateToWrite(path);
  const auto place = gate.Enter(context);
  if (!place.ok()) return NotSentError(place.error(), path);
  return std::make_unique<Writer>(gate, path, TRY(store().StartUpload(context, path, mode)));
}

Result<ListPage> LimitStore::List(const Context& context, std::string_view prefix, const ListOptions& options) {
  const auto place = TRY(gate(RequestClass::kLog).Enter(context));
  return store().List(context, prefix, options);
}

std::vector<Result<void>> LimitStore::Delete(const Context& context, std::span<const std::string> paths) {
  if (paths.empty()) return {};
  const auto place = gate(RequestClass::kBackground).Enter(context);
  if (place.ok()) return store().Delete(context, paths);
  return std::vector<Result<void>>(paths.size(), Result<void>(place.error()));
}

Result<void> LimitStore::Copy(const Context& context, std::string_view source, std::string_view target) {
  const auto place = GateToWrite(target).Enter(context);
  if (!place.ok()) return NotSentError(place.error(), target);
  return store().Copy(context, source, target);
}

}  // namespace yummy::store
