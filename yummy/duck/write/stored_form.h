#pragma once
// Changes values into the form in which a table stores them. This happens before every check, so that checks see the
// same values as readers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// Safe from several threads once made.
class StoredForm {
 public:
  /// Errors: Unsupported (UNSUPPORTED_TYPE: char(n) or varchar(n) within a nested type).
  static Result<StoredForm> Make(const TableLayout& layout);

  /// In partition columns an empty text or binary becomes null. PROTOCOL.md, "Partition Value Serialization": "an empty
  /// string for any type translates to a null partition value". In columns of Spark's char(n) and varchar(n) spaces
  /// beyond n are cut, and a shorter char is padded with spaces. `first_row` numbers the rows in errors; it is absent
  /// if rows have no order. Errors: InvalidArgument (VALUE_OUT_OF_RANGE: more than n characters; details "column",
  /// "row").
  Result<void> Apply(duckdb::DataChunk& rows, std::optional<uint64_t> first_row) const;

 private:
  struct Column {
    duckdb::idx_t index = 0;
    std::string name;
    bool empty_is_null = false;
    std::optional<uint64_t> characters_max = {};  // of char(n), varchar(n)
    bool is_padded = false;                       // char(n)
  };

  /// The stored form of a value; absent for null. It lives as long as `text` and `padded`; `padded` holds a text that
  /// became longer.
  static Result<std::optional<std::string_view>> Stored(const Column& column, std::string_view text,
                                                        std::string& padded);
  static Result<void> ApplyTo(const Column& column, duckdb::DataChunk& rows, std::optional<uint64_t> first_row);

  std::vector<Column> columns_;  // only columns whose values may change
};

}  // namespace yummy::duck
