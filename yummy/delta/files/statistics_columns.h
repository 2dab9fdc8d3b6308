#pragma once
// Decodes the statistics of many files column by column, into plain arrays of typed bounds and null counts.

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

/// A leaf column, as statistics name it.
struct LeafColumn {
  std::vector<std::string> path;  // physical names, from the root
  DataType type;                  // the table's current type; files may have a narrower one
  bool was_widened = false;       // delta.typeChanges says that files with a narrower type exist

  /// The same for columns with the same path and type.
  std::string cache_key() const;
};

/// The statistics of each file that do not belong to a column.
struct FileCounts {
  std::vector<int64_t> num_records;  // -1: unknown
  std::vector<uint8_t> tight;        // 0: bounds may be wider than the live rows (tightBounds false)
};

/// Values of one primitive type, one per row.
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

  /// The bounds as the statistics state them, widened only because writers may cut zone offsets to minutes.
  std::optional<Scalar> stored_min(size_t row) const;
  std::optional<Scalar> stored_max(size_t row) const;
  /// -1: unknown.
  int64_t null_count(size_t row) const { return null_counts_[row]; }
  const DataType& type() const { return type_; }

  /// Bounds that hold for all rows. They are widened because writers cut timestamps to milliseconds, zone offsets to
  /// minutes, and digits of decimals. `num_records` (-1: unknown) decides whether all rows are null. A file about which
  /// nothing is known has empty facts.
  ColumnFacts Facts(size_t row, int64_t num_records) const;

 private:
  friend class StatisticsDecoder;
  Scalar At(const BoundValues& values, size_t row) const;
  void Set(BoundValues& values, size_t row, const Scalar& value);
  void Forget(size_t row);
  /// Drops statistics that contradict each other.
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
  std::vector<ColumnBounds> columns;  // in the order of the request
};

/// Decodes statistics texts in one pass. Never fails: statistics that are not JSON, have a wrong type or contradict
/// themselves (negative counts, more nulls than rows, min above max) count as unknown.
DecodedStatistics DecodeStatistics(const TextColumn& texts, std::span<const LeafColumn> columns);

}  // namespace yummy::delta
