#include "yummy/delta/commit/conflict.h"

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/file_key.h"

namespace yummy::delta {

namespace {

template <typename T>
const T* FindAction(const WinningCommit& winner) {
  for (const Action& action : winner.actions) {
    if (const T* found = std::get_if<T>(&action)) return found;
  }
  return nullptr;
}

bool DropsFeature(const Protocol& from, const Protocol& to) {
  return std::ranges::any_of(AllFeatures(), [&](const Feature& feature) {
    return HasFeature(from, feature.id) && !HasFeature(to, feature.id);
  });
}

// Spark refuses as well when the winner drops a feature: what was written for it may not be legal without it.
bool ProtocolConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  const Protocol* protocol = FindAction<Protocol>(winner);
  if (protocol == nullptr) return false;
  if (transaction.changes_protocol || transaction.changes_metadata || transaction.base == nullptr) return true;
  const Snapshot& base = *transaction.base;
  if (DropsFeature(base.protocol(), *protocol)) return true;
  return !CheckReadable(*protocol, base.metadata()).ok() ||
         !CheckWritable(*protocol, base.metadata(), base.schema()).ok();
}

// Writing the same metadata again changes nothing that was relied on.
bool MetadataConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  const Metadata* metadata = FindAction<Metadata>(winner);
  if (metadata == nullptr) return false;
  return transaction.changes_metadata || transaction.base == nullptr || !(*metadata == transaction.base->metadata());
}

// What a partition value says of its column.
ColumnFacts FactsOfValue(Scalar value) {
  ColumnFacts facts;
  if (value.is_null()) {
    facts.all_null = true;
    facts.may_hold_nan = false;
    return facts;
  }
  facts.no_null = true;
  const double* number = std::get_if<double>(&value.storage());
  facts.may_hold_nan = number != nullptr && std::isnan(*number);
  if (!facts.may_hold_nan) {
    facts.min = value;
    facts.max = std::move(value);
  }
  return facts;
}

// Absent for what is no partition column, has no value or an unreadable one: nothing is known of it then.
std::optional<ColumnFacts> FactsOfPartition(const Snapshot& base, const PartitionValues& values,
                                            const ColumnPath& path) {
  if (path.size() != 1) return std::nullopt;
  const auto position = FindColumn(base.schema(), path.front());
  if (!position || std::ranges::find(base.partition_columns(), *position) == base.partition_columns().end()) {
    return std::nullopt;
  }
  const Field& field = base.schema()[*position];
  const std::string name = field.physical_name();
  const auto entry = std::ranges::find(values, name, &PartitionValues::value_type::first);
  if (entry == values.end()) return std::nullopt;
  auto value = ParsePartitionValue(entry->second, field.type);
  if (!value.ok()) return std::nullopt;
  return FactsOfValue(std::move(value).value());
}

bool MayHaveRead(const TransactionSummary& transaction, const PartitionValues& values) {
  const FactsOf facts = [&](const ColumnPath& path) { return FactsOfPartition(*transaction.base, values, path); };
  return std::ranges::any_of(transaction.read_predicates,
                             [&](const Predicate& predicate) { return predicate.MayMatch(facts); });
}

// A file that is not in the base was added since: its partition values decide, as if it had been read.
bool MayHaveRead(const TransactionSummary& transaction, const Remove& remove) {
  if (transaction.read_whole_table) return true;
  if (transaction.read_predicates.empty()) return false;
  const auto key = MakeFileKey(remove);
  const auto file = key.ok() ? transaction.base->FindFile(*key) : std::nullopt;
  if (!file) return MayHaveRead(transaction, remove.partition_values.value_or(PartitionValues{}));
  const std::vector<FileId> candidates = {*file};
  return std::ranges::any_of(transaction.read_predicates, [&](const Predicate& predicate) {
    return !transaction.base->Prune(predicate, &candidates).empty();
  });
}

bool AppendConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  if (!transaction.read_whole_table && transaction.read_predicates.empty()) return false;
  if (OnlyRearranges(transaction)) return false;
  // Some writers put two commitInfo into a commit: then both must say so.
  const bool winner_is_blind =
      FindAction<CommitInfo>(winner) != nullptr && std::ranges::none_of(winner.actions, [](const Action& action) {
        const CommitInfo* info = std::get_if<CommitInfo>(&action);
        return info != nullptr && !info->is_blind_append.value_or(false);
      });
  const bool blind_appends_pass =
      transaction.isolation == IsolationLevel::kWriteSerializable && !transaction.changes_metadata;
  if (winner_is_blind && blind_appends_pass) return false;
  return std::ranges::any_of(winner.actions, [&](const Action& action) {
    const Add* add = std::get_if<Add>(&action);
    if (add == nullptr || !add->data_change) return false;
    return transaction.read_whole_table || MayHaveRead(transaction, add->partition_values);
  });
}

