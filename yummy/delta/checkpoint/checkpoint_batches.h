#pragma once
// The rows of a new checkpoint, as Arrow batches in the schema of PROTOCOL.md, "Checkpoint Schema".

#include <memory>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

/// Gives one batch after the other: first all actions other than files, then tombstones, then adds.
class CheckpointBatches {
 public:
  /// Both arguments must outlive this. Errors: Unsupported (a column type without an Arrow type, for typed statistics).
  static Result<CheckpointBatches> Make(const Snapshot& snapshot, const std::vector<Remove>& tombstones);
  ~CheckpointBatches();
  CheckpointBatches(CheckpointBatches&&) noexcept;
  CheckpointBatches& operator=(CheckpointBatches&&) noexcept;

  const std::shared_ptr<arrow::Schema>& schema() const;
  /// The next batch; null after the last.
  Result<std::shared_ptr<arrow::RecordBatch>> Next();

 private:
  struct State;
  explicit CheckpointBatches(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
