#include "yummy/store/cloud_store.h"

#include <chrono>
#include <cstring>
#include <stop_token>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/store/cloud/cloud.h"

namespace yummy::store {

namespace {

// The crate counts codes from one.
static_assert(static_cast<int>(ErrorCode::kInvalidArgument) == 0 && static_cast<int>(ErrorCode::kUnavailable) == 10 &&
              static_cast<int>(ErrorCode::kOutcomeUnknown) == 13 && static_cast<int>(ErrorCode::kInternal) == 14);

/// An object that is read whole into memory has at most this many bytes.
constexpr uint64_t kWholeBytesMax = uint64_t{4} << 30;
/// At most this much memory is reserved ahead, because a store may give a wrong length.
constexpr uint64_t kReserveBytesMax = uint64_t{64} << 20;

YummyCloudText ToText(std::string_view text) { return {text.data(), text.size()}; }
std::string_view FromText(YummyCloudText text) { return {text.data, text.size}; }

ObjectMeta FromObject(const YummyCloudObject& object) {
  return {.path = std::string(FromText(object.path)),
          .size_bytes = object.size_bytes,
          .modified_micros = object.modified_micros,
          .etag = std::string(FromText(object.etag)),
          .version = std::string(FromText(object.version))};
}

void TakeObject(void* user, const YummyCloudObject* object) { *static_cast<ObjectMeta*>(user) = FromObject(*object); }

/// One call into the crate: given up at the deadline of the context, or when its stop is requested.
class Call {
 public:
  explicit Call(const Context& context)
      : context_(context),
        call_(yummy_cloud_start_call(MicrosLeft(context))),
        on_stop_(context.stop_token(), Cancel{call_.get()}) {}

  const YummyCloudCall* get() const { return call_.get(); }

  /// The error of a status, whose message it frees.
  Result<void> Check(const YummyCloudStatus& status, const std::string& root) const {
    if (status.code == 0) return {};
    const auto code = static_cast<ErrorCode>(status.code - 1);
    Error error(code, status.message);
    yummy_cloud_free_message(status.message);
    if (code == ErrorCode::kCancelled || code == ErrorCode::kDeadlineExceeded) TRY(context_.Check());
    error = std::move(error).WithReason(ReasonOfName(status.reason));
    if (status.http_status != 0) error = std::move(error).With("http_status", std::to_string(status.http_status));
    return std::move(error)
        .With("attempts", std::to_string(status.attempts))
        .With("retryable", status.is_retryable != 0 ? "true" : "false")
        .With("store", root);
  }

 private:
  struct End {
    void operator()(YummyCloudCall* call) const { yummy_cloud_end_call(call); }
  };
  struct Cancel {
    const YummyCloudCall* call;
    void operator()() const { yummy_cloud_cancel_call(call); }
  };

  static int64_t MicrosLeft(const Context& context) {
    if (context.deadline() == Context::Time::max()) return -1;
    const auto left = context.deadline() - std::chrono::steady_clock::now();
    return std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(left).count());
  }

  const Context& context_;
  const std::unique_ptr<YummyCloudCall, End> call_;
  std::stop_callback<Cancel> on_stop_;  // destroyed first; its destructor waits for a running cancellation
};

/// Owns the crate's store.
struct CloseStore {
  void operator()(YummyCloudStore* store) const { yummy_cloud_close(store); }
};
using StoreHandle = std::unique_ptr<YummyCloudStore, CloseStore>;

/// Takes the bytes of an object, and refuses bytes that do not fit.
struct StringSink {
  std::string& out;
  uint64_t bytes_max;
  bool is_full = false;

  static int32_t Take(void* user, YummyCloudText bytes) {
    auto& sink = *static_cast<StringSink*>(user);
    sink.is_full = bytes.size > sink.bytes_max - sink.out.size();
    if (sink.is_full) return 0;
    sink.out.append(bytes.data, bytes.size);
    return 1;
  }
};

struct SpanSink {
  std::span<std::byte> rest;

