#pragma once
// Action reconciliation (PROTOCOL.md, "Action Reconciliation"): the newest reference to each logical file wins.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "yummy/delta/files/file_segment.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// Takes commits, newest first, and keeps the actions that no newer commit has replaced.
class Replay {
 public:
  /// Errors: Corrupt (a path that cannot be decoded).
  Result<void> TakeCommit(std::vector<Action> actions);

  /// Absent if no commit has set it.
  std::optional<Protocol> protocol;
  std::optional<Metadata> metadata;
  std::map<std::string, Txn> txns;
  std::map<std::string, DomainMetadata> domains;  // with removed domains, because they hide older actions
  std::optional<CommitInfo> newest_commit_info;   // of the first commit that was taken

  /// The live files, oldest first, so that rows come out in the order in which they were appended.
  /// Errors: Corrupt (a path that cannot be decoded, a negative size).
  Result<std::shared_ptr<const FileSegment>> AddedFiles() const;

  /// The keys of all files that a commit has added or removed. They replace older references to these files.
  std::vector<std::string> TouchedKeys() const { return {seen_.begin(), seen_.end()}; }

 private:
  std::vector<Add> added_;  // newest first
  std::unordered_set<std::string> seen_;
  bool took_any_ = false;
};

}  // namespace yummy::delta
