#include "yummy/store/cache_store.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace yummy::store {

namespace {

/// Up to twice this many blocks are remembered that were read once.
constexpr size_t kSeenMax = size_t{1} << 18;

}  // namespace

Result<std::string> LogCacheStore::GetKnown(const Context& context, const ObjectMeta& object,
                                            std::optional<ByteRange> range) {
  TRY(CheckPath(object.path));
  std::string key = fmt::format("{}\n{}\n{}\n{}", root(), object.path, object.etag, object.size_bytes);
  if (range) key += fmt::format("\n{}+{}", range->offset, range->length);
  // The object has another size, so it has changed since it was listed, or the answer was cut short.
  const uint64_t offset = range ? range->offset : 0;
  const uint64_t rest = object.size_bytes > offset ? object.size_bytes - offset : 0;
  const bool is_size_known = object.size_bytes > 0 || !object.etag.empty();
  const uint64_t expected = !range ? rest : is_size_known ? std::min(rest, range->length) : range->length;
  const auto may_keep = [&](const std::string& bytes) { return bytes.size() == expected; };
  return cache_->Read(context, key, [&] { return store().GetKnown(context, object, range); }, may_keep);
}

/// Remembers which blocks were read before. When it is full, it forgets the older half.
class BlockCacheStore::Seen {
 public:
  /// True if the key was added before and is still remembered.
  bool Add(std::string_view key) {
    const size_t hash = std::hash<std::string_view>()(key);
    const std::lock_guard lock(mutex_);
    if (older_.contains(hash) || !newer_.insert(hash).second) return true;
    if (newer_.size() >= kSeenMax) older_ = std::exchange(newer_, {});
    return false;
  }

 private:
  std::mutex mutex_;
  std::unordered_set<size_t> newer_;  // guarded by mutex_
  std::unordered_set<size_t> older_;  // guarded by mutex_
};

class BlockCacheStore::Reader final : public ObjectReader {
 public:
  Reader(std::string name, std::unique_ptr<ObjectReader> reader, std::shared_ptr<DiskCache> cache,
         std::shared_ptr<Seen> seen)
      : name_(std::move(name)), reader_(std::move(reader)), cache_(std::move(cache)), seen_(std::move(seen)) {}

  uint64_t size_bytes() const override { return reader_->size_bytes(); }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    TRY(context.Check());
    const bool is_within = offset <= size_bytes() && out.size() <= size_bytes() - offset;
    if (out.empty() || !is_within) return reader_->ReadAt(context, offset, out);
    const uint64_t first = offset / kBlockBytes;
    std::vector<Want> wants((offset + out.size() - 1) / kBlockBytes - first + 1);
    for (size_t i = 0; i < wants.size(); i++) {
      if (const auto bytes = FindBlock(first + i)) {
        Copy(*bytes, (first + i) * kBlockBytes, offset, out);
        wants[i] = Want::kNothing;
      } else {
        wants[i] = seen_->Add(KeyOf(first + i)) ? Want::kBlock : Want::kPart;
      }
    }
    // Adjacent blocks of the same kind are read by one request.
    for (size_t i = 0, end = 0; i < wants.size(); i = end) {
      for (end = i + 1; end < wants.size() && wants[end] == wants[i];) end++;
      if (wants[i] == Want::kBlock) TRY(ReadBlocks(context, first + i, first + end, offset, out));
      if (wants[i] == Want::kPart) TRY(ReadPart(context, first + i, first + end, offset, out));
    }
    return {};
  }

 private:
  enum class Want { kNothing, kBlock, kPart };

  uint64_t EndOf(uint64_t block) const { return std::min((block + 1) * kBlockBytes, size_bytes()); }
  std::string KeyOf(uint64_t block) const { return fmt::format("{}\n{}", name_, block); }

  std::optional<std::string> FindBlock(uint64_t block) const {
    auto bytes = cache_->Find(KeyOf(block));
    if (bytes && bytes->size() != EndOf(block) - block * kBlockBytes) return std::nullopt;
    return bytes;
  }

  /// Copies bytes of the object, which begin at `from`, to their place in `out`, which begins at `offset`.
  static void Copy(std::string_view bytes, uint64_t from, uint64_t offset, std::span<std::byte> out) {
    const uint64_t begin = std::max(from, offset);
    const uint64_t end = std::min(from + bytes.size(), offset + out.size());
    std::memcpy(out.data() + (begin - offset), bytes.data() + (begin - from), end - begin);
  }

  /// Reads only the wanted part of the blocks, and keeps nothing.
  Result<void> ReadPart(const Context& context, uint64_t first, uint64_t end, uint64_t offset,
                        std::span<std::byte> out) const {
    const uint64_t from = std::max(first * kBlockBytes, offset);
    const uint64_t to = std::min(EndOf(end - 1), offset + out.size());
    return reader_->ReadAt(context, from, out.subspan(from - offset, to - from));
  }

  /// Reads whole blocks and keeps them.
  Result<void> ReadBlocks(const Context& context, uint64_t first, uint64_t end, uint64_t offset,
                          std::span<std::byte> out) const {
    const uint64_t from = first * kBlockBytes;
    const auto read = [&]() -> Result<std::string> {
      std::string bytes(EndOf(end - 1) - from, '\0');
      TRY(reader_->ReadAt(context, from, std::as_writable_bytes(std::span(bytes))));
      for (uint64_t block = first; block < end; block++) {
        const uint64_t begin = (block - first) * kBlockBytes;
        cache_->Insert(KeyOf(block), std::string_view(bytes).substr(begin, kBlockBytes));
      }
      return bytes;
    };
    // The read has a key of its own, so that callers who want the same blocks share it. Only its blocks are kept.
    const std::string key = fmt::format("{}\n{}-{}", name_, first, end);
    const std::string bytes = TRY(cache_->Read(context, key, read, [](const std::string&) { return false; }));
    Copy(bytes, from, offset, out);
    return {};
  }

  const std::string name_;
  const std::unique_ptr<ObjectReader> reader_;
  const std::shared_ptr<DiskCache> cache_;
  const std::shared_ptr<Seen> seen_;
};

BlockCacheStore::BlockCacheStore(std::shared_ptr<ObjectStore> store, std::shared_ptr<DiskCache> cache)
    : WrapperStore(std::move(store)), cache_(std::move(cache)), seen_(std::make_shared<Seen>()) {}
BlockCacheStore::~BlockCacheStore() = default;

Result<std::unique_ptr<ObjectReader>> BlockCacheStore::OpenKnown(const Context& context, const ObjectMeta& object) {
  auto reader = TRY(store().OpenKnown(context, object));
  if (reader->size_bytes() != object.size_bytes) return reader;
  auto name = fmt::format("{}\n{}\n{}\n{}", root(), object.path, object.size_bytes, object.modified_micros);
  return std::make_unique<Reader>(std::move(name), std::move(reader), cache_, seen_);
}

}  // namespace yummy::store
