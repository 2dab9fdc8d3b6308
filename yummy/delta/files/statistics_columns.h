#pragma once
// Statistics of many files, decoded column by column: typed bounds and null counts that a scan of plain arrays can
// compare.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/delta/files/predicate.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/delta/schema/schema.h"

namespace yummy::delta {

class TextColumn;

/// A leaf column as the statistics know it.
struct LeafColumn {
  std::vector<std::string> path;  // physical names, from the root
  DataType type;                  // present type of the table; files may have been written with a narrower one
  bool was_widened = false;       // delta.typeChanges says that there are such files

  /// Equal for equal path and type.
  std::string cache_key() const;
};

/// Of each file: what holds for all its columns.
struct FileCounts {
  std::vector<int64_t> num_records;  // -1: unknown
  std::vector<uint8_t> tight;        // 0: bounds may be wider than the live rows (tightBounds false)
};

/// Values of one primitive type, a row each.
struct BoundValues {
  std::vector<int64_t> integers;  // every type whose Scalar is a bool or int64_t
  std::vector<double> doubles;
  std::vector<Int128> decimals;
  std::vector<std::string> texts;
};

/// The bounds and null counts of one leaf column in each file of a segment.
class ColumnBounds {
 public:
  enum Flag : uint8_t { kHasMin = 1, kHasMax = 2, kOffsetZone = 4 };

  ColumnBounds(const LeafColumn& column, size_t rows);

  /// Bounds as the statistics have them, zone offsets that may be cut to minutes allowed for.
  std::optional<Scalar> stored_min(size_t row) const;
  std::optional<Scalar> stored_max(size_t row) const;
  /// -1: unknown.
  int64_t null_count(size_t row) const { return null_counts_[row]; }
  const DataType& type() const { return type_; }

  /// True bounds, widened for what writers cut off: milliseconds of timestamps, seconds of zone offsets, digits of
  /// decimals. `num_records` tells all-null from not; -1: unknown. A file about which nothing is known has empty facts.
  ColumnFacts Facts(size_t row, int64_t num_records) const;

 private:
  friend class StatisticsDecoder;
  Scalar At(const BoundValues& values, size_t row) const;
  void Set(BoundValues& values, size_t row, const Scalar& value);
  void Forget(size_t row);
  /// Forgets what contradicts itself.
  void CheckRow(size_t row, int64_t num_records);

  DataType type_;
  bool was_widened_ = false;
  std::vector<uint8_t> flags_;
  std::vector<int64_t> null_counts_;
  BoundValues min_;
  BoundValues max_;
};

struct DecodedStatistics {
  FileCounts counts;
  std::vector<ColumnBounds> columns;  // in the order asked for
};

/// Decodes statistics texts in one pass. Never fails: what is no JSON, of a wrong type, or contradicts itself (negative
/// counts, more nulls than rows, min above max) counts as unknown.
DecodedStatistics DecodeStatistics(const TextColumn& texts, std::span<const LeafColumn> columns);

}  // namespace yummy::delta
