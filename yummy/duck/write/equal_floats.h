#pragma once
// Finds float and double values that are equal but not the same: -0.0 and 0.0, and NaNs of different bits. DuckDB's
// writer gives a column that repeats its values a dictionary, and the dictionary keeps only one of several equal values
// (docs/duckdb-faults.md).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// How a file encodes repeated values. A file of one encoding also takes row groups of the encodings before it.
enum class ValueEncoding : uint8_t {
  kHashedDictionaries,  // dictionaries where they pay off, with bloom filters
  kDictionaries,        // no bloom filters, because DuckDB would not find a number that equals a stored one in them
  kPlain                // no dictionaries, because they would change numbers
};
inline constexpr size_t kValueEncodings = 3;

/// Finds the encoding that keeps a row group unchanged. One thread at a time.
class EqualFloats {
 public:
  explicit EqualFloats(const duckdb::vector<duckdb::LogicalType>& types);

  /// Looks at rows of these types. Flattens lists and structs that contain floats.
  void Update(duckdb::DataChunk& rows);
  void Merge(const EqualFloats& other);
  /// The encoding for `rows`, which must be all rows that were looked at.
  ValueEncoding Encoding(const duckdb::ColumnDataCollection& rows) const;

 private:
  /// One column of numbers in the file.
  struct Leaf {
    std::optional<uint64_t> zero;  // the bits of the first zero
    std::optional<uint64_t> nan;
    bool has_several = false;
    bool has_uncommon = false;  // has a zero or NaN with other bits than a query's

    template <typename Number>
    void Note(Number number);
  };
  struct Column {
    duckdb::idx_t position = 0;
    size_t first_leaf = 0;
  };

  template <typename Take>
  static size_t ForEachLeaf(duckdb::Vector& vector, duckdb::idx_t count, size_t leaf, const Take& take);
  template <typename Number>
  static void Look(duckdb::Vector& vector, duckdb::idx_t count, Leaf& leaf);

  std::vector<Column> columns_;  // only columns with floats
  std::vector<Leaf> leaves_;
};

}  // namespace yummy::duck
