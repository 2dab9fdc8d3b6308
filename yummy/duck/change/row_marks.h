#pragma once
// The rows of data files that a statement changes or deletes.

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/files/file_id.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Safe from several threads.
class RowMarks {
 public:
  /// What a second mark of one row is: allowed, or an error.
  enum class SecondMark { kAllowed, kRefused };

  /// `table` is for messages.
  RowMarks(std::string table, SecondMark second) : table_(std::move(table)), second_(second) {}

  /// Marks the rows that two columns of `identities` name, from `first_column` on: the delta::FileId, and the row
  /// number in the file. Returns how many were not marked before. Throws InvalidArgument (DUPLICATE_MATCH) for a second
  /// mark that is refused.
  uint64_t Mark(duckdb::DataChunk& identities, duckdb::idx_t first_column);

  struct File {
    delta::FileId id = 0;
    delta::DeletionVector rows;
  };
  /// The marked rows of each file, in the order of the ids. Call it once, when nothing is marked any more.
  std::vector<File> Take();

 private:
  struct Marks {
    std::mutex mutex;
    delta::DeletionVectorBuilder rows;  // guarded by mutex
  };
  Marks& MarksOf(delta::FileId file);

  const std::string table_;
  const SecondMark second_;
  std::shared_mutex mutex_;
  std::map<delta::FileId, std::unique_ptr<Marks>> files_;  // guarded by mutex_; what it points to stays
};

}  // namespace yummy::duck
