#pragma once
// Writes the rows of a partitioned table: one data file per tuple of partition values, unless the rows do not fit into
// memory.

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "yummy/duck/write/data_files.h"
#include "yummy/duck/write/row_writer.h"

namespace yummy::duck {

/// Rows wait in memory, each with the number of its partition. When all rows have come, they are written partition by
/// partition. If a thread holds more than its share of memory, its largest partitions are written early, as row groups
/// of files that stay open. The number of open files is bounded, so a partition may get a second file.
class PartitionedWriter final : public RowWriter {
 public:
  explicit PartitionedWriter(DataFiles& files);
  ~PartitionedWriter() override;

  std::unique_ptr<Local> MakeLocal() override;
  void Write(Local& local, duckdb::DataChunk& rows) override;
  void Combine(Local& local) override;
  void Finish() override;

 private:
  /// A row of a buffer.
  struct RowRef {
    uint32_t chunk = 0;
    uint32_t row = 0;
  };
  struct Buffer;
  struct Partition {
    delta::PartitionValues values;
    std::unique_ptr<ParquetFile> file;   // present while it is open
    std::list<size_t>::iterator recent;  // its place in open_ while file is present
  };

  size_t NumberOf(Buffer& buffer, const std::string& key, duckdb::DataChunk& rows, duckdb::idx_t row);
  delta::PartitionValues ValuesOf(duckdb::DataChunk& rows, duckdb::idx_t row) const;
  void WriteLargest(Buffer& buffer);
  template <typename Take>
  void ForEachRowGroup(const Buffer& buffer, const std::vector<RowRef>& rows, Take take) const;
  void WriteFiles(const Partition& partition, const Buffer& buffer, const std::vector<RowRef>& rows) const;
  bool IsFull(ParquetFile& file) const;
  void WriteRowGroup(size_t partition, std::unique_ptr<RowGroupBuffer> rows);
  void CloseOldest();
  void Close(size_t partition);

  DataFiles& files_;
  const uint64_t buffer_bytes_max_;
  const size_t open_files_max_;
  std::mutex mutex_;                                    // held while a thread writes
  std::vector<std::unique_ptr<Partition>> partitions_;  // guarded by mutex_
  std::unordered_map<std::string, size_t> numbers_;     // guarded by mutex_; by key
  std::list<size_t> open_;                              // guarded by mutex_; partitions with an open file, newest first
  std::unique_ptr<Buffer> rest_;                        // guarded by mutex_; the rows that the threads have left
};

}  // namespace yummy::duck