bool DeleteReadConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  if (!transaction.read_whole_table && transaction.read_predicates.empty()) return false;
  return std::ranges::any_of(winner.actions, [&](const Action& action) {
    const Remove* remove = std::get_if<Remove>(&action);
    return remove != nullptr && remove->data_change && MayHaveRead(transaction, *remove);
  });
}

// By path alone, as Spark has it: one path is live with one deletion vector at most.
bool DeleteDeleteConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  if (transaction.removed_keys.empty()) return false;
  return std::ranges::any_of(winner.actions, [&](const Action& action) {
    const Remove* remove = std::get_if<Remove>(&action);
    if (remove == nullptr) return false;
    const auto path = MakeFileKey(remove->path, nullptr);
    if (!path.ok()) return false;  // no live file has a path that cannot be decoded
    const auto first = std::ranges::lower_bound(transaction.removed_keys, *path);
    return first != transaction.removed_keys.end() && PathOfFileKey(*first) == *path;
  });
}

bool TransactionConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  return std::ranges::any_of(winner.actions, [&](const Action& action) {
    const Txn* txn = std::get_if<Txn>(&action);
    return txn != nullptr && transaction.read_app_ids.contains(txn->app_id);
  });
}

bool DomainConflicts(const TransactionSummary& transaction, const WinningCommit& winner) {
  return std::ranges::any_of(winner.actions, [&](const Action& action) {
    const DomainMetadata* domain = std::get_if<DomainMetadata>(&action);
    return domain != nullptr && transaction.domains.contains(domain->domain);
  });
}

struct KindText {
  Reason reason;
  std::string_view text;
};

KindText TextOf(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::kNone: return {Reason::kConcurrentModification, "other commits were faster each time"};
    case ConflictKind::kProtocolChanged: return {Reason::kProtocolChanged, "it changed the table's protocol"};
    case ConflictKind::kMetadataChanged: return {Reason::kMetadataChanged, "it changed the table's metadata"};
    case ConflictKind::kConcurrentAppend:
      return {Reason::kConcurrentModification, "it added files that should have been read"};
    case ConflictKind::kConcurrentDeleteRead:
      return {Reason::kConcurrentModification, "it removed files that were read"};
    case ConflictKind::kConcurrentDeleteDelete:
      return {Reason::kConcurrentModification, "it removed files that were to be removed or written again"};
    case ConflictKind::kConcurrentTransaction:
      return {Reason::kConcurrentTransaction, "it recorded a transaction of the same application"};
    case ConflictKind::kConcurrentDomain:
      return {Reason::kConcurrentModification, "it changed the same metadata domain"};
  }
  return {Reason::kConcurrentModification, "unknown kind of conflict"};
}

}  // namespace

bool OnlyRearranges(const TransactionSummary& transaction) {
  return !transaction.changes_data && !transaction.changes_metadata && !transaction.changes_protocol &&
         transaction.read_app_ids.empty() && transaction.domains.empty();
}

bool IsBlindAppend(const TransactionSummary& transaction) {
  return transaction.only_adds && transaction.removed_keys.empty() && !transaction.read_whole_table &&
         transaction.read_predicates.empty();
}

ConflictKind Resolve(const TransactionSummary& transaction, const WinningCommit& winner) {
  if (ProtocolConflicts(transaction, winner)) return ConflictKind::kProtocolChanged;
  // Without a base nothing can be compared: whoever won, the table is theirs.
  if (transaction.base == nullptr || MetadataConflicts(transaction, winner)) return ConflictKind::kMetadataChanged;
  if (AppendConflicts(transaction, winner)) return ConflictKind::kConcurrentAppend;
  if (DeleteReadConflicts(transaction, winner)) return ConflictKind::kConcurrentDeleteRead;
  if (DeleteDeleteConflicts(transaction, winner)) return ConflictKind::kConcurrentDeleteDelete;
  if (TransactionConflicts(transaction, winner)) return ConflictKind::kConcurrentTransaction;
  if (DomainConflicts(transaction, winner)) return ConflictKind::kConcurrentDomain;
  return ConflictKind::kNone;
}

Error ConflictError(ConflictKind kind, const WinningCommit& winner) {
  const CommitInfo* info = FindAction<CommitInfo>(winner);
  const std::string operation = info == nullptr ? std::string() : info->operation.value_or(std::string());
  const KindText text = TextOf(kind);
  const std::string message = fmt::format("nothing was committed: version {} ({}) came first, and {}", winner.version,
                                          operation.empty() ? "an unnamed operation" : operation, text.text);
  return Error(ErrorCode::kConflict, message)
      .WithReason(text.reason)
      .With("current_version", std::to_string(winner.version))
      .With("winner", operation);
}

}  // namespace yummy::delta
