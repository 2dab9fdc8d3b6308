#pragma once
// Puts one version's commit file so that the outcome is known: also when the store loses its answer.

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

/// A version's commit file, as it is sent each time.
struct CommitBytes {
  int64_t version = 0;
  std::string txn_id;  // in commitInfo: tells this commit from any other
  std::string bytes;
};

/// The version is ours.
struct PutWon {
  int tries = 1;
  std::optional<store::ObjectMeta> meta;  // absent when only reading the commit back showed it
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
  /// The pauses before a put of unknown outcome is sent again.
  struct Pauses {
    std::chrono::milliseconds first{50};
    std::chrono::milliseconds max{5'000};
  };

  CommitWriter(store::ObjectStore& store, std::string table_path, Pauses pauses, Random& random)
      : store_(store), table_path_(std::move(table_path)), pauses_(pauses), random_(random) {}

  /// Puts the bytes if the version is free, and sends the very same put again until its outcome is known. What is found
  /// at the version decides by its txnId; that nothing is found proves nothing, as an earlier put may still be on its
  /// way. `context` should not be a request's that may be cancelled: then the outcome stays undecided for no need.
  /// Blocks. Errors: definite failures only, nothing of ours is or will be at the version: those of the store, and
  /// Corrupt (another writer's commit there cannot be read).
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
