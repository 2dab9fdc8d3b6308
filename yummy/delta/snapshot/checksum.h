#pragma once
// Reads the version checksum file (PROTOCOL.md, "Version Checksum File").

#include "yummy/base/context.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

/// Compares the checksum file with the log. Logs a warning if they differ or the file cannot be read, because the log
/// is the authority. Never fails.
void CompareChecksum(const Context& context, const Snapshot& snapshot, const store::ObjectMeta& checksum);

}  // namespace yummy::delta
