#pragma once
// Parquet data files, written a row group at a time through the COPY callbacks of DuckDB's own Parquet writer.

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/equal_floats.h"
#include "yummy/duck/write/statistics_collector.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// How the data files of one table are written: fixed for a statement, shared by its files and threads.
struct ParquetFormat {
  duckdb::CopyFunction function;
  std::array<duckdb::unique_ptr<duckdb::FunctionData>, kValueEncodings> bind_data;  // by ValueEncoding
  bool has_bloom_filters = false;                                                   // unless the encoding forbids
  duckdb::vector<duckdb::LogicalType> types;
  std::shared_ptr<const StatisticsPlan> statistics;

  /// Throws what DuckDB's bind throws.
  static std::unique_ptr<ParquetFormat> Make(duckdb::ClientContext& context, const TableLayout& layout);
};

/// Rows on their way into one row group, with their statistics. Spills by DuckDB's buffer manager. Of one thread at a
/// time.
class RowGroupBuffer {
 public:
  RowGroupBuffer(duckdb::ClientContext& context, const ParquetFormat& format);

  /// Appends rows that have the file's columns only.
  void Append(duckdb::DataChunk& rows);
  /// Takes the rows of `other`, which is empty afterwards.
  void Combine(RowGroupBuffer& other);
  duckdb::idx_t rows() const { return rows_->Count(); }
  /// A row group's worth of rows or bytes is there.
  bool full() const;
  /// Full by half: worth a row group of its own.
  bool half_full() const;
  /// The encoding that keeps the rows as they are. May look through them.
  ValueEncoding encoding() const;

 private:
  friend class ParquetFile;
  duckdb::unique_ptr<duckdb::ColumnDataCollection> rows_;
  duckdb::ColumnDataAppendState append_;
  StatisticsCollector statistics_;
  EqualFloats floats_;
  const bool may_be_hashed_;
};

/// One data file that is being written. Its upload is aborted by the destructor unless Finish was called.
class ParquetFile {
 public:
  /// A row group that is encoded and compressed.
  struct PreparedRowGroup {
    duckdb::unique_ptr<duckdb::PreparedBatchData> batch;
    StatisticsCollector statistics;
    duckdb::idx_t rows = 0;
  };

  /// Opens the file `url` (yummy://…), which the request may write. `target` has path and partition values of the add
  /// action to be.
  ParquetFile(duckdb::ClientContext& context, const ParquetFormat& format, ValueEncoding encoding,
              const std::string& url, delta::Add target);

  /// Encodes and compresses: the costly part. Safe from several threads.
  PreparedRowGroup Prepare(std::unique_ptr<RowGroupBuffer> buffer);
  /// Puts the row group into the file. One call at a time.
  void Append(PreparedRowGroup row_group);
  uint64_t rows() const { return rows_; }
  /// True for row groups whose encoding that is.
  bool Takes(ValueEncoding encoding) const { return encoding <= encoding_; }
  /// True when the file has reached the size; exact after each Append.
  bool Reached(uint64_t size_bytes);
  /// Writes the footer and makes the file durable. Returns its add action; the modification time is the caller's.
  delta::Add Finish();

 private:
  duckdb::ClientContext& context_;
  const ParquetFormat& format_;
  const ValueEncoding encoding_;
  duckdb::FunctionData& bind_data_;
  delta::Add add_;
  duckdb::CopyFunctionFileStatistics written_;  // filled by the writer when it finishes: lives longer than file_
  duckdb::unique_ptr<duckdb::GlobalFunctionData> file_;
  StatisticsCollector statistics_;
  uint64_t rows_ = 0;
};

}  // namespace yummy::duck
