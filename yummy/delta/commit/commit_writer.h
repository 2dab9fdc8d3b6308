#pragma once
// Puts the commit file of one version and finds out whether it was applied, even if the store's answer is lost.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "yummy/base/backoff.h"
#include "yummy/base/context.h"
#include "yummy/base/random.h"
#include "yummy/base/result.h"
#include "yummy/delta/commit/conflict.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

/// The commit file of a version. Each put sends the same bytes.
struct CommitBytes {
  int64_t version = 0;
  std::string txn_id;  // part of commitInfo; no other commit has it
  std::string bytes;
};

/// The version is ours.
struct PutWon {
  int tries = 1;
  std::optional<store::ObjectMeta> meta;  // absent if we know it only from reading the commit back
};
/// Another writer has the version.
struct PutLost {
  WinningCommit winner;
};
/// The store did not say until the deadline.
struct PutUndecided {
  Error last;
};
using PutOutcome = std::variant<PutWon, PutLost, PutUndecided>;

/// Safe from several threads.
class CommitWriter {
 public:
  /// The pauses before a put with an unknown outcome is sent again.
  struct Pauses {
    std::chrono::milliseconds first{50};
    std::chrono::milliseconds max{5'000};
  };

  CommitWriter(store::ObjectStore& store, std::string table_path, Pauses pauses, Random& random)
      : store_(store), table_path_(std::move(table_path)), pauses_(pauses), random_(random) {}

  /// Puts the bytes if the version is free. Sends the same put again until its outcome is known. If the version exists,
  /// its txnId decides whose it is. If it does not exist, that proves nothing, because an earlier put may still be in
  /// flight. `context` should not be that of a request that may be cancelled, because that would leave the outcome
  /// undecided without need.
  /// Blocks. All errors are definite: our commit is not and will not be at the version. Errors: those of the store, and
  /// Corrupt (the commit of another writer at the version cannot be read).
  Result<PutOutcome> Put(const Context& context, const CommitBytes& commit);

  /// Reads a commit of the log. Errors: those of the store and of ParseCommit.
  Result<WinningCommit> Read(const Context& context, int64_t version);

 private:
  Result<PutOutcome> Look(const Context& context, const CommitBytes& commit);

  store::ObjectStore& store_;
  const std::string table_path_;
  const Pauses pauses_;
  Random& random_;
};

}  // namespace yummy::delta
