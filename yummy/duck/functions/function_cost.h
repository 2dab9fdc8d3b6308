#pragma once
// Computes from its arguments what a call of one of DuckDB's functions costs for one row.

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class Arguments;

/// The limits of one call for one row. Beyond them the query ends with InvalidArgument (FUNCTION_LIMIT; details name,
/// limit).
struct FunctionLimits {
  static constexpr uint64_t kStepsMax = 1 << 28;    // about a second
  static constexpr uint64_t kBytesMax = 64 << 20;   // of the resulting value
  static constexpr uint64_t kEntriesMax = 1 << 20;  // of the resulting list; a constant list takes time and memory
  static constexpr uint64_t kJsonDepthMax = 200;
  static constexpr uint64_t kPatternMax =
      10'000;  // parts of a regular expression with its counted repetitions written out
  static constexpr uint64_t kNameMax = 10'000;  // bytes of the name of an aggregate
};

struct Cost {
  uint64_t steps = 0;
  uint64_t bytes = 0;    // of the resulting value
  uint64_t entries = 0;  // of the result, if it is a list
  uint64_t depth = 0;
  uint64_t pattern = 0;
  uint64_t name = 0;  // bytes of the name of a function
};

/// Computes a cost. It must grow with each size and length of its arguments.
using CostFunction = Cost (*)(const Arguments& arguments, duckdb::idx_t row);

/// The arguments of a batch. A value that is null or has another type than requested counts as empty.
class Arguments {
 public:
  explicit Arguments(duckdb::DataChunk& rows);

  size_t count() const { return columns_.size(); }
  std::string_view text(size_t column, duckdb::idx_t row) const;
  int64_t integer(size_t column, duckdb::idx_t row) const;
  duckdb::interval_t interval(size_t column, duckdb::idx_t row) const;
  /// The bytes of a string, or of the entries of a list.
  uint64_t size(size_t column, duckdb::idx_t row) const;
  /// The number of entries of a list.
  uint64_t length(size_t column, duckdb::idx_t row) const;
  /// PatternSize of a text. For a constant it is computed once.
  uint64_t pattern_size(size_t column, duckdb::idx_t row) const;
  /// MayLookFar of a text. For a constant it is computed once.
  bool pattern_looks_far(size_t column, duckdb::idx_t row) const;
  /// True if the argument has one value for all rows.
  bool is_constant(size_t column) const { return columns_[column].is_constant; }
  bool is_interval(size_t column) const { return columns_[column].type == duckdb::PhysicalType::INTERVAL; }

  /// An upper bound of the cost of every row, from the largest sizes and lengths. Absent if the cost depends on other
  /// values that differ between rows.
  std::optional<Cost> AtMost(CostFunction cost) const;

 private:
  struct Column {
    duckdb::UnifiedVectorFormat format;
    duckdb::PhysicalType type;
    bool is_constant;
    std::optional<uint64_t> array_size;  // number of entries, for a list whose type states it
  };
  // Stands for the imaginary row of AtMost, which has the largest sizes.
  static constexpr duckdb::idx_t kLargest = std::numeric_limits<duckdb::idx_t>::max();

  /// The position of the value in the data of its vector. Absent if it is null, or if it is that of kLargest and
  /// unknown.
  std::optional<duckdb::idx_t> Index(size_t column, duckdb::idx_t row) const;
  /// The largest size of a text, or length of a list.
  uint64_t LargestSize(const Column& column) const;

  duckdb::idx_t rows_;
  std::vector<Column> columns_;
  mutable bool is_known_ = true;  // false once AtMost has needed a value that it cannot know
  mutable std::optional<uint64_t> constant_pattern_size_;
  mutable std::optional<bool> constant_pattern_looks_far_;
};

struct FunctionCost {
  std::string_view name;
  CostFunction cost;
  enum class Binding {
    kPlain,
    kReadsConstants,  // reads constant arguments while it is bound: compiles a pattern, parses a structure
  };
  Binding binding = Binding::kPlain;
};

/// Every function that has a bound.
const std::vector<FunctionCost>& FunctionCosts();

/// The depth to which arrays and objects nest in a JSON text. Reads the text once, and never recurses.
uint64_t JsonDepth(std::string_view text);

}  // namespace yummy::duck
