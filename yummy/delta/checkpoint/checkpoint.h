#pragma once
// Writes checkpoints and version checksums after a commit (PROTOCOL.md, "Checkpoints").

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
/// Safe to repeat, because checkpoints of one version are interchangeable. If there is an executor, it reads the log.
Result<void> WriteCheckpoint(const Context& context, const Snapshot& snapshot, const Clock& clock,
                             Executor* executor = nullptr);

/// Writes the version checksum file (PROTOCOL.md, "Version Checksum File"). An existing file stays as it is.
Result<void> WriteChecksum(const Context& context, const Snapshot& snapshot);

}  // namespace yummy::delta
