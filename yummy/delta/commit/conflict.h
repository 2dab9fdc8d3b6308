#pragma once
// Decides whether a transaction may follow a commit that won the race for its version. Pure: no I/O. The rules are
// those of docs/protocol.md, "Transactions".

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/files/predicate.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::delta {

/// What a transaction has read and wants to change.
struct TransactionSummary {
  const Snapshot* base = nullptr;  // absent when it creates the table
  IsolationLevel isolation = IsolationLevel::kWriteSerializable;
  bool read_whole_table = false;
  std::vector<Predicate> read_predicates;
  std::vector<std::string> removed_keys;  // MakeFileKey of the live files that it removes or adds anew; sorted
  std::set<std::string> read_app_ids;
  std::set<std::string> domains;
  bool changes_data = true;
  bool changes_metadata = false;
  bool changes_protocol = false;
  bool only_adds = true;
};

/// True for a transaction that only rearranges rows (OPTIMIZE): it runs under snapshot isolation, as in Spark.
bool OnlyRearranges(const TransactionSummary& transaction);

/// True for a transaction that only adds files and has read nothing. It is the value of commitInfo.isBlindAppend.
bool IsBlindAppend(const TransactionSummary& transaction);

/// One commit that won.
struct WinningCommit {
  int64_t version = 0;
  std::vector<Action> actions;
};

enum class ConflictKind {
  kNone,
  kProtocolChanged,
  kMetadataChanged,
  kConcurrentAppend,
  kConcurrentDeleteRead,
  kConcurrentDeleteDelete,
  kConcurrentTransaction,
  kConcurrentDomain,
};

/// The first reason why the transaction cannot follow `winner`. The order is Spark's: protocol, metadata, appended
/// files that it should have read, removed files that it has read, files that both remove, application ids, metadata
/// domains.
///   appended    WriteSerializable: files of winners that are not blind appends; if the transaction changes the
///               metadata, files of blind appends as well. Serializable: all files. None if it only rearranges rows.
///   rearranged  Files that a winner adds or removes with dataChange=false (OPTIMIZE) hold no rows that the
///               transaction has not read. But if both remove the same file, that is a conflict.
/// Predicates are decided by the partition values of the winner's files; for removed files also by the statistics of
/// the base. Call this for each commit after the base, in order.
ConflictKind Resolve(const TransactionSummary& transaction, const WinningCommit& winner);

/// The error for the caller: Conflict with a reason (CONCURRENT_MODIFICATION, PROTOCOL_CHANGED, METADATA_CHANGED …).
/// Its message names the winning version and its operation.
Error ConflictError(ConflictKind kind, const WinningCommit& winner);

}  // namespace yummy::delta
