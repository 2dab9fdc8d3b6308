#pragma once
// May a transaction stand after a commit that won? Pure: no I/O (PROTOCOL.md, "Reader Requirements…"; docs/protocol.md,
// X1–X13).

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

/// The key of a logical file: normalized path + '\0' + deletion vector id (PROTOCOL.md, "Action Reconciliation").
std::string FileKey(std::string_view log_path, const std::optional<DeletionVectorDescriptor>& deletion_vector);

/// What a transaction read and wants to do.
struct TransactionSummary {
  const Snapshot* base = nullptr;  // absent when it creates the table
  IsolationLevel isolation = IsolationLevel::kWriteSerializable;
  bool read_whole_table = false;
  std::vector<Predicate> read_predicates;
  std::vector<std::string> removed_keys;  // FileKey of the live files that it removes or adds anew; sorted
  std::set<std::string> read_app_ids;
  std::set<std::string> domains;
  bool changes_data = true;
  bool changes_metadata = false;
  bool changes_protocol = false;
  bool only_adds = true;
};

/// True for a transaction that only rearranges rows (OPTIMIZE): it runs under snapshot isolation, as in Spark.
bool OnlyRearranges(const TransactionSummary& transaction);

/// True for a transaction that only adds files and read nothing: what commitInfo.isBlindAppend says.
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

/// The first reason why the transaction cannot follow `winner`, in Spark's order: protocol, metadata, appended files
/// that it should have read, removed files that it read, files that both remove, application ids, metadata domains.
///   appended    WriteSerializable: those of winners that are no blind appends, and, when the transaction changes the
///               metadata, of these, too. Serializable: all. None when the transaction only rearranges rows.
///   rearranged  what a winner adds or removes with dataChange=false (OPTIMIZE) was read already; removing one file
///               twice is a conflict all the same.
/// A predicate is decided by the partition values of the winner's files; of removed ones also by the base's statistics.
/// To be asked for each commit after the base, in order.
ConflictKind Resolve(const TransactionSummary& transaction, const WinningCommit& winner);

/// The error for a caller: Conflict with a reason (CONCURRENT_MODIFICATION, PROTOCOL_CHANGED, METADATA_CHANGED …) that
/// names the winning version and its operation.
Error ConflictError(ConflictKind kind, const WinningCommit& winner);

}  // namespace yummy::delta
