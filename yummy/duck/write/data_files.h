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

/// Makes the data files of a statement. The transaction names them. This class permits DuckDB to write them, and keeps
/// the add actions of finished files. Safe from several threads.
class DataFiles {
 public:
  /// `layout` is that of `transaction`; both outlive this object. Throws DuckDB's exceptions.
  DataFiles(duckdb::ClientContext& context, delta::Transaction& transaction, size_t store_ordinal,
            const TableLayout& layout);

  duckdb::ClientContext& context() const { return context_; }
  const TableLayout& layout() const { return layout_; }
  const ParquetFormat& format() const { return *format_; }
  /// The executor of the table; may be null.
  Executor* executor() const;
  /// True if files are written to a local disk, not across a network.
  bool is_local() const;

  /// Opens a file. It counts as staged from now on, so it is deleted unless the transaction commits.
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
