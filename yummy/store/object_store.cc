#include "yummy/store/object_store.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

namespace yummy::store {

namespace {

/// Reading a gap up to this size costs less than one more request to a cloud store.
constexpr uint64_t kGapBytesMax = uint64_t{1} << 20;
/// The limit of a merged read, because many small ranges must not add up to a whole large object in memory.
constexpr uint64_t kMergedBytesMax = uint64_t{64} << 20;

uint64_t EndOf(const ByteRange& range) {
  return range.length > UINT64_MAX - range.offset ? UINT64_MAX : range.offset + range.length;
}

/// Ranges that are read together: order[first], …, order[last - 1] lie within `bytes`.
struct MergedRead {
  ByteRange bytes;
  size_t first = 0;
  size_t last = 0;
};

std::vector<MergedRead> PlanReads(std::span<const ByteRange> ranges, std::span<const size_t> order) {
  std::vector<MergedRead> reads;
  for (size_t i = 0; i < order.size(); i++) {
    const ByteRange& range = ranges[order[i]];
    if (!reads.empty()) {
      MergedRead& read = reads.back();
      const uint64_t end = EndOf(read.bytes);
      const uint64_t merged_end = std::max(end, EndOf(range));
      const bool is_near = range.offset <= end || range.offset - end <= kGapBytesMax;
      const bool is_small = merged_end == end || merged_end - read.bytes.offset <= kMergedBytesMax;
      if (is_near && is_small) {
        read.bytes.length = merged_end - read.bytes.offset;
        read.last = i + 1;
        continue;
      }
    }
    reads.push_back({.bytes = range, .first = i, .last = i + 1});
  }
  return reads;
}

/// The part of `bytes` that `range` wants; shorter at the end of the object. `bytes` were read from `offset` on.
std::string Slice(const std::string& bytes, uint64_t offset, const ByteRange& range) {
  assert(range.offset >= offset);
  const uint64_t from = range.offset - offset;
  return from >= bytes.size() ? std::string() : bytes.substr(from, range.length);
}

Error OutsideError(std::string_view path, std::string_view why) {
  return Error(ErrorCode::kPermissionDenied, fmt::format("{} in the path '{:.200}'", why, path))
      .WithReason(Reason::kPathOutsideTable);
}

}  // namespace

Result<std::vector<std::string>> ObjectStore::GetRanges(const Context& context, std::string_view path,
                                                        std::span<const ByteRange> ranges) {
  TRY(CheckPath(path));
  // Empty ranges are left out, because HTTP cannot request them.
  std::vector<size_t> order;
  for (size_t i = 0; i < ranges.size(); i++) {
    if (ranges[i].length > 0) order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return ranges[a].offset < ranges[b].offset; });

  std::vector<std::string> buffers(ranges.size());
  for (const MergedRead& read : PlanReads(ranges, order)) {
    std::string bytes = TRY(Get(context, path, read.bytes));
    if (read.last - read.first == 1) {
      buffers[order[read.first]] = std::move(bytes);
      continue;
    }
    for (size_t i = read.first; i < read.last; i++)
      buffers[order[i]] = Slice(bytes, read.bytes.offset, ranges[order[i]]);
  }
  return buffers;
}

Result<void> CheckPath(std::string_view path) {
  if (path.empty()) return OutsideError(path, "nothing");
  size_t segment_begin = 0;
  for (size_t i = 0; i <= path.size(); i++) {
    if (i < path.size() && path[i] != '/') {
      const auto byte = static_cast<unsigned char>(path[i]);
      if (byte < 0x20 || byte == 0x7F) return OutsideError("", "a control character");
      if (byte == '\\') return OutsideError(path, "a backslash");
      continue;
    }
    const std::string_view segment = path.substr(segment_begin, i - segment_begin);
    if (segment.empty()) return OutsideError(path, "an empty segment");
    if (segment == "." || segment == "..") return OutsideError(path, "a dot segment");
    segment_begin = i + 1;
  }
  return {};
}

Result<void> CheckPrefix(std::string_view prefix) {
  const size_t slash = prefix.rfind('/');
  if (slash != std::string_view::npos) TRY(CheckPath(prefix.substr(0, slash)));
  // After the last slash comes the beginning of a name: ".." may continue as "..a".
  for (const char c : prefix.substr(slash == std::string_view::npos ? 0 : slash + 1)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || byte == '\\') return OutsideError("", "a control character or backslash");
  }
  return {};
}

}  // namespace yummy::store
