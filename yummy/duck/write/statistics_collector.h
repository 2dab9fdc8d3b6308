#pragma once
// Collects exact and typed statistics from the rows of a data file, for the log. DuckDB's writer also returns
// statistics, but as texts that are of no use here: has_nan covers only the last row group, blobs are hexadecimal, and
// a file has no bounds if one row group lacks them.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "yummy/delta/files/statistics_json.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// The leaf columns that get statistics, and the place of their values in a chunk of file columns.
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

/// Collects null counts and bounds of rows. One thread at a time.
class StatisticsCollector {
 public:
  explicit StatisticsCollector(std::shared_ptr<const StatisticsPlan> plan)
      : plan_(std::move(plan)), leaves_(plan_->leaves.size()) {}

  /// Flattens the struct columns of `rows`.
  void Update(duckdb::DataChunk& rows);
  void Merge(const StatisticsCollector& other);
  std::vector<delta::ColumnStatistics> Collected() const;

  /// The bounds of one leaf. The type decides which pair holds them.
  struct Leaf {
    int64_t null_count = 0;
    bool has_bounds = false;
    bool has_nan = false;
    delta::Int128 min_integer = 0;  // for all types not named below
    delta::Int128 max_integer = 0;
    double min_double = 0;  // for float and double
    double max_double = 0;
    std::string min_string;  // for string
    std::string max_string;
  };

 private:
  std::shared_ptr<const StatisticsPlan> plan_;  // shared by all files of a statement
  std::vector<Leaf> leaves_;
};

}  // namespace yummy::duck
