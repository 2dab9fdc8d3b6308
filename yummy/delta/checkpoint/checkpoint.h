#pragma once
// Checkpoints (PROTOCOL.md, "Checkpoints"): read into a snapshot, written after a commit.

#include <cstdint>
#include <string>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/object_store.h"

namespace yummy {
class Executor;
}

namespace yummy::delta {

/// Writes the classic checkpoint of the snapshot's version (with a checkpointMetadata action when the table has the
/// v2Checkpoint feature), then `_last_checkpoint`. Tombstones within delta.deletedFileRetentionDuration are kept.
/// Safe to repeat: checkpoints of one version are interchangeable. The executor reads the log, where there is one.
Result<void> WriteCheckpoint(const Context& context, const Snapshot& snapshot, const Clock& clock,
                             Executor* executor = nullptr);

/// Writes the version checksum file (PROTOCOL.md, "Version Checksum File"); an existing one is left alone.
Result<void> WriteChecksum(const Context& context, const Snapshot& snapshot);

}  // namespace yummy::delta
