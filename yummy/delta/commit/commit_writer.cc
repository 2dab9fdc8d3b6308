#include "yummy/delta/commit/commit_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/delta/log/log.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

// Another writer's commit counts as damaged only after so many damaged reads, because a store may cut an answer short.
constexpr int kDamagedReadsMax = 3;

// What the error of a put says about the object.
enum class PutError {
  kTaken,       // an object exists
  kNotApplied,  // nothing was applied; a later try may succeed
  kRefused,     // nothing was applied, and trying again is pointless
  kDoubtful,    // it may have been applied, or may still be
};

// Only what the store's contract calls definite counts as definite.
PutError MeaningOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kAlreadyExists: return PutError::kTaken;
    case ErrorCode::kUnavailable: return PutError::kNotApplied;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kUnsupported:
    case ErrorCode::kResourceExhausted: return PutError::kRefused;
    case ErrorCode::kPreconditionFailed:
    case ErrorCode::kConflict:
    case ErrorCode::kCorrupt:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kCancelled:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kInternal: return PutError::kDoubtful;
  }
  return PutError::kDoubtful;
}

const std::string* TxnIdOf(const WinningCommit& commit) {
  for (const Action& action : commit.actions) {
    const CommitInfo* info = std::get_if<CommitInfo>(&action);
    if (info != nullptr && info->txn_id) return &*info->txn_id;
  }
  return nullptr;
}

}  // namespace

Result<WinningCommit> CommitWriter::Read(const Context& context, int64_t version) {
  const std::string path = CommitPath(table_path_, version);
  const std::string bytes = TRY(ReadCommitFile(context, store_, {.path = path}));
  return WinningCommit{version, TRY(ParseCommit(bytes, path))};
}

// Reads the object at the version, and finds out whether it is our commit or another writer's.
Result<PutOutcome> CommitWriter::Look(const Context& context, const CommitBytes& commit) {
  const std::string path = CommitPath(table_path_, commit.version);
  const std::string bytes = TRY(ReadCommitFile(context, store_, {.path = path}));
  if (bytes == commit.bytes) return PutWon{};
  auto actions = ParseCommit(bytes, path);
  if (!actions.ok()) {
    // The beginning of our own bytes means that the answer was cut short, not that another writer has the version.
    if (!commit.bytes.starts_with(bytes)) return std::move(actions).error();
    return Error(ErrorCode::kUnavailable, fmt::format("the answer to reading {} was cut short", path));
  }
  WinningCommit winner{commit.version, std::move(actions).value()};
  const std::string* txn_id = TxnIdOf(winner);
  if (txn_id != nullptr && *txn_id == commit.txn_id) return PutWon{};
  return PutLost{std::move(winner)};
}

Result<PutOutcome> CommitWriter::Put(const Context& context, const CommitBytes& commit) {
  const std::string path = CommitPath(table_path_, commit.version);
  Backoff backoff(pauses_.first, pauses_.max, random_);
  bool in_doubt = false;  // the object may be ours, or may become ours
  int damaged_reads = 0;
  for (int tries = 1;; tries++) {
    auto put = store_.Put(context, path, commit.bytes, store::PutMode::kCreate);
    if (put.ok()) return PutWon{tries, std::move(put).value()};
    Error last = put.error();
    const PutError meaning = MeaningOf(last.code());
    // A refusal is definite only if no earlier put may have been applied.
    if (meaning == PutError::kRefused && !in_doubt) return last;

    // After a doubtful put, the same put is sent first, because only a put can settle that nothing is there. If its
    // answer is lost as well, a read may still find the object.
    const bool look = meaning == PutError::kTaken || in_doubt;
    // "Exists" may come from a retry inside the store's client, after the answer to its first try was lost.
    in_doubt = in_doubt || meaning == PutError::kDoubtful || meaning == PutError::kTaken;
    if (look) {
      auto found = Look(context, commit);
      if (found.ok()) {
        if (PutWon* won = std::get_if<PutWon>(&*found)) won->tries = tries;
        return found;
      }
      if (found.error().code() == ErrorCode::kCorrupt && ++damaged_reads >= kDamagedReadsMax) return found;
      if (meaning == PutError::kTaken) last = std::move(found).error();
    }
    Log(LogLevel::kDebug, "commit {}: try {} was not answered: {}", path, tries, last.ToString());
    if (!backoff.Wait(context).ok()) {
      if (in_doubt) return PutUndecided{std::move(last)};
      return last;
    }
  }
}

}  // namespace yummy::delta
