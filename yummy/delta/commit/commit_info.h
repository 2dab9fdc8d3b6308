#pragma once
// The commitInfo of a commit (PROTOCOL.md, "Commit Provenance Information"), with the fields that Spark writes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/delta/commit/transaction.h"

namespace yummy::delta {

struct CommitInfoFields {
  std::optional<int64_t> in_commit_timestamp_ms =
      {};  // if set, it is the first field, because readers may look no further
  int64_t timestamp_ms = 0;
  std::optional<int64_t> read_version = {};
  std::string_view isolation;  // "WriteSerializable", "Serializable" or "SnapshotIsolation"
  bool is_blind_append = false;
  std::string_view txn_id;
};

using OperationMetrics = std::vector<std::pair<std::string, std::string>>;

/// The action, including its JSON.
CommitInfo MakeCommitInfo(const Operation& operation, const OperationMetrics& metrics, const CommitInfoFields& fields);

}  // namespace yummy::delta
