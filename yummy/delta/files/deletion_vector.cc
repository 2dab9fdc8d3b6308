#include "yummy/delta/files/deletion_vector.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <limits>
#include <vector>

#include <fmt/format.h>
#include <roaring.h>
#include <zlib.h>

#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

constexpr uint32_t kMagic = 1681511377;
constexpr uint32_t kKeyMax = 0x7FFFFFFF;  // "every key … has a 0 as its most significant bit"
constexpr size_t kUuidTextBytes = 20;     // a UUID in Z85
constexpr std::string_view kZ85 =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
static_assert(kZ85.size() == 85);

Error CorruptVector(std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("deletion vector: {}", what))
      .WithReason(Reason::kCorruptDeletionVector);
}

uint64_t ReadLittle(std::string_view bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = count; i > 0; i--) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  return value;
}

void AppendLittle(std::string& bytes, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; i++) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
}

void AppendBig(std::string& bytes, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFF);
}

uint32_t ReadBig(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; i++) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

// Takes `count` bytes off the front.
std::optional<std::string_view> Take(std::string_view& bytes, size_t count) {
  if (bytes.size() < count) return std::nullopt;
  const std::string_view taken = bytes.substr(0, count);
  bytes.remove_prefix(count);
  return taken;
}

struct FreeBitmap {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};
using Bitmap = std::unique_ptr<roaring_bitmap_t, FreeBitmap>;

// Takes one 32-bit bitmap off the front. The bytes may be hostile, so the bitmap is validated before it is used.
Result<Bitmap> TakeBitmap(std::string_view& bytes) {
  const size_t size = roaring_bitmap_portable_deserialize_size(bytes.data(), bytes.size());
  if (size == 0 || size > bytes.size()) return CorruptVector("a bucket is cut off or no roaring bitmap");
  Bitmap bitmap(roaring_bitmap_portable_deserialize_safe(bytes.data(), size));
  const char* reason = nullptr;
  if (!bitmap) return CorruptVector("a bucket is no roaring bitmap");
  if (!roaring_bitmap_internal_validate(bitmap.get(), &reason)) {
    return CorruptVector(
        fmt::format("a bucket is no valid roaring bitmap: {}", reason == nullptr ? "unknown" : reason));
  }
  bytes.remove_prefix(size);
  return bitmap;
}

}  // namespace

struct DeletionVector::State {
  struct Bucket {
    uint32_t key = 0;  // the upper half of its row numbers
    Bitmap bitmap;     // not empty
  };
  std::vector<Bucket> buckets;  // ascending by key
  uint64_t cardinality = 0;

  // The bitmap of a key, which is made when it is absent.
  roaring_bitmap_t* FindOrAdd(uint32_t key) {
    const auto found = std::lower_bound(buckets.begin(), buckets.end(), key,
                                        [](const Bucket& bucket, uint32_t k) { return bucket.key < k; });
    if (found != buckets.end() && found->key == key) return found->bitmap.get();
    return buckets.insert(found, Bucket{key, Bitmap(roaring_bitmap_create())})->bitmap.get();
  }

  const roaring_bitmap_t* Find(uint32_t key) const {
    const auto found = std::lower_bound(buckets.begin(), buckets.end(), key,
                                        [](const Bucket& bucket, uint32_t k) { return bucket.key < k; });
    return found == buckets.end() || found->key != key ? nullptr : found->bitmap.get();
  }
};

namespace {

// A part of a range of rows that lies within one bucket.
struct Part {
  uint32_t key;
  uint32_t first;
  uint32_t last;  // included
};

Part FirstPart(uint64_t start, uint64_t count) {
  assert(count > 0);
  const uint64_t bucket_end = (start | 0xFFFFFFFFULL);
  const uint64_t last = std::min(bucket_end, start + count - 1);
  return {static_cast<uint32_t>(start >> 32), static_cast<uint32_t>(start), static_cast<uint32_t>(last)};
}

uint32_t* Fill(uint32_t* out, uint32_t begin, uint32_t end) {
  for (uint32_t value = begin; value < end; value++) *out++ = value;
  return out;
}

}  // namespace

DeletionVector::DeletionVector(std::unique_ptr<State> state) : state_(std::move(state)) {}
DeletionVector::~DeletionVector() = default;
DeletionVector::DeletionVector(DeletionVector&&) noexcept = default;
DeletionVector& DeletionVector::operator=(DeletionVector&&) noexcept = default;

