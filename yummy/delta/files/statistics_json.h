#pragma once
// Statistics of a data file (PROTOCOL.md, "Per-file Statistics"). Every add gets them; readers skip files by them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/delta/files/predicate.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

/// What a writer knows about one leaf column of a file that it wrote. Bounds are exact here; WriteStatistics shortens
/// them for the log.
struct ColumnStatistics {
  ColumnPath path;  // physical names, from the root
  DataType type;
  std::optional<Scalar> min;
  std::optional<Scalar> max;
  std::optional<int64_t> null_count;
  bool has_nan = false;
};

/// The leaf columns that get statistics: the first 32 leaves in schema order, or those that the properties name. Leaves
/// below arrays and maps, partition columns, void and variant do not count. Paths are physical names.
std::vector<ColumnPath> StatisticsColumns(const Schema& schema, const std::vector<std::string>& partition_columns,
                                          const TableProperties& properties);

/// The stats JSON of a file: numRecords, minValues, maxValues, nullCount, tightBounds. Strings are cut to 32 code
/// points; a maximum stays above the data, or is left out. Timestamps are rounded to milliseconds (min down, max up).
/// Boolean and binary columns have no bounds, nor have columns with NaN.
std::string WriteStatistics(int64_t num_records, const std::vector<ColumnStatistics>& columns);

/// Statistics of a file of which rows were deleted: their bounds are not tight any more (PROTOCOL.md, "Per-file
/// Statistics"). Text that is not a JSON object is returned unchanged.
std::string WithWideBounds(std::string_view statistics);

/// A string bound of at most 32 code points. A maximum is >= `value`, or absent if there is no such text. A bound that
/// was cut has exactly 32 code points. `value` must be UTF-8.
std::string TruncateMin(std::string_view value);
std::optional<std::string> TruncateMax(std::string_view value);

}  // namespace yummy::delta
