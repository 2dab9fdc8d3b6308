#pragma once
// Which bytes of a data file a scan fetches ahead, and in which requests. No I/O, no state.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "yummy/fetch/parquet_layout.h"
#include "yummy/store/object_store.h"

namespace yummy::fetch {

/// A file up to this size is fetched whole.
inline constexpr uint64_t kWholeFileBytesMax = 1 << 20;
/// For the footer of a larger file at least this is fetched, and what DuckDB asks for.
inline constexpr uint64_t kFooterBytesMin = 64 << 10;
/// A longer range is fetched in several requests.
inline constexpr uint64_t kRequestBytesMax = 16 << 20;

inline uint64_t EndOf(const store::ByteRange& range) { return range.offset + range.length; }
bool Overlaps(const store::ByteRange& a, const store::ByteRange& b);
bool Contains(const store::ByteRange& outer, const store::ByteRange& inner);
/// Empty when they do not overlap.
store::ByteRange Common(const store::ByteRange& a, const store::ByteRange& b);
/// The smallest range that has all of `asked` that lies in none of `present`, which are sorted by offset.
store::ByteRange Missing(const store::ByteRange& asked, std::span<const store::ByteRange> present);

/// One request, and how many of its bytes the scan will ask for.
struct PlannedFetch {
  store::ByteRange range;
  uint64_t wanted_bytes = 0;
};

/// Few requests of a bounded size that hold all of `chunks`.
std::vector<PlannedFetch> Coalesce(std::vector<store::ByteRange> chunks);

/// The bytes at the end of a file that are fetched to find its footer.
uint64_t TailBytes(uint64_t file_bytes);

/// The columns of a row group that are fetched together: those that the scan filters by, the others, or all.
enum class ColumnPart { kFiltered, kRest, kAll };

/// The requests for one part of a row group. Bytes from `present_from` to the end of the file are there already, and
/// so are the ranges for which `is_cached` holds.
std::vector<PlannedFetch> PlanRowGroup(const ParquetLayout& layout, std::span<const ParquetLayout::Leaf> leaves,
                                       size_t row_group, ColumnPart part, uint64_t present_from,
                                       const std::function<bool(const store::ByteRange&)>& is_cached);

/// How many files or row groups may be fetched, by how many the scan has begun.
struct ReadWindow {
  size_t threads = 1;    // of the scan
  bool careful = false;  // the window starts empty and doubles with each that is begun

  size_t AllowedAfter(size_t begun, size_t ahead_max) const;
};

}  // namespace yummy::fetch