Result<DeletionVector> DeletionVector::Parse(std::string_view payload) {
  const auto magic = Take(payload, 4);
  if (!magic) return CorruptVector(fmt::format("{} bytes, too few for its magic number", payload.size()));
  if (ReadLittle(*magic, 4) != kMagic)
    return CorruptVector(fmt::format("magic number {}, expected {}", ReadLittle(*magic, 4), kMagic));
  const auto count_bytes = Take(payload, 8);
  if (!count_bytes) return CorruptVector("cut off before the number of buckets");
  const uint64_t count = ReadLittle(*count_bytes, 8);
  // A bucket takes at least twelve bytes. A greater count is wrong, and nothing is allocated for it.
  if (count > payload.size() / 12) return CorruptVector(fmt::format("{} buckets in {} bytes", count, payload.size()));

  auto state = std::make_unique<State>();
  std::optional<uint32_t> previous;
  for (uint64_t i = 0; i < count; i++) {
    const auto key_bytes = Take(payload, 4);
    if (!key_bytes) return CorruptVector("cut off before a bucket");
    const auto key = static_cast<uint32_t>(ReadLittle(*key_bytes, 4));
    if (key > kKeyMax) return CorruptVector(fmt::format("the bucket key {} is negative", key));
    if (previous && key <= *previous) return CorruptVector("the buckets are not in ascending order");
    previous = key;
    Bitmap bitmap = TRY(TakeBitmap(payload));
    state->cardinality += roaring_bitmap_get_cardinality(bitmap.get());
    if (!roaring_bitmap_is_empty(bitmap.get())) state->buckets.push_back({key, std::move(bitmap)});
  }
  if (!payload.empty()) return CorruptVector(fmt::format("{} bytes after the last bucket", payload.size()));
  return DeletionVector(std::move(state));
}

uint64_t DeletionVector::cardinality() const { return state_->cardinality; }

bool DeletionVector::Contains(uint64_t row) const {
  const roaring_bitmap_t* bitmap = state_->Find(static_cast<uint32_t>(row >> 32));
  return bitmap != nullptr && roaring_bitmap_contains(bitmap, static_cast<uint32_t>(row));
}

size_t DeletionVector::SelectKept(uint64_t start, size_t count, uint32_t* kept) const {
  assert(count <= std::numeric_limits<uint32_t>::max());
  uint32_t* out = kept;
  uint32_t offset = 0;  // the first row that is not decided yet
  const auto end = static_cast<uint32_t>(count);
  while (offset < end) {
    const Part part = FirstPart(start + offset, end - offset);
    const uint32_t part_end = offset + (part.last - part.first) + 1;
    if (const roaring_bitmap_t* bitmap = state_->Find(part.key)) {
      roaring_uint32_iterator_t deleted;
      roaring_iterator_init(bitmap, &deleted);
      if (roaring_uint32_iterator_move_equalorlarger(&deleted, part.first)) {
        const uint32_t base = offset;
        std::array<uint32_t, 256> rows;
        bool more = true;
        while (more) {
          const uint32_t read = roaring_uint32_iterator_read(&deleted, rows.data(), rows.size());
          uint32_t used = 0;
          while (used < read && rows[used] <= part.last) {
            const uint32_t gone = base + (rows[used] - part.first);
            out = Fill(out, offset, gone);
            offset = gone + 1;
            used++;
          }
          more = used == rows.size();
        }
      }
    }
    out = Fill(out, offset, part_end);
    offset = part_end;
  }
  return static_cast<size_t>(out - kept);
}

bool DeletionVector::IsClear(uint64_t start, uint64_t count) const {
  while (count > 0) {
    const Part part = FirstPart(start, count);
    if (const roaring_bitmap_t* bitmap = state_->Find(part.key)) {
      roaring_uint32_iterator_t deleted;
      roaring_iterator_init(bitmap, &deleted);
      if (roaring_uint32_iterator_move_equalorlarger(&deleted, part.first) && deleted.current_value <= part.last)
        return false;
    }
    const uint64_t covered = static_cast<uint64_t>(part.last - part.first) + 1;
    start += covered;
    count -= covered;
  }
  return true;
}

