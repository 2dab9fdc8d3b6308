#pragma once
// Reads checkpoints: classic, multi-part, and V2 in Parquet or JSON with its sidecars (PROTOCOL.md, "Checkpoints").

#include <optional>
#include <string_view>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/files/file_segment.h"
#include "yummy/delta/log/log.h"
#include "yummy/store/object_store.h"

namespace yummy {
class Executor;
}

namespace yummy::delta {

/// The contents of a checkpoint without its tombstones.
struct CheckpointContents {
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::vector<Txn> txns;
  std::vector<DomainMetadata> domains;
  std::optional<CheckpointMetadata> checkpoint_metadata;
  std::vector<Sidecar> sidecars;
  FileSegmentBuilder files;
};

/// Reads the state. The executor, if there is one, reads parts and sidecars concurrently.
/// Errors: Corrupt (not readable, wrong schema, a part or sidecar missing, contents of another version),
/// PermissionDenied (reason PATH_OUTSIDE_TABLE: a sidecar elsewhere), Unavailable.
Result<CheckpointContents> ReadCheckpoint(const Context& context, store::ObjectStore& store,
                                          std::string_view table_path, const CheckpointFiles& files,
                                          Executor* executor);

/// Reads only the remove actions. Errors: as ReadCheckpoint.
Result<std::vector<Remove>> ReadCheckpointTombstones(const Context& context, store::ObjectStore& store,
                                                     std::string_view table_path, const CheckpointFiles& files,
                                                     Executor* executor);

}  // namespace yummy::delta
