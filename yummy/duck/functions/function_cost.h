#pragma once
// What a call of one of DuckDB's functions takes for one row, from its arguments.

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

class Arguments;

/// What one call may do for one row. Beyond it the query ends with InvalidArgument (FUNCTION_LIMIT; details name,
/// limit).
struct FunctionLimits {
  static constexpr uint64_t kStepsMax = 1 << 28;    // about a second
  static constexpr uint64_t kBytesMax = 64 << 20;   // of the value that it makes
  static constexpr uint64_t kEntriesMax = 1 << 20;  // of the list that it makes: as a constant it takes time and memory
  static constexpr uint64_t kJsonDepthMax = 200;
  static constexpr uint64_t kPatternMax = 10'000;  // of a regular expression, its counted repetitions written out
  static constexpr uint64_t kNameMax = 10'000;     // bytes of the name of an aggregate
};

struct Cost {
  uint64_t steps = 0;
  uint64_t bytes = 0;    // of the value that is made
  uint64_t entries = 0;  // of it, when it is a list
  uint64_t depth = 0;
  uint64_t pattern = 0;
  uint64_t name = 0;  // bytes of the name of a function
};

/// Grows with each size and length of its arguments.
using CostFunction = Cost (*)(const Arguments& arguments, duckdb::idx_t row);

/// The arguments of a batch. What is null, or of another type than asked, counts as empty.
class Arguments {
 public:
  explicit Arguments(duckdb::DataChunk& rows);

  size_t count() const { return columns_.size(); }
  std::string_view text(size_t column, duckdb::idx_t row) const;
  int64_t integer(size_t column, duckdb::idx_t row) const;
  duckdb::interval_t interval(size_t column, duckdb::idx_t row) const;
  /// Bytes of a string, of the entries of a list.
  uint64_t size(size_t column, duckdb::idx_t row) const;
  /// Entries of a list.
  uint64_t length(size_t column, duckdb::idx_t row) const;
  /// PatternSize of a text; of a constant one it is found once.
  uint64_t pattern_size(size_t column, duckdb::idx_t row) const;
  /// MayLookFar, likewise.
  bool pattern_looks_far(size_t column, duckdb::idx_t row) const;
  /// Whether it is one value for all rows.
  bool is_constant(size_t column) const { return columns_[column].is_constant; }
  bool is_interval(size_t column) const { return columns_[column].type == duckdb::PhysicalType::INTERVAL; }

  /// What every row costs at most, from the largest sizes and lengths; absent when it depends on other values which are
  /// not the same for all rows.
  std::optional<Cost> AtMost(CostFunction cost) const;

 private:
  struct Column {
    duckdb::UnifiedVectorFormat format;
    duckdb::PhysicalType type;
    bool is_constant;
    std::optional<uint64_t> array_size;  // entries, of a list whose type tells them
  };
  // In place of a row: the one that AtMost is for.
  static constexpr duckdb::idx_t kLargest = std::numeric_limits<duckdb::idx_t>::max();

  /// The position of the value in its vector's data; absent when it is null, or the largest one is asked for and is not
  /// known.
  std::optional<duckdb::idx_t> Index(size_t column, duckdb::idx_t row) const;
  /// The largest size of a text, or length of a list.
  uint64_t LargestSize(const Column& column) const;

  duckdb::idx_t rows_;
  std::vector<Column> columns_;
  mutable bool is_known_ = true;  // whether AtMost has asked for what it can know
  mutable std::optional<uint64_t> constant_pattern_size_;
  mutable std::optional<bool> constant_pattern_looks_far_;
};

struct FunctionCost {
  std::string_view name;
  CostFunction cost;
  enum class Binding {
    kPlain,
    kReadsConstants,  // looks at constant arguments while it is bound: a pattern is compiled, a structure is read
  };
  Binding binding = Binding::kPlain;
};

/// Every function that has a bound.
const std::vector<FunctionCost>& FunctionCosts();

/// How deep arrays and objects nest in a JSON text. Reads it once, and never recurses.
uint64_t JsonDepth(std::string_view text);

}  // namespace yummy::duck
