#pragma once
// The name of a data file within a snapshot.

#include <cstdint>

namespace yummy::delta {

/// Names a live file of one snapshot, for the life of that snapshot. A refreshed snapshot may give the same file
/// another id, because segments are merged as a table grows; use its FindFile.
using FileId = uint64_t;

}  // namespace yummy::delta
