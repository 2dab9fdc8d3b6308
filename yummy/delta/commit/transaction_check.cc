// Checks a transaction before it is sent to the store.

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "yummy/delta/commit/commit_info.h"
#include "yummy/delta/commit/transaction_state.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

Error InvalidCommit(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(Reason::kInvalidCommit);
}

// A partition column of the table after the commit: its key in partitionValues, and its type.
struct PartitionColumn {
  std::string key;
  const DataType* type = nullptr;
};

Result<std::vector<PartitionColumn>> PartitionColumnsOf(const Metadata& metadata, const Schema& schema) {
  std::vector<PartitionColumn> columns;
  for (const std::string& name : metadata.partition_columns) {
    const auto position = FindColumn(schema, name);
    if (!position) return InvalidCommit(fmt::format("partition column '{}' is not in the schema", name));
    columns.push_back({schema[*position].physical_name(), &schema[*position].type});
  }
  return columns;
}

Result<void> CheckPartitionValues(const Add& add, const std::vector<PartitionColumn>& columns) {
  for (const PartitionColumn& column : columns) {
    const auto matches = [&](const auto& entry) { return entry.first == column.key; };
    const auto count = std::ranges::count_if(add.partition_values, matches);
    if (count != 1) {
      return InvalidCommit(
          fmt::format("file {} has {} values for partition column '{}', expected 1", add.path, count, column.key));
    }
    const auto entry = std::ranges::find_if(add.partition_values, matches);
    if (!ParsePartitionValue(entry->second, *column.type).ok()) {
      return InvalidCommit(fmt::format("file {}: '{}' is no {} for partition column '{}'", add.path,
                                       entry->second.value_or(""), TypeName(*column.type), column.key));
    }
  }
  if (add.partition_values.size() != columns.size()) {
    return InvalidCommit(fmt::format("file {} has {} partition values, the table has {} partition columns", add.path,
                                     add.partition_values.size(), columns.size()));
  }
  return {};
}

Result<void> CheckRemoves(const Transaction::State& state) {
  if (state.removes.empty()) return {};
  if (state.base == nullptr) return InvalidCommit("a table that is being created has no files to remove");
  std::vector<FileId> ids;
  ids.reserve(state.removes.size());
  for (const RemovedFile& file : state.removes) ids.push_back(file.id);
  std::ranges::sort(ids);
  if (const auto twice = std::ranges::adjacent_find(ids); twice != ids.end()) {
    return InvalidCommit(fmt::format("file {} is removed twice", state.base->file(*twice).path));
  }
  return {};
}

// PROTOCOL.md, "Append-only Tables": no existing row may be changed or removed; rearranging them is allowed.
Result<void> CheckAppendOnly(const Transaction::State& state) {
  if (state.base == nullptr) return {};
  const bool changes_rows = std::ranges::any_of(state.removes, &RemovedFile::data_change);
  if (!changes_rows) return {};
  const bool append_only =
      state.base->properties().append_only || TableProperties::From(state.metadata()->configuration).append_only;
  if (!append_only) return {};
  return Error(ErrorCode::kConflict, fmt::format("table {} only takes appends (delta.appendOnly): its rows cannot be "
                                                 "changed or removed",
                                                 state.base->table_path()))
      .WithReason(Reason::kAppendOnly);
}

// PROTOCOL.md, "Add File and Remove File": one commit adds a path once, and does not both add and remove a logical
// file.
Result<void> CheckFiles(const Transaction::State& state) {
  const auto columns = TRY(PartitionColumnsOf(*state.metadata(), state.schema()));
  std::unordered_set<std::string> removed;
  for (const RemovedFile& file : state.removes) {
    const FileView view = state.base->file(file.id);
    removed.insert(MUST(MakeFileKey(view.path, view.deletion_vector)));
  }
  std::unordered_set<std::string> added;
  for (const Add& add : state.adds) {
    auto path = ResolveLogPath(*state.table->object_store(), state.table->path(), add.path);
    if (!path.ok()) return InvalidCommit(fmt::format("file {}: {}", add.path, path.error().message()));
    if (add.size_bytes < 0) return InvalidCommit(fmt::format("file {} has the size {}", add.path, add.size_bytes));
    TRY(CheckPartitionValues(add, columns));
    if (!added.insert(std::move(path).value()).second)
      return InvalidCommit(fmt::format("file {} is added twice", add.path));
    if (removed.contains(TRY(MakeFileKey(add)))) {
      return InvalidCommit(fmt::format("file {} is both added and removed", add.path));
    }
  }
  return {};
}

Result<void> CheckDomains(const Transaction::State& state) {
  if (state.domains.empty() || HasFeature(*state.protocol(), TableFeature::kDomainMetadata)) return {};
  return Error(ErrorCode::kUnsupported,
               fmt::format("metadata domain '{}' cannot be written: the table's protocol lacks "
                           "the feature domainMetadata",
                           state.domains.front().domain))
      .WithReason(Reason::kUnsupportedTableFeature);
}

// The parameters are raw JSON text, so they are parsed here before any reader has to.
Result<void> CheckOperation(const Transaction::State& state) {
  if (state.operation.name.empty()) return InvalidCommit("the commit has no operation");
  const CommitInfo info = MakeCommitInfo(state.operation, state.metrics, {.isolation = "", .txn_id = "check"});
  const auto read = ParseActions(WriteAction(info) + "\n", "commitInfo");
  if (!read.ok()) return InvalidCommit(fmt::format("operation {}: {}", state.operation.name, read.error().message()));
  return {};
}

}  // namespace

Result<void> CheckTransaction(const Transaction::State& state) {
  TRY(CheckOperation(state));
  if (state.schema_error) return *state.schema_error;
  if (state.metadata() == nullptr) return InvalidCommit("version 0 needs metadata");
  if (state.protocol() == nullptr) return InvalidCommit("version 0 needs a protocol");
  const int64_t next = state.base ? state.base->version() + 1 : 0;
  if (state.required_version && *state.required_version != next) {
    return Error(
               ErrorCode::kPreconditionFailed,
               fmt::format("the commit may only become version {}, the next one is {}", *state.required_version, next))
        .WithReason(Reason::kVersionMismatch)
        .With("current_version", std::to_string(next - 1));
  }
  TRY(CheckReadable(*state.protocol(), *state.metadata()));
  TRY(CheckWritable(*state.protocol(), *state.metadata(), state.schema()));
  TRY(CheckTypesListed(*state.protocol(), state.schema()));
  TRY(CheckRemoves(state));
  TRY(CheckAppendOnly(state));
  TRY(CheckFiles(state));
  return CheckDomains(state);
}

}  // namespace yummy::delta
