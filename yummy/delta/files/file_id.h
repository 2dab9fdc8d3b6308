#pragma once
// The name of a data file within a snapshot.

#include <cstdint>

namespace yummy::delta {

/// Names a live file of one snapshot, for the life of that snapshot. A refreshed snapshot may name the same file
/// otherwise (small groups of files are merged as a table grows): ask its FindFile.
using FileId = uint64_t;

}  // namespace yummy::delta