uint64_t DeletionVector::max() const {
  assert(!state_->buckets.empty());
  const State::Bucket& last = state_->buckets.back();
  return static_cast<uint64_t>(last.key) << 32 | roaring_bitmap_maximum(last.bitmap.get());
}

std::string DeletionVector::Serialize() const {
  std::string bytes;
  AppendLittle(bytes, kMagic, 4);
  AppendLittle(bytes, state_->buckets.size(), 8);
  for (const auto& bucket : state_->buckets) {
    AppendLittle(bytes, bucket.key, 4);
    const size_t begin = bytes.size();
    bytes.resize(begin + roaring_bitmap_portable_size_in_bytes(bucket.bitmap.get()));
    roaring_bitmap_portable_serialize(bucket.bitmap.get(), bytes.data() + begin);
  }
  return bytes;
}

DeletionVectorBuilder::DeletionVectorBuilder() : state_(std::make_unique<DeletionVector::State>()) {}
DeletionVectorBuilder::~DeletionVectorBuilder() = default;
DeletionVectorBuilder::DeletionVectorBuilder(DeletionVectorBuilder&&) noexcept = default;
DeletionVectorBuilder& DeletionVectorBuilder::operator=(DeletionVectorBuilder&&) noexcept = default;

bool DeletionVectorBuilder::Add(uint64_t row) {
  roaring_bitmap_t* bitmap = state_->FindOrAdd(static_cast<uint32_t>(row >> 32));
  const bool is_new = roaring_bitmap_add_checked(bitmap, static_cast<uint32_t>(row));
  state_->cardinality += is_new ? 1 : 0;
  return is_new;
}

void DeletionVectorBuilder::AddAll(const DeletionVector& vector) {
  for (const auto& bucket : vector.state_->buckets) {
    roaring_bitmap_t* bitmap = state_->FindOrAdd(bucket.key);
    const uint64_t before = roaring_bitmap_get_cardinality(bitmap);
    roaring_bitmap_or_inplace(bitmap, bucket.bitmap.get());
    state_->cardinality += roaring_bitmap_get_cardinality(bitmap) - before;
  }
}

DeletionVector DeletionVectorBuilder::Build() {
  for (const auto& bucket : state_->buckets) roaring_bitmap_run_optimize(bucket.bitmap.get());
  return DeletionVector(std::exchange(state_, std::make_unique<DeletionVector::State>()));
}

VectorFile MakeVectorFile(std::string_view uuid, std::span<const DeletionVectorRef> vectors) {
  std::string uuid_bytes;
  std::string digits(uuid);
  std::erase(digits, '-');
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    uuid_bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  VectorFile file;
  file.bytes.push_back('\x01');  // the version of the format
  for (const DeletionVectorRef& vector : vectors) {
    const std::string payload = vector->Serialize();
    DeletionVectorDescriptor descriptor;
    descriptor.storage_type = 'u';
    descriptor.path_or_inline = Z85Encode(uuid_bytes);
    descriptor.offset = static_cast<int32_t>(file.bytes.size());
    descriptor.size_bytes = static_cast<int32_t>(payload.size());
    descriptor.cardinality = static_cast<int64_t>(vector->cardinality());
    file.descriptors.push_back(std::move(descriptor));
    AppendBig(file.bytes, static_cast<uint32_t>(payload.size()));
    file.bytes += payload;
    AppendBig(file.bytes,
              static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(payload.data()), payload.size())));
  }
  return file;
}

namespace {

// "<prefix><20 characters of Z85>" → "<prefix>/deletion_vector_<uuid>.bin", decoded, relative to the table.
Result<std::string> RelativePath(std::string_view text) {
  if (text.size() < kUuidTextBytes)
    return CorruptVector(fmt::format("'{}' is too short for the name of its file", text));
  const std::string_view prefix = text.substr(0, text.size() - kUuidTextBytes);
  const std::string uuid = TRY(Z85Decode(text.substr(prefix.size())));
  std::string path = prefix.empty() ? std::string() : std::string(prefix) + "/";
  path += "deletion_vector_";
  for (size_t i = 0; i < uuid.size(); i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) path += '-';
    fmt::format_to(std::back_inserter(path), "{:02x}", static_cast<unsigned char>(uuid[i]));
  }
  return path + ".bin";
}