  static int32_t Take(void* user, YummyCloudText bytes) {
    auto& sink = *static_cast<SpanSink*>(user);
    if (bytes.size > sink.rest.size()) return 0;
    std::memcpy(sink.rest.data(), bytes.data, bytes.size);
    sink.rest = sink.rest.subspan(bytes.size);
    return 1;
  }
};

class CloudReader final : public ObjectReader {
 public:
  /// With an etag in `object`, it reads that version only.
  CloudReader(const YummyCloudStore* store, const std::string& root, ObjectMeta object)
      : store_(store), root_(root), object_(std::move(object)) {}

  uint64_t size_bytes() const override { return object_.size_bytes; }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    TRY(context.Check());
    if (offset > size_bytes() || out.size() > size_bytes() - offset) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("read beyond the end of {}: {} bytes from {}, it has {}",
                                                            object_.path, out.size(), offset, size_bytes()));
    }
    if (out.empty()) return {};
    SpanSink sink{out};
    const Call call(context);
    const Result<void> read = call.Check(yummy_cloud_get(store_, call.get(), ToText(object_.path), offset, out.size(),
                                                         ToText(object_.etag), SpanSink::Take, &sink),
                                         root_);
    if (!read.ok() && read.error().code() == ErrorCode::kPreconditionFailed)
      return Error(ErrorCode::kUnavailable, fmt::format("the object {} has changed since it was opened", object_.path));
    if (read.ok() && !sink.rest.empty()) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("the object {} is shorter than it should be: expected {} bytes from {}, "
                               "found {}",
                               object_.path, out.size(), offset, out.size() - sink.rest.size()));
    }
    return read;
  }

 private:
  const YummyCloudStore* const store_;
  const std::string& root_;
  const ObjectMeta object_;
};

class CloudUpload final : public Upload {
 public:
  CloudUpload(YummyCloudUpload* upload, const std::string& root) : upload_(upload), root_(root) {}
  ~CloudUpload() override { yummy_cloud_end_upload(upload_); }
  CloudUpload(const CloudUpload&) = delete;
  CloudUpload& operator=(const CloudUpload&) = delete;

  Result<void> Write(const Context& context, std::string_view bytes) override {
    const Call call(context);
    return call.Check(yummy_cloud_write_upload(upload_, call.get(), ToText(bytes)), root_);
  }

  Result<ObjectMeta> Finish(const Context& context) override {
    const Call call(context);
    ObjectMeta meta;
    TRY(call.Check(yummy_cloud_finish_upload(upload_, call.get(), TakeObject, &meta), root_));
    return meta;
  }

 private:
  YummyCloudUpload* const upload_;
  const std::string root_;  // an upload may outlive its store
};

