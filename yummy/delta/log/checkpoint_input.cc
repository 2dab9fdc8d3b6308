#include "yummy/delta/log/checkpoint_input.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/executor.h"

namespace yummy::delta {

namespace {

constexpr uint64_t kFileBytesMax = uint64_t{4} << 30;
constexpr uint64_t kTailBytes = uint64_t{1} << 20;  // holds the footer of all but the largest checkpoints
constexpr uint64_t kGapBytesMax = uint64_t{1} << 20;
constexpr uint64_t kPieceBytesMax = uint64_t{8} << 20;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

uint64_t EndOf(const store::ByteRange& range) { return range.offset + range.length; }

/// Joins adjacent ranges, and sorts them.
std::vector<store::ByteRange> Merge(std::vector<store::ByteRange> ranges) {
  std::ranges::sort(ranges, {}, &store::ByteRange::offset);
  std::vector<store::ByteRange> merged;
  for (const store::ByteRange& range : ranges) {
    if (merged.empty() || range.offset > EndOf(merged.back()) + kGapBytesMax) {
      merged.push_back(range);
    } else {
      merged.back().length = std::max(EndOf(merged.back()), EndOf(range)) - merged.back().offset;
    }
  }
  return merged;
}

}  // namespace

Result<std::string> CheckpointInput::Get(std::optional<store::ByteRange> range) const {
  TRY(context_.Check());
  // Without a range the answer could have any length. The size of a sidecar is known only from the checkpoint, and may
  // be wrong.
  const uint64_t expected = range ? range->length : meta_.size_bytes;
  if (!range && meta_.etag.empty()) range = store::ByteRange{.offset = 0, .length = meta_.size_bytes + 1};
  auto bytes = store_.GetKnown(context_, meta_, range);
  // Clean-up by another process may remove a file between the list and the read.
  if (!bytes.ok() && bytes.error().code() == ErrorCode::kNotFound) {
    return Corrupt(fmt::format("{} of the checkpoint is missing", meta_.path));
  }
  if (bytes.ok() && bytes->size() != expected) {
    return Corrupt(fmt::format("{} of the checkpoint has {} bytes from {} on, expected {}", meta_.path,
                               bytes->size() > expected ? "more" : std::to_string(bytes->size()),
                               range ? range->offset : 0, expected));
  }
  return bytes;
}

Result<std::shared_ptr<CheckpointInput>> CheckpointInput::Open(const Context& context, store::ObjectStore& store,
                                                               const store::ObjectMeta& meta) {
  if (meta.size_bytes > kFileBytesMax) {
    return Error(ErrorCode::kResourceExhausted,
                 fmt::format("checkpoint {} has {} bytes, more than {}", meta.path, meta.size_bytes, kFileBytesMax))
        .WithReason(Reason::kLimitExceeded);
  }
  std::shared_ptr<CheckpointInput> input(new CheckpointInput(context, store, meta));  // NOLINT: private constructor
  std::optional<store::ByteRange> tail;
  if (meta.size_bytes > kWholeBytesMax) tail = {.offset = meta.size_bytes - kTailBytes, .length = kTailBytes};
  input->held_.push_back({tail ? tail->offset : 0, arrow::Buffer::FromString(TRY(input->Get(tail)))});
  return input;
}

const CheckpointInput::Held* CheckpointInput::Find(const store::ByteRange& range) const {
  for (const Held& held : held_) {
    const uint64_t end = held.offset + static_cast<uint64_t>(held.bytes->size());
    if (held.offset <= range.offset && EndOf(range) <= end) return &held;
  }
  return nullptr;
}

Result<void> CheckpointInput::Fetch(std::vector<store::ByteRange> ranges, Executor* executor) {
  for (const store::ByteRange& range : ranges) {
    if (range.offset > meta_.size_bytes || range.length > meta_.size_bytes - range.offset) {
      return Corrupt(fmt::format("checkpoint {} has {} bytes, its footer speaks of {} from {} on", meta_.path,
                                 meta_.size_bytes, range.length, range.offset));
    }
  }
  std::erase_if(ranges, [&](const store::ByteRange& range) { return Find(range) != nullptr; });
  struct Piece {
    store::ByteRange range;
    uint8_t* out = nullptr;
  };
  std::vector<Piece> pieces;
  std::vector<Held> fetched;
  for (const store::ByteRange& range : Merge(std::move(ranges))) {
    auto buffer = arrow::AllocateBuffer(static_cast<int64_t>(range.length));
    if (!buffer.ok()) {
      return Error(ErrorCode::kResourceExhausted, fmt::format("no memory to read checkpoint {}", meta_.path));
    }
    // A large range is divided, so that several requests read it at once.
    for (uint64_t done = 0; done < range.length; done += kPieceBytesMax) {
      const store::ByteRange piece{range.offset + done, std::min(kPieceBytesMax, range.length - done)};
      pieces.push_back({piece, (*buffer)->mutable_data() + done});
    }
    fetched.push_back({range.offset, std::move(buffer).ValueUnsafe()});
  }
  TRY(ForEachInParallel(executor, pieces.size(), [&](size_t i) -> Result<void> {
    const std::string bytes = TRY(Get(pieces[i].range));
    std::memcpy(pieces[i].out, bytes.data(), bytes.size());
    return {};
  }));
  held_.insert(held_.end(), std::make_move_iterator(fetched.begin()), std::make_move_iterator(fetched.end()));
  return {};
}

arrow::Status CheckpointInput::Close() {
  closed_ = true;
  return arrow::Status::OK();
}

arrow::Status CheckpointInput::Seek(int64_t position) {
  if (position < 0) return arrow::Status::Invalid("seek before the begin");
  position_ = position;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> CheckpointInput::ReadAt(int64_t position, int64_t count) {
  if (position < 0 || count < 0) return arrow::Status::Invalid("read before the begin");
  const auto offset = std::min(static_cast<uint64_t>(position), meta_.size_bytes);
  const store::ByteRange range{offset, std::min(static_cast<uint64_t>(count), meta_.size_bytes - offset)};
  const Held* held = Find(range);
  if (held == nullptr) {
    auto fetched = Fetch({range}, nullptr);
    if (!fetched.ok()) {
      error_ = std::move(fetched).error();
      return arrow::Status::IOError(error_->message());
    }
    held = Find(range);
  }
  return arrow::SliceBuffer(held->bytes, static_cast<int64_t>(range.offset - held->offset),
                            static_cast<int64_t>(range.length));
}

arrow::Result<int64_t> CheckpointInput::ReadAt(int64_t position, int64_t count, void* out) {
  ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::Buffer> bytes, ReadAt(position, count));
  std::memcpy(out, bytes->data(), static_cast<size_t>(bytes->size()));
  return bytes->size();
}

arrow::Result<std::shared_ptr<arrow::Buffer>> CheckpointInput::Read(int64_t count) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes, ReadAt(position_, count));
  position_ += bytes->size();
  return bytes;
}

arrow::Result<int64_t> CheckpointInput::Read(int64_t count, void* out) {
  ARROW_ASSIGN_OR_RAISE(const int64_t read, ReadAt(position_, count, out));
  position_ += read;
  return read;
}

}  // namespace yummy::delta