Result<std::string> InlinePayload(const DeletionVectorDescriptor& descriptor) {
  if (descriptor.offset) return CorruptVector("an inline vector has an offset");
  std::string payload = TRY(Z85Decode(descriptor.path_or_inline));
  const auto size = static_cast<size_t>(descriptor.size_bytes);
  if (payload.size() < size || payload.size() - size > 3) {
    return CorruptVector(fmt::format("{} bytes inline, expected {}", payload.size(), size));
  }
  payload.resize(size);
  return payload;
}

/// A part of a file of vectors, and the file's first byte.
struct FilePart {
  std::string path;
  std::string version;
  std::string bytes;
  uint64_t offset = 0;  // where the bytes begin in the file
};

store::ByteRange RangeOf(const DeletionVectorDescriptor& descriptor) {
  return {static_cast<uint64_t>(descriptor.offset.value_or(0)), static_cast<uint64_t>(descriptor.size_bytes) + 8};
}

Result<void> CheckRange(const DeletionVectorDescriptor& descriptor) {
  if (descriptor.size_bytes <= 0) return CorruptVector(fmt::format("size {}", descriptor.size_bytes));
  if (descriptor.offset.value_or(0) < 0)
    return CorruptVector(fmt::format("the offset {} is negative", *descriptor.offset));
  return {};
}

// Uses one request if the range lies close to the version byte. The name of a file of vectors is unique, so a cache may
// answer.
Result<FilePart> ReadPart(const Context& context, store::ObjectStore& store, std::string path,
                          const store::ByteRange& range) {
  constexpr uint64_t kTogetherMax = uint64_t{1} << 20;
  const store::ObjectMeta file{.path = path};
  if (range.offset > kTogetherMax) {
    std::string version = TRY(store.GetKnown(context, file, store::ByteRange{.offset = 0, .length = 1}));
    return FilePart{std::move(path), std::move(version), TRY(store.GetKnown(context, file, range)), range.offset};
  }
  const store::ByteRange both{.offset = 0, .length = range.offset + range.length};
  std::string bytes = TRY(store.GetKnown(context, file, both));
  std::string version = bytes.substr(0, 1);
  return FilePart{std::move(path), std::move(version), std::move(bytes), 0};
}

Result<FilePart> ReadPartOf(const Context& context, store::ObjectStore& store, std::string_view table_path,
                            std::span<const WantedVector> wanted) {
  uint64_t begin = std::numeric_limits<uint64_t>::max();
  uint64_t end = 0;
  for (const auto& each : wanted) {
    if (!CheckRange(*each.descriptor).ok()) continue;
    const auto range = RangeOf(*each.descriptor);
    begin = std::min(begin, range.offset);
    end = std::max(end, range.offset + range.length);
  }
  if (begin > end) return CheckRange(*wanted.front().descriptor).error();
  std::string path = TRY(DeletionVectorPath(store, table_path, *wanted.front().descriptor));
  auto read = ReadPart(context, store, path, {begin, end - begin});
  if (read.ok() || read.error().code() != ErrorCode::kNotFound) return read;
  return Error(ErrorCode::kNotFound, fmt::format("deletion vector file {} is missing", path))
      .WithReason(Reason::kMissingFile)
      .With("path", path);
}

// The file: a version byte, then vectors: size (big-endian), payload, CRC-32 of the payload (big-endian).
Result<std::string_view> PayloadIn(const FilePart& part, const DeletionVectorDescriptor& descriptor) {
  TRY(CheckRange(descriptor));
  const auto size = static_cast<size_t>(descriptor.size_bytes);
  const uint64_t offset = RangeOf(descriptor).offset;
  const std::string& path = part.path;
  if (part.version.empty() || part.version[0] != 1)
    return CorruptVector(fmt::format("{}: the format version is not 1", path));
  const uint64_t skipped = offset - part.offset;
  const std::string_view bytes =
      skipped < part.bytes.size() ? std::string_view(part.bytes).substr(skipped) : std::string_view();
  if (bytes.size() < size + 8)
    return CorruptVector(fmt::format("{}: the file ends within the vector at offset {}", path, offset));
  if (ReadBig(bytes) != size)
    return CorruptVector(fmt::format("{}: size {} at offset {}, expected {}", path, ReadBig(bytes), offset, size));
  const uint32_t expected = ReadBig(bytes.substr(4 + size));
  const auto found = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data() + 4), size));
  if (found != expected)
    return CorruptVector(fmt::format("{}: CRC-32 {:08x} at offset {}, expected {:08x}", path, found, offset, expected));
  return bytes.substr(4, size);
}

