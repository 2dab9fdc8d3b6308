#pragma once
// Actions as lines of JSON: commits, V2 JSON checkpoints.

#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// Parses the lines of a commit, of which an empty file has none. Unknown actions and fields are ignored; CRLF and a
/// missing last newline are fine. Errors: Corrupt (reason CORRUPT_TABLE; detail "line"): not JSON, truncated line, a
/// required field missing or of another type, a path that is empty or badly escaped; and those of CheckCommit.
/// ResourceExhausted (reason LIMIT_EXCEEDED): a line over 256 MiB. `name` is the file's name, for messages. Safe from
/// several threads: each keeps its parser.
Result<std::vector<Action>> ParseCommit(std::string_view bytes, std::string_view name);

/// As ParseCommit, of a log compaction (PROTOCOL.md, "Log Compaction Files"), with the checks of CheckReconciled. An
/// empty one is Corrupt: it would hide the commits that it stands for.
Result<std::vector<Action>> ParseCompaction(std::string_view bytes, std::string_view name);

/// As ParseCommit, without the checks on the whole (a checkpoint has other rules).
Result<std::vector<Action>> ParseActions(std::string_view bytes, std::string_view name);

/// Checks what one commit must hold by itself: at most one protocol and one metaData; no path twice in its
/// adds or twice in its removes; no (path, deletion vector) both added and removed. Paths are compared decoded.
/// Errors: Corrupt (reason CORRUPT_TABLE).
/// Source: PROTOCOL.md, "Add File and Remove File".
Result<void> CheckCommit(const std::vector<Action>& actions, std::string_view name);

/// Checks what reconciled actions must hold: at most one protocol and one metaData; no logical file twice. One path may
/// be removed with several deletion vectors. Errors: Corrupt (reason CORRUPT_TABLE).
Result<void> CheckReconciled(const std::vector<Action>& actions, std::string_view name);

/// The action's line without its newline.
std::string WriteAction(const Action& action);
/// All lines, each with its newline.
std::string WriteActions(const std::vector<Action>& actions);

}  // namespace yummy::delta
