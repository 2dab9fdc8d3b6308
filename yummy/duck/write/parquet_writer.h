#pragma once
// Writes Parquet data files row group by row group, through the COPY callbacks of DuckDB's own Parquet writer.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/equal_floats.h"
#include "yummy/duck/write/statistics_collector.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// How the data files of one table are written. It is fixed for a statement; its files and threads share it.
struct ParquetFormat {
  duckdb::CopyFunction function;
  std::array<duckdb::unique_ptr<duckdb::FunctionData>, kValueEncodings> bind_data;  // by ValueEncoding
  bool has_bloom_filters = false;                                                   // unless the encoding forbids
  duckdb::vector<duckdb::LogicalType> types;
  std::shared_ptr<const StatisticsPlan> statistics;

  /// Throws the exceptions of DuckDB's bind.
  static std::unique_ptr<ParquetFormat> Make(duckdb::ClientContext& context, const TableLayout& layout);
};

/// Collects the rows of one row group and their statistics. DuckDB's buffer manager may spill them. One thread at a
/// time.
class RowGroupBuffer {
 public:
  RowGroupBuffer(duckdb::ClientContext& context, const ParquetFormat& format);

  /// Appends rows that have just the columns of the file.
  void Append(duckdb::DataChunk& rows);
  /// Takes the rows of `other`, which is then empty.
  void Combine(RowGroupBuffer& other);
  duckdb::idx_t rows() const { return rows_->Count(); }
  /// True if it holds enough rows or bytes for a row group.
  bool full() const;
  /// True if it is half full, and so worth a row group of its own.
  bool half_full() const;
  /// The encoding that keeps the rows unchanged. May look through them.
  ValueEncoding encoding() const;

 private:
  friend class ParquetFile;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> rows_;
  duckdb::ColumnDataAppendState append_;
  StatisticsCollector statistics_;
  EqualFloats floats_;
  const bool may_be_hashed_;
};

/// One data file that is being written. Unless Finish was called, the destructor aborts the upload.
class ParquetFile {
 public:
  /// An encoded and compressed row group.
  struct PreparedRowGroup {
    duckdb::unique_ptr<duckdb::PreparedBatchData> batch;
    StatisticsCollector statistics;
    duckdb::idx_t rows = 0;
  };

  /// Opens the file `url` (yummy://…), which the request must be permitted to write. `target` is the add action to
  /// fill; path and partition values are set.
  ParquetFile(duckdb::ClientContext& context, const ParquetFormat& format, ValueEncoding encoding,
              const std::string& url, delta::Add target);

  /// Encodes and compresses the rows, which is the costly part. Safe from several threads.
  PreparedRowGroup Prepare(std::unique_ptr<RowGroupBuffer> buffer);
  /// Writes the row group to the file. One call at a time.
  void Append(PreparedRowGroup row_group);
  uint64_t rows() const { return rows_; }
  /// True if the file takes row groups of this encoding.
  bool Takes(ValueEncoding encoding) const { return encoding <= encoding_; }
  /// True once the file has reached the size; exact after each Append.
  bool Reached(uint64_t size_bytes);
  /// Writes the footer and makes the file durable. Returns its add action; the caller sets the modification time.
  delta::Add Finish();

 private:
  duckdb::ClientContext& context_;
  const ParquetFormat& format_;
  const ValueEncoding encoding_;
  duckdb::FunctionData& bind_data_;
  delta::Add add_;
  duckdb::CopyFunctionFileStatistics written_;  // the writer fills it when it finishes, so it must outlive file_
  duckdb::unique_ptr<duckdb::GlobalFunctionData> file_;
  StatisticsCollector statistics_;
  uint64_t rows_ = 0;
};

}  // namespace yummy::duck
