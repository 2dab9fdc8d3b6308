#pragma once
// Statistics of a data file (PROTOCOL.md, "Per-file Statistics"): written on every add, read for skipping.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/delta/files/predicate.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

/// What a writer knows of one leaf column of a file it wrote. Bounds are exact here; WriteStatistics makes them fit the
/// log.
struct ColumnStatistics {
  ColumnPath path;  // physical names, from the root
  DataType type;
  std::optional<Scalar> min;
  std::optional<Scalar> max;
  std::optional<int64_t> null_count;
  bool has_nan = false;
};

/// The leaf columns that get statistics: the first 32 (or as the properties say) leaves in schema order, not below
/// arrays and maps, without the partition columns, void and variant. Paths are physical names.
std::vector<ColumnPath> StatisticsColumns(const Schema& schema, const std::vector<std::string>& partition_columns,
                                          const TableProperties& properties);

/// The stats JSON of a file: strings cut to 32 code points with a maximum that stays above the data, or left out; no
/// bounds for boolean and binary; a column with NaN has no bounds; timestamps to milliseconds (min down, max up).
/// Shape: numRecords, minValues, maxValues, nullCount, tightBounds.
std::string WriteStatistics(int64_t num_records, const std::vector<ColumnStatistics>& columns);

/// A string bound of at most 32 code points: for a maximum the result is >= `value`, absent when there is none.
/// A bound that was cut has exactly 32. `value` must be UTF-8.
std::string TruncateMin(std::string_view value);
std::optional<std::string> TruncateMax(std::string_view value);

}  // namespace yummy::delta
