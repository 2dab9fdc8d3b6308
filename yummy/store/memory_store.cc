#include "yummy/store/memory_store.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <map>
#include <mutex>

#include <fmt/format.h>

namespace yummy::store {

namespace {

/// shared: readers keep the version that they opened, just as an open file stays readable after it was replaced.
using Content = std::shared_ptr<const std::string>;

struct Object {
  Content content;
  int64_t modified_micros = 0;
  uint64_t generation = 0;
};

ObjectMeta MetaOf(std::string_view path, const Object& object) {
  return {.path = std::string(path),
          .size_bytes = object.content->size(),
          .modified_micros = object.modified_micros,
          .etag = fmt::format("{:x}", object.generation),
          .version = std::to_string(object.generation)};
}

class MemoryReader final : public ObjectReader {
 public:
  MemoryReader(std::string_view path, Content content) : path_(path), content_(std::move(content)) {}

  uint64_t size_bytes() const override { return content_->size(); }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    TRY(context.Check());
    if (offset > content_->size() || out.size() > content_->size() - offset) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("read beyond the end of {}: {} bytes from {}, it has {}",
                                                            path_, out.size(), offset, content_->size()));
    }
    if (!out.empty()) std::memcpy(out.data(), content_->data() + offset, out.size());
    return {};
  }

 private:
  const std::string path_;
  const Content content_;
};

class MemoryUpload final : public Upload {
 public:
  MemoryUpload(MemoryStore& store, std::string_view path, PutMode mode) : store_(store), path_(path), mode_(mode) {}

  Result<void> Write(const Context& context, std::string_view bytes) override {
    assert(!is_finished_);
    Result<void> checked = context.Check();
    has_failed_ = has_failed_ || !checked.ok();
    if (checked.ok()) bytes_ += bytes;
    return checked;
  }

  Result<ObjectMeta> Finish(const Context& context) override {
    assert(!is_finished_);
    is_finished_ = true;
    if (has_failed_)
      return Error(ErrorCode::kUnavailable, fmt::format("cannot write {}: an earlier write failed", path_));
    return store_.Put(context, path_, bytes_, mode_);
  }

 private:
  MemoryStore& store_;
  const std::string path_;
  const PutMode mode_;
  std::string bytes_;
  bool has_failed_ = false;
  bool is_finished_ = false;
};

}  // namespace

struct MemoryStore::State {
  explicit State(const Clock& c) : clock(c) {}

  Result<Object> Find(std::string_view path) const {
    const std::lock_guard lock(mutex);
    const auto found = objects.find(path);
    if (found == objects.end()) {
      return Error(ErrorCode::kNotFound, fmt::format("no object {}", path)).WithReason(Reason::kObjectNotFound);
    }
    return found->second;
  }

  const Clock& clock;
  mutable std::mutex mutex;
  std::map<std::string, Object, std::less<>> objects;  // guarded by mutex
  uint64_t generation = 0;                             // guarded by mutex
};

MemoryStore::MemoryStore(const Clock& clock) : state_(std::make_unique<State>(clock)) {}
MemoryStore::~MemoryStore() = default;

Result<std::string> MemoryStore::Get(const Context& context, std::string_view path, std::optional<ByteRange> range) {
  TRY(context.Check());
  TRY(CheckPath(path));
  const Object object = TRY(state_->Find(path));
  if (!range) return *object.content;
  if (range->offset >= object.content->size()) return std::string();
  return object.content->substr(range->offset, range->length);
}

Result<std::unique_ptr<ObjectReader>> MemoryStore::Open(const Context& context, std::string_view path,
                                                        std::optional<uint64_t> /*size_bytes*/) {
  TRY(context.Check());
  TRY(CheckPath(path));
  Object object = TRY(state_->Find(path));
  return std::make_unique<MemoryReader>(path, std::move(object.content));
}

Result<ObjectMeta> MemoryStore::Head(const Context& context, std::string_view path) {
  TRY(context.Check());
  TRY(CheckPath(path));
  return MetaOf(path, TRY(state_->Find(path)));
}

Result<ObjectMeta> MemoryStore::Put(const Context& context, std::string_view path, std::string_view bytes,
                                    PutMode mode) {
  TRY(context.Check());
  TRY(CheckPath(path));
  auto content = std::make_shared<const std::string>(bytes);
  const int64_t now_micros = state_->clock.now_micros();
  const std::lock_guard lock(state_->mutex);
  const auto [at, is_absent] = state_->objects.try_emplace(std::string(path));
  if (!is_absent && mode == PutMode::kCreate) {
    return Error(ErrorCode::kAlreadyExists, fmt::format("the object {} exists already", path));
  }
  at->second = {.content = std::move(content), .modified_micros = now_micros, .generation = ++state_->generation};
  return MetaOf(path, at->second);
}

Result<std::unique_ptr<Upload>> MemoryStore::StartUpload(const Context& context, std::string_view path, PutMode mode) {
  TRY(context.Check());
  TRY(CheckPath(path));
  return std::make_unique<MemoryUpload>(*this, path, mode);
}

Result<ListPage> MemoryStore::List(const Context& context, std::string_view prefix, const ListOptions& options) {
  TRY(context.Check());
  TRY(CheckPrefix(prefix));
  ListPage page;
  const std::lock_guard lock(state_->mutex);
  const auto& objects = state_->objects;
  auto at = options.after < prefix ? objects.lower_bound(prefix) : objects.upper_bound(options.after);
  while (at != objects.end() && at->first.starts_with(prefix)) {
    const size_t slash = options.delimiter ? at->first.find('/', prefix.size()) : std::string::npos;
    std::string folder = slash == std::string::npos ? std::string() : at->first.substr(0, slash + 1);
    const bool is_reported = folder.empty() || folder > options.after;
    if (is_reported && options.limit != 0 && page.objects.size() + page.prefixes.size() == options.limit) {
      page.truncated = true;
      break;
    }
    if (folder.empty()) {
      page.objects.push_back(MetaOf(at->first, at->second));
      ++at;
      continue;
    }
    // '0' is the character after '/', so this is the least path after all paths in the folder.
    std::string behind = folder;
    behind.back() = '0';
    at = objects.lower_bound(behind);
    if (is_reported) page.prefixes.push_back(std::move(folder));
  }
  return page;
}

std::vector<Result<void>> MemoryStore::Delete(const Context& context, std::span<const std::string> paths) {
  std::vector<Result<void>> results;
  results.reserve(paths.size());
  for (const std::string& path : paths) {
    Result<void> checked = context.Check();
    if (checked.ok()) checked = CheckPath(path);
    if (checked.ok()) {
      const std::lock_guard lock(state_->mutex);
      state_->objects.erase(path);
    }
    results.push_back(std::move(checked));
  }
  return results;
}

Result<void> MemoryStore::Copy(const Context& context, std::string_view source, std::string_view target) {
  TRY(context.Check());
  TRY(CheckPath(source));
  TRY(CheckPath(target));
  Content content = TRY(state_->Find(source)).content;
  const int64_t now_micros = state_->clock.now_micros();
  const std::lock_guard lock(state_->mutex);
  state_->objects[std::string(target)] = {
      .content = std::move(content), .modified_micros = now_micros, .generation = ++state_->generation};
  return {};
}

}  // namespace yummy::store
