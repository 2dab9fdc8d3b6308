#pragma once
// The version checksum file (PROTOCOL.md, "Version Checksum File"), read.

#include "yummy/base/context.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

/// Compares the checksum file with what the log says and logs a warning where they differ, or when it cannot be read:
/// the log counts. Never fails.
void CompareChecksum(const Context& context, const Snapshot& snapshot, const store::ObjectMeta& checksum);

}  // namespace yummy::delta
