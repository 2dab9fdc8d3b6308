#pragma once
// What the log says of a data file that a statement wrote: statistics collected from the rows themselves, exact and
// typed. The texts that DuckDB's writer returns are of no use here: has_nan speaks of the last row group only, blobs
// are hexadecimal, bounds vanish for a file when one row group lacks them.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "yummy/delta/files/statistics_json.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// The leaf columns that get statistics, and where their values are in a chunk of file columns.
struct StatisticsPlan {
  struct Leaf {
    delta::ColumnPath path;  // physical names
    delta::DataType type;
    duckdb::idx_t column = 0;             // position among the file's columns
    std::vector<duckdb::idx_t> children;  // from there down through structs
  };
  std::vector<Leaf> leaves;

  static std::shared_ptr<const StatisticsPlan> Make(const TableLayout& layout);
};

/// Null counts and bounds of rows. Of one thread at a time.
class StatisticsCollector {
 public:
  explicit StatisticsCollector(std::shared_ptr<const StatisticsPlan> plan)
      : plan_(std::move(plan)), leaves_(plan_->leaves.size()) {}

  /// Flattens the struct columns of `rows`.
  void Update(duckdb::DataChunk& rows);
  void Merge(const StatisticsCollector& other);
  std::vector<delta::ColumnStatistics> Collected() const;

  /// Bounds of one leaf; which of the pairs holds them depends on the type.
  struct Leaf {
    int64_t null_count = 0;
    bool has_bounds = false;
    bool has_nan = false;
    delta::Int128 min_integer = 0;  // all that is not below
    delta::Int128 max_integer = 0;
    double min_double = 0;  // float, double
    double max_double = 0;
    std::string min_string;  // string
    std::string max_string;
  };

 private:
  std::shared_ptr<const StatisticsPlan> plan_;  // shared: by all files of a statement
  std::vector<Leaf> leaves_;
};

}  // namespace yummy::duck
