#pragma once
// The data files that a statement writes.

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/write/parquet_writer.h"
#include "yummy/duck/write/table_layout.h"

namespace yummy::duck {

/// Makes the data files of a statement: names them by the transaction, permits their writing, and keeps what was
/// finished. Safe from several threads.
class DataFiles {
 public:
  /// `layout` is of `transaction`; both outlive this. Throws what DuckDB throws.
  DataFiles(duckdb::ClientContext& context, delta::Transaction& transaction, size_t store_ordinal,
            const TableLayout& layout);

  duckdb::ClientContext& context() const { return context_; }
  const TableLayout& layout() const { return layout_; }
  const ParquetFormat& format() const { return *format_; }
  /// The table's; may be absent.
  Executor* executor() const;
  /// Files are written to a disk, not across a network.
  bool is_local() const;

  /// Opens a file, which counts as staged from now on: it is deleted unless the transaction commits.
  std::unique_ptr<ParquetFile> Open(delta::PartitionValues partition_values, ValueEncoding encoding);
  /// Finishes the file and keeps its add action.
  void Finish(ParquetFile& file);
  /// The add actions so far.
  std::vector<delta::Add> Take();

 private:
  duckdb::ClientContext& context_;
  delta::Transaction& transaction_;
  const size_t store_ordinal_;
  const TableLayout& layout_;
  std::unique_ptr<ParquetFormat> format_;
  std::mutex mutex_;
  std::vector<delta::Add> adds_;  // guarded by mutex_
};

}  // namespace yummy::duck
