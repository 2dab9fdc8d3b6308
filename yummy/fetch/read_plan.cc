#include "yummy/fetch/read_plan.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace yummy::fetch {

using store::ByteRange;

namespace {
// Neighbours are fetched together over a gap of this size, over a larger one when it is no more than what is wanted
// before it.
constexpr uint64_t kGapBytesFree = 64 << 10;
constexpr uint64_t kGapBytesMax = 1 << 20;
constexpr uint64_t kWholeRowGroupPercent = 95;
}  // namespace

bool Overlaps(const ByteRange& a, const ByteRange& b) { return a.offset < EndOf(b) && b.offset < EndOf(a); }

ByteRange Common(const ByteRange& a, const ByteRange& b) {
  const uint64_t begin = std::max(a.offset, b.offset);
  const uint64_t end = std::min(EndOf(a), EndOf(b));
  return {begin, end > begin ? end - begin : 0};
}

bool Contains(const ByteRange& outer, const ByteRange& inner) {
  return outer.offset <= inner.offset && EndOf(inner) <= EndOf(outer);
}

ByteRange Missing(const ByteRange& asked, std::span<const ByteRange> present) {
  uint64_t position = asked.offset;
  uint64_t begin = EndOf(asked);
  uint64_t end = asked.offset;
  const auto add = [&](uint64_t from, uint64_t to) {
    if (from >= to) return;
    begin = std::min(begin, from);
    end = std::max(end, to);
  };
  for (const auto& range : present) {
    add(position, std::min(range.offset, EndOf(asked)));
    position = std::max(position, EndOf(range));
  }
  add(position, EndOf(asked));
  return {begin, end > begin ? end - begin : 0};
}

std::vector<PlannedFetch> Coalesce(std::vector<ByteRange> chunks) {
  std::sort(chunks.begin(), chunks.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  std::vector<PlannedFetch> runs;
  for (const auto& chunk : chunks) {
    if (!runs.empty()) {
      auto& run = runs.back();
      const uint64_t end = EndOf(run.range);
      const uint64_t gap = chunk.offset > end ? chunk.offset - end : 0;
      if (gap <= kGapBytesFree || (gap <= kGapBytesMax && gap <= run.wanted_bytes)) {
        run.range.length = std::max(end, EndOf(chunk)) - run.range.offset;
        run.wanted_bytes += chunk.length;
        continue;
      }
    }
    runs.push_back({chunk, chunk.length});
  }
  std::vector<PlannedFetch> fetches;
  for (const auto& run : runs) {
    const uint64_t pieces = (run.range.length + kRequestBytesMax - 1) / kRequestBytesMax;
    const uint64_t piece = (run.range.length + pieces - 1) / pieces;
    for (uint64_t offset = run.range.offset; offset < EndOf(run.range); offset += piece) {
      const uint64_t length = std::min(piece, EndOf(run.range) - offset);
      // Only a corrupt footer has overlapping chunks. Without the bound the block would wait for bytes that nobody
      // reads.
      fetches.push_back({{offset, length}, std::min(length, run.wanted_bytes / pieces)});
    }
  }
  return fetches;
}

uint64_t TailBytes(uint64_t file_bytes) {
  // DuckDB asks for this power of two; bloom filters lie before the footer.
  const uint64_t asked = std::bit_ceil(std::clamp<uint64_t>(file_bytes / 1000, 16 << 10, 256 << 10));
  return std::min(file_bytes, std::max(asked, kFooterBytesMin));
}

std::vector<PlannedFetch> PlanRowGroup(const ParquetLayout& layout, std::span<const ParquetLayout::Leaf> leaves,
                                       size_t row_group, ColumnPart part, uint64_t present_from,
                                       const std::function<bool(const ByteRange&)>& is_cached) {
  std::vector<ByteRange> chunks;
  for (const auto& leaf : leaves) {
    if (part != ColumnPart::kAll && leaf.filtered != (part == ColumnPart::kFiltered)) continue;
    const auto chunk = layout.Chunk(row_group, leaf.leaf);
    if (chunk.length == 0 || chunk.offset >= present_from || is_cached(chunk)) continue;
    chunks.push_back(chunk);
  }
  // DuckDB reads a row group in one piece when nearly all of it is wanted.
  const ByteRange whole = layout.RowGroup(row_group);
  const uint64_t wanted = std::accumulate(chunks.begin(), chunks.end(), uint64_t{0},
                                          [](uint64_t sum, const auto& chunk) { return sum + chunk.length; });
  if (part == ColumnPart::kAll && wanted > whole.length / 100 * kWholeRowGroupPercent && whole.offset < present_from) {
    chunks = {whole};
  }
  return Coalesce(std::move(chunks));
}

size_t ReadWindow::AllowedAfter(size_t begun, size_t ahead_max) const {
  if (!careful) return begun + ahead_max;
  // The scan begins as many by itself as it has threads.
  if (begun <= threads) return std::max<size_t>(begun, 1);
  return begun + std::min(ahead_max, (size_t{1} << std::min<size_t>(begun - threads, 16)) - 1);
}

}  // namespace yummy::fetch
