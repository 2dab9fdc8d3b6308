#pragma once
// Float and double values that are equal and not the same: -0.0 and 0.0, NaNs of several bits. DuckDB's writer gives a column that
// repeats its values a dictionary, which keeps one of those that are equal: docs/duckdb-faults.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "yummy/duck/duckdb_headers.h"

namespace yummy::duck {

/// Finds out whether dictionaries would change a row group. Of one thread at a time.
class EqualFloats {
 public:
  explicit EqualFloats(const duckdb::vector<duckdb::LogicalType>& types);

  /// Looks at rows of these types. Flattens the lists and structs that hold such values.
  void Update(duckdb::DataChunk& rows);
  void Merge(const EqualFloats& other);
  /// True when DuckDB's writer would give a column of `rows`, which are all that were looked at, a dictionary that changes values.
  bool ChangedByDictionaries(const duckdb::ColumnDataCollection& rows) const;

 private:
  /// One column of numbers in the file.
  struct Leaf {
    std::optional<uint64_t> zero;  // the bits that were met first
    std::optional<uint64_t> nan;
    bool has_several = false;

    void Note(bool is_nan, uint64_t bits);
  };
  struct Column {
    duckdb::idx_t position = 0;
    size_t first_leaf = 0;
  };

  template <typename Take>
  static size_t ForEachLeaf(duckdb::Vector& vector, duckdb::idx_t count, size_t leaf, const Take& take);
  template <typename Number>
  static void Look(duckdb::Vector& vector, duckdb::idx_t count, Leaf& leaf);

  std::vector<Column> columns_;  // with such values
  std::vector<Leaf> leaves_;
};

}  // namespace yummy::duck
