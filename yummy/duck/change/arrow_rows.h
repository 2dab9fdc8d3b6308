#pragma once
// Arrow record batches as DuckDB chunks in the columns of a table.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// Streams a reader, one batch in memory. Of one thread.
/// Columns are matched by name, exactly, then ignoring case; a column that is not there is null. Values that have
/// another type than the column are converted when that keeps them exactly: never rounded, never parsed from text.
class ArrowRows {
 public:
  /// `layout` outlives the result.
  /// Errors: InvalidArgument (SCHEMA_MISMATCH: an unknown or doubled column, a NOT NULL column that is missing;
  /// TYPE_MISMATCH; detail "column").
  static Result<std::unique_ptr<ArrowRows>> Make(duckdb::ClientContext& context, const TableLayout& layout,
                                                 std::shared_ptr<arrow::RecordBatchReader> reader);
  ~ArrowRows();

  /// Fills `rows` (of the layout's types) with the next up to 2,048 rows; false at the end. They are valid until the
  /// next call. Errors: InvalidArgument (VALUE_OUT_OF_RANGE, TYPE_MISMATCH for a value; details "column", "row";
  /// INVALID_ARROW for arrays that are malformed), and those of the reader.
  Result<bool> Next(duckdb::DataChunk& rows);

  /// Rows that Next has given so far.
  uint64_t row_count() const { return row_count_; }

 private:
  /// Where the values of a table column come from.
  struct Source {
    std::optional<duckdb::idx_t> position;  // in the batches; absent: null
    bool convert = false;                   // the type is another
    bool may_lose = false;                  // the conversion may change a value: compare
  };

  ArrowRows(duckdb::ClientContext& context, const TableLayout& layout,
            std::shared_ptr<arrow::RecordBatchReader> reader);
  Result<void> Bind();
  Result<void> MatchColumns();
  Result<bool> NextBatch();
  Result<void> Convert(size_t column, duckdb::Vector& target, duckdb::idx_t count);
  Error ConversionError(size_t column, duckdb::Vector& from, duckdb::Vector& target, duckdb::idx_t row) const;

  duckdb::ClientContext& context_;
  const TableLayout& layout_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  duckdb::ArrowTableSchema arrow_schema_;
  duckdb::vector<duckdb::LogicalType> arrow_types_;
  std::vector<Source> sources_;  // by table column
  duckdb::unique_ptr<duckdb::ArrowScanLocalState> scan_;
  duckdb::DataChunk converted_;  // as the batch has it
  uint64_t batch_rows_ = 0;
  uint64_t batch_position_ = 0;
  uint64_t row_count_ = 0;
};

}  // namespace yummy::duck
