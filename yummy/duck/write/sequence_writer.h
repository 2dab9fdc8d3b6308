#pragma once
// Writes the rows of a table without partitions. All threads fill one file until it has the table's target size, and
// then the next.

#include <array>
#include <memory>
#include <mutex>

#include "yummy/duck/write/data_files.h"
#include "yummy/duck/write/row_writer.h"

namespace yummy::duck {

/// The row groups of one thread keep their order. Those of several threads are written as they become ready.
class SequenceWriter final : public RowWriter {
 public:
  explicit SequenceWriter(DataFiles& files) : files_(files) {}

  std::unique_ptr<Local> MakeLocal() override;
  void Write(Local& local, duckdb::DataChunk& rows) override;
  void Combine(Local& local) override;
  void Finish() override;

 private:
  struct Buffer;
  /// A file and the row groups that are being prepared for it.
  struct OpenFile {
    std::unique_ptr<ParquetFile> file;
    int preparing = 0;
    bool retired = false;  // takes no further row groups
  };

  void WriteRowGroup(std::unique_ptr<RowGroupBuffer> buffer);

  DataFiles& files_;
  std::mutex mutex_;
  // guarded by mutex_; by ValueEncoding; shared: by the threads that prepare row groups for it
  std::array<std::shared_ptr<OpenFile>, kValueEncodings> current_;
  std::unique_ptr<RowGroupBuffer> remainder_;  // guarded by mutex_; small remainders of the threads
};

}  // namespace yummy::duck