Result<DeletionVector> ParseFor(const WantedVector& wanted, std::string_view payload) {
  DeletionVector vector = TRY(DeletionVector::Parse(payload));
  const int64_t cardinality = wanted.descriptor->cardinality;
  if (cardinality < 0 || vector.cardinality() != static_cast<uint64_t>(cardinality))
    return CorruptVector(fmt::format("cardinality {}, expected {}", vector.cardinality(), cardinality));
  if (wanted.rows >= 0 && vector.cardinality() > 0 && vector.max() >= static_cast<uint64_t>(wanted.rows))
    return CorruptVector(fmt::format("row {} in a file of {} rows", vector.max(), wanted.rows));
  return vector;
}

}  // namespace

Result<std::string> DeletionVectorPath(const store::ObjectStore& store, std::string_view table_path,
                                       const DeletionVectorDescriptor& descriptor) {
  if (descriptor.storage_type == 'p') return ResolveLogPath(store, table_path, descriptor.path_or_inline);
  std::string path(table_path);
  while (path.ends_with('/')) path.pop_back();
  if (!path.empty()) path += '/';
  path += TRY(RelativePath(descriptor.path_or_inline));
  TRY(store::CheckPath(path));
  return path;
}

Result<DeletionVector> ReadDeletionVector(const Context& context, store::ObjectStore& store,
                                          std::string_view table_path, const DeletionVectorDescriptor& descriptor,
                                          int64_t rows) {
  const char type = descriptor.storage_type;
  if (type != 'u' && type != 'i' && type != 'p')
    return CorruptVector(fmt::format("storage type '{}', expected u, i or p", type));
  TRY(CheckRange(descriptor));
  TRY(context.Check());
  const WantedVector wanted{&descriptor, rows};
  if (type == 'i') return ParseFor(wanted, TRY(InlinePayload(descriptor)));
  return std::move(ReadDeletionVectors(context, store, table_path, std::span(&wanted, 1)).front());
}

std::vector<Result<DeletionVector>> ReadDeletionVectors(const Context& context, store::ObjectStore& store,
                                                        std::string_view table_path,
                                                        std::span<const WantedVector> wanted) {
  std::vector<Result<DeletionVector>> vectors;
  if (wanted.empty()) return vectors;
  const auto part = ReadPartOf(context, store, table_path, wanted);
  for (const auto& each : wanted) {
    assert(each.descriptor->path_or_inline == wanted.front().descriptor->path_or_inline);
    vectors.push_back([&]() -> Result<DeletionVector> {
      if (!part.ok()) return part.error();
      return ParseFor(each, TRY(PayloadIn(*part, *each.descriptor)));
    }());
  }
  return vectors;
}

std::string Z85Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 3) / 4 * 5);
  for (size_t i = 0; i < bytes.size(); i += 4) {
    std::array<char, 4> group{};
    std::memcpy(group.data(), bytes.data() + i, std::min<size_t>(4, bytes.size() - i));
    uint32_t value = ReadBig({group.data(), group.size()});
    std::array<char, 5> digits{};
    for (size_t k = digits.size(); k > 0; k--) {
      digits[k - 1] = kZ85[value % 85];
      value /= 85;
    }
    text.append(digits.data(), digits.size());
  }
  return text;
}

Result<std::string> Z85Decode(std::string_view text) {
  if (text.size() % 5 != 0)
    return CorruptVector(fmt::format("{} characters of Z85, expected a multiple of 5", text.size()));
  std::string bytes;
  bytes.reserve(text.size() / 5 * 4);
  for (size_t i = 0; i < text.size(); i += 5) {
    uint64_t value = 0;
    for (const char c : text.substr(i, 5)) {
      const size_t digit = kZ85.find(c);
      if (digit == std::string_view::npos) return CorruptVector("a character that is not Z85");
      value = value * 85 + digit;
    }
    if (value > std::numeric_limits<uint32_t>::max()) return CorruptVector("a group of Z85 beyond 32 bits");
    for (int shift = 24; shift >= 0; shift -= 8)
      bytes += static_cast<char>(static_cast<unsigned char>(value >> shift & 0xFF));
  }
  return bytes;
}

}  // namespace yummy::delta
