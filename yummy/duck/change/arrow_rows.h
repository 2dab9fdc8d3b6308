#pragma once
// Turns Arrow record batches into DuckDB chunks with the columns of a table.

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

/// Streams a reader, with one batch in memory. For one thread only.
/// Columns match by name: exactly, or else ignoring case. A missing column is null. Values of another type than the
/// column are converted if that keeps them exactly; they are never rounded and never parsed from text.
class ArrowRows {
 public:
  /// `layout` outlives the result.
  /// Errors: InvalidArgument (SCHEMA_MISMATCH: a column is unknown or appears twice, or a NOT NULL column is missing;
  /// TYPE_MISMATCH; detail "column").
  static Result<std::unique_ptr<ArrowRows>> Make(duckdb::ClientContext& context, const TableLayout& layout,
                                                 std::shared_ptr<arrow::RecordBatchReader> reader);
  ~ArrowRows();

  /// Fills `rows`, which has the layout's types, with up to 2,048 further rows; false at the end. The rows are valid
  /// until the next call. Errors: InvalidArgument (VALUE_OUT_OF_RANGE, TYPE_MISMATCH for a value, with details "column"
  /// and "row"; INVALID_ARROW for malformed arrays), those of the reader.
  Result<bool> Next(duckdb::DataChunk& rows);

  /// The number of rows that Next has given so far.
  uint64_t row_count() const { return row_count_; }

 private:
  /// The origin of the values of a table column.
  struct Source {
    std::optional<duckdb::idx_t> position;  // in the batches; absent: null
    bool convert = false;                   // the types differ
    bool may_lose = false;                  // the conversion may change a value, so the result is compared
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
  duckdb::DataChunk converted_;  // the rows with the columns of the batch
  uint64_t batch_rows_ = 0;
  uint64_t batch_position_ = 0;
  uint64_t row_count_ = 0;
};

}  // namespace yummy::duck
