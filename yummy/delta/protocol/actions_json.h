#pragma once
// Actions as lines of JSON: commits, V2 JSON checkpoints.

#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// Parses the lines of a commit; an empty file has none. Unknown actions and fields are ignored; CRLF and a missing
/// last newline are accepted. `name` is the name of the file, for messages. Safe from several threads: each has its own
/// parser.
/// Errors: Corrupt (reason CORRUPT_TABLE, detail "line": not JSON, a truncated line, a required field that is missing
/// or has another type, a path that is empty or badly escaped), those of CheckCommit, ResourceExhausted (reason
/// LIMIT_EXCEEDED: a line over 256 MiB).
Result<std::vector<Action>> ParseCommit(std::string_view bytes, std::string_view name);

/// As ParseCommit, for a log compaction (PROTOCOL.md, "Log Compaction Files") and with the checks of CheckReconciled.
/// An empty compaction is Corrupt, because it would hide the commits that it replaces.
Result<std::vector<Action>> ParseCompaction(std::string_view bytes, std::string_view name);

/// As ParseCommit, without the checks across lines, because a checkpoint has other rules.
Result<std::vector<Action>> ParseActions(std::string_view bytes, std::string_view name);

/// Checks the rules for a single commit: at most one protocol and one metaData; no path twice in its adds or twice in
/// its removes; no (path, deletion vector) both added and removed. Paths are compared decoded.
/// Errors: Corrupt (reason CORRUPT_TABLE).
/// Source: PROTOCOL.md, "Add File and Remove File".
Result<void> CheckCommit(const std::vector<Action>& actions, std::string_view name);

/// Checks the rules for reconciled actions: at most one protocol and one metaData; no logical file twice. A path may be
/// removed with several deletion vectors. Errors: Corrupt (reason CORRUPT_TABLE).
Result<void> CheckReconciled(const std::vector<Action>& actions, std::string_view name);

/// The line of the action, without a newline.
std::string WriteAction(const Action& action);
/// All lines, each with its newline.
std::string WriteActions(const std::vector<Action>& actions);

}  // namespace yummy::delta