class CloudObjects final : public ObjectStore {
 public:
  CloudObjects(StoreHandle store, std::string root, Capabilities capabilities)
      : store_(std::move(store)), root_(std::move(root)), capabilities_(capabilities) {}

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    if (range && range->length == 0) {
      TRY(Head(context, path));  // HTTP cannot request an empty range
      return std::string();
    }
    const ByteRange asked = range.value_or(ByteRange{.offset = 0, .length = UINT64_MAX});
    std::string bytes;
    if (range) bytes.reserve(std::min(asked.length, kReserveBytesMax));
    StringSink sink{bytes, std::min(asked.length, kWholeBytesMax)};
    const Call call(context);
    const Result<void> read = call.Check(yummy_cloud_get(store_.get(), call.get(), ToText(path), asked.offset,
                                                         asked.length, {}, StringSink::Take, &sink),
                                         root_);
    if (sink.is_full && !range) {
      return Error(
          ErrorCode::kResourceExhausted,
          fmt::format("limit exceeded: {} has more than {} bytes, and is to be read whole", path, kWholeBytesMax));
    }
    TRY(read);
    return bytes;
  }

  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> size_bytes) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    ObjectMeta object{.path = std::string(path), .size_bytes = size_bytes.value_or(0)};
    if (!size_bytes) object = TRY(Head(context, path));
    return std::make_unique<CloudReader>(store_.get(), root_, std::move(object));
  }

  Result<ObjectMeta> Head(const Context& context, std::string_view path) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const Call call(context);
    ObjectMeta meta;
    TRY(call.Check(yummy_cloud_head(store_.get(), call.get(), ToText(path), TakeObject, &meta), root_));
    return meta;
  }

  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const Call call(context);
    ObjectMeta meta;
    TRY(call.Check(yummy_cloud_put(store_.get(), call.get(), ToText(path), ToText(bytes), mode == PutMode::kCreate,
                                   TakeObject, &meta),
                   root_));
    return meta;
  }

  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const Call call(context);
    YummyCloudUpload* upload = nullptr;
    TRY(call.Check(yummy_cloud_start_upload(store_.get(), ToText(path), mode == PutMode::kCreate, &upload), root_));
    return std::make_unique<CloudUpload>(upload, root_);
  }

  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override {
    TRY(context.Check());
    TRY(CheckPrefix(prefix));
    const Call call(context);
    struct Listing {
      const std::string& root;
      ListPage page;
    } listing{root_, {}};
    const auto take = [](void* user, const YummyCloudObject* object, int32_t is_prefix) {
      ListPage& found = static_cast<Listing*>(user)->page;
      if (is_prefix != 0) {
        found.prefixes.emplace_back(FromText(object->path));
      } else {
        found.objects.push_back(FromObject(*object));
      }
    };
    const auto warn = [](void* user, YummyCloudText text) {
      Log(LogLevel::kWarn, "store {}: {}", static_cast<Listing*>(user)->root, FromText(text));
    };
    int32_t has_more = 0;
    TRY(call.Check(yummy_cloud_list(store_.get(), call.get(), ToText(prefix), ToText(options.after), options.delimiter,
                                    options.limit, take, warn, &listing, &has_more),
                   root_));
    listing.page.truncated = has_more != 0;
    return std::move(listing.page);
  }

  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override {
    std::vector<Result<void>> results;
    std::vector<YummyCloudText> asked;
    std::vector<size_t> places;  // the positions of the requested paths in `results`
    results.reserve(paths.size());
    for (size_t i = 0; i < paths.size(); i++) {
      results.push_back(CheckPath(paths[i]));
      if (!results.back().ok()) continue;
      asked.push_back(ToText(paths[i]));
      places.push_back(i);
    }
    const Call call(context);
    struct Answers {
      const CloudObjects& store;
      const Call& call;
      const std::vector<size_t>& places;
      std::vector<Result<void>>& results;
    } answers{*this, call, places, results};
    const auto take = [](void* user, size_t index, YummyCloudStatus status) {
      auto& answered = *static_cast<Answers*>(user);
      answered.results[answered.places[index]] = answered.call.Check(status, answered.store.root_);
    };
    const Result<void> deleted =
        call.Check(yummy_cloud_delete(store_.get(), call.get(), asked.data(), asked.size(), take, &answers), root_);
    if (!deleted.ok()) {
      for (const size_t place : places) results[place] = deleted.error();
    }
    return results;
  }

  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override {
    TRY(context.Check());
    TRY(CheckPath(source));
    TRY(CheckPath(target));
    const Call call(context);
    return call.Check(yummy_cloud_copy(store_.get(), call.get(), ToText(source), ToText(target)), root_);
  }

  Capabilities capabilities() const override { return capabilities_; }
  const std::string& root() const override { return root_; }

 private:
  const StoreHandle store_;
  const std::string root_;
  const Capabilities capabilities_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> CloudStore::Open(const std::string& url, std::string root,
                                                      const std::map<std::string, std::string>& storage_options) {
  std::vector<YummyCloudText> keys;
  std::vector<YummyCloudText> values;
  for (const auto& [key, value] : storage_options) {
    keys.push_back(ToText(key));
    values.push_back(ToText(value));
  }
  const auto warn = [](void* user, YummyCloudText text) {
    Log(LogLevel::kWarn, "store {}: {}", *static_cast<std::string*>(user), FromText(text));
  };
  YummyCloudStore* store = nullptr;
  int32_t heeds_conditions = 0;
  const Context context;
  const Call call(context);
  TRY(call.Check(yummy_cloud_open(ToText(url), ToText(root), keys.data(), values.data(), keys.size(), warn, &root,
                                  &heeds_conditions, &store),
                 root));
  const Capabilities capabilities{.create_is_atomic = heeds_conditions != 0, .is_local = false};
  return std::make_unique<CloudObjects>(StoreHandle(store), std::move(root), capabilities);
}

}  // namespace yummy::store
