#pragma once
// Encodes stats_parsed and partitionValues_parsed of a new checkpoint (delta.checkpoint.writeStatsAsStruct).

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/files/statistics_columns.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

class TypedStatistics {
 public:
  /// Errors: Unsupported (a column type without an Arrow type).
  static Result<TypedStatistics> Make(const Snapshot& snapshot);

  /// The fields to add to the add struct: stats_parsed, and partitionValues_parsed if the table is partitioned.
  const std::vector<std::shared_ptr<arrow::Field>>& fields() const { return fields_; }

  /// Their values for some files, by name, in the order of fields().
  Result<std::vector<std::pair<std::string, std::shared_ptr<arrow::Array>>>> Encode(const Snapshot& snapshot,
                                                                                    std::span<const FileId> ids) const;

 private:
  struct Leaf {
    LeafColumn column;
    std::shared_ptr<arrow::DataType> type;
  };
  Result<std::shared_ptr<arrow::Array>> EncodeStatistics(const Snapshot& snapshot, std::span<const FileId> ids) const;
  Result<std::shared_ptr<arrow::Array>> EncodePartitions(const Snapshot& snapshot, std::span<const FileId> ids) const;

  std::vector<Leaf> leaves_;
  std::vector<std::shared_ptr<arrow::DataType>> partition_types_;
  std::vector<std::shared_ptr<arrow::Field>> fields_;
};

}  // namespace yummy::delta
