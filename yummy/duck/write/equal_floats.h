#pragma once
// Float and double values that are equal and not the same: -0.0 and 0.0, NaNs of several bits. DuckDB's writer gives a
// column that repeats its values a dictionary, which keeps one of those that are equal: docs/duckdb-faults.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// What a file does with values that repeat. In this order each takes the row groups of those before it.
enum class ValueEncoding : uint8_t {
  kHashedDictionaries,  // dictionaries where they are worth it, with bloom filters
  kDictionaries,        // no bloom filters, because DuckDB would not find a number in them that it finds equal
  kPlain                // no dictionaries, because they would change numbers
};
inline constexpr size_t kValueEncodings = 3;

/// Finds out what encoding keeps a row group as it is. Of one thread at a time.
class EqualFloats {
 public:
  explicit EqualFloats(const duckdb::vector<duckdb::LogicalType>& types);

  /// Looks at rows of these types. Flattens the lists and structs that hold such values.
  void Update(duckdb::DataChunk& rows);
  void Merge(const EqualFloats& other);
  /// The encoding of `rows`, which are all that were looked at.
  ValueEncoding Encoding(const duckdb::ColumnDataCollection& rows) const;

 private:
  /// One column of numbers in the file.
  struct Leaf {
    std::optional<uint64_t> zero;  // the bits that were met first
    std::optional<uint64_t> nan;
    bool has_several = false;
    bool has_uncommon = false;  // not the zero or the NaN of a query

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

  std::vector<Column> columns_;  // with such values
  std::vector<Leaf> leaves_;
};

}  // namespace yummy::duck
