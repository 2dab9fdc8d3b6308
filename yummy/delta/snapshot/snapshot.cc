#include "yummy/delta/snapshot/snapshot.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/log/log.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

const LiveSegment& SegmentOf(const Snapshot::State& state, FileId id) {
  const LiveSegment* live = state.files.FindSegment(id);
  assert(live != nullptr);  // the id is of another snapshot
  assert(live->is_live(FileSet::Row(id)));
  return *live;
}

FileView ViewOf(const FileSegment& segment, const FileCounts& counts, size_t row) {
  return {.path = segment.path(row),
          .size_bytes = segment.size_bytes(row),
          .modification_time_ms = segment.modification_time_ms(row),
          .num_records = counts.num_records[row],
          .deletion_vector = segment.deletion_vector(row)};
}

}  // namespace

Snapshot::Snapshot(std::unique_ptr<State> state) : state_(std::move(state)) {}
Snapshot::~Snapshot() = default;

int64_t Snapshot::version() const { return state_->version; }
const Protocol& Snapshot::protocol() const { return state_->shape->protocol; }
const Metadata& Snapshot::metadata() const { return state_->shape->metadata; }
const Schema& Snapshot::schema() const { return state_->shape->schema; }
const TableProperties& Snapshot::properties() const { return state_->shape->properties; }
ColumnMappingMode Snapshot::column_mapping() const { return state_->shape->column_mapping; }
const std::string& Snapshot::table_path() const { return state_->table_path; }
const std::shared_ptr<store::ObjectStore>& Snapshot::object_store() const { return state_->store; }
const std::vector<size_t>& Snapshot::partition_columns() const { return state_->shape->partition_columns; }
const std::vector<Txn>& Snapshot::txns() const { return *state_->txns; }
const std::vector<DomainMetadata>& Snapshot::domain_metadata() const { return *state_->domains; }
size_t Snapshot::file_count() const { return state_->files.count(); }
int64_t Snapshot::size_bytes() const { return state_->files.size_bytes(); }

bool Snapshot::State::uses_in_commit_timestamp() const {
  return HasInCommitTimestamps(shape->protocol, shape->properties) &&
         version >= shape->properties.in_commit_timestamp_enablement_version.value_or(0);
}

std::optional<CommitInfo> Snapshot::State::OwnCommitInfo(const Context& context) const {
  {
    const std::lock_guard lock(mutex);
    if (commit_info_known) return commit_info;
  }
  std::optional<CommitInfo> found;
  const std::string path = CommitPath(table_path, version);
  // The anchor is this commit or a checkpoint. The size of a checkpoint says nothing about the commit.
  const auto bytes = ReadCommitFile(context, *store, anchor.path == path ? anchor : store::ObjectMeta{.path = path});
  // Clean-up may have removed the commit of a version that a checkpoint holds.
  if (!bytes.ok() && bytes.error().code() != ErrorCode::kNotFound) return std::nullopt;
  if (bytes.ok()) {
    auto actions = ParseActions(*bytes, path);
    if (!actions.ok()) return std::nullopt;
    for (Action& action : *actions) {
      if (auto* info = std::get_if<CommitInfo>(&action); info && !found) found = std::move(*info);
    }
  }
  const std::lock_guard lock(mutex);
  commit_info_known = true;
  commit_info = std::move(found);
  return commit_info;
}

int64_t Snapshot::timestamp_ms() const {
  if (state_->uses_in_commit_timestamp()) {
    const auto info = state_->OwnCommitInfo(Context());
    if (info && info->in_commit_timestamp_ms) return *info->in_commit_timestamp_ms;
  }
  if (state_->anchor.modified_micros != 0) return state_->anchor.modified_micros / 1000;
  const auto info = state_->OwnCommitInfo(Context());
  return info ? info->timestamp_ms.value_or(0) : 0;
}

std::optional<int64_t> Snapshot::row_count() const {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->row_count) return *state_->row_count;
  }
  std::optional<int64_t> total = 0;
  for (const LiveSegment& live : state_->files.segments()) {
    const auto counts = live.segment().Counts();
    live.ForEachLive([&](size_t row) {
      const int64_t records = ViewOf(live.segment(), *counts, row).live_records();
      int64_t sum = 0;
      // Negative means unknown, or a deletion vector with more rows than the file.
      if (records < 0 || (total && __builtin_add_overflow(*total, records, &sum))) total.reset();
      if (total) total = sum;
    });
  }
  const std::lock_guard lock(state_->mutex);
  state_->row_count = total;
  return total;
}

std::vector<FileId> Snapshot::files() const {
  std::vector<FileId> ids;
  ids.reserve(file_count());
  for (const LiveSegment& live : state_->files.segments()) {
    live.ForEachLive([&](size_t row) { ids.push_back(FileSet::MakeId(live.segment().number(), row)); });
  }
  return ids;
}

FileView Snapshot::file(FileId id) const {
  const FileSegment& segment = SegmentOf(*state_, id).segment();
  return ViewOf(segment, *segment.Counts(), FileSet::Row(id));
}

Add Snapshot::add(FileId id) const {
  const FileSegment& segment = SegmentOf(*state_, id).segment();
  Add add = segment.ToAdd(FileSet::Row(id));
  PartitionValues values;
  for (const std::string& key : state_->shape->partition_keys) {
    // Partition values that cannot be understood are passed on unchanged.
    if (segment.PartitionCode(key, FileSet::Row(id)) == PartitionColumn::kMissing) return add;
    const auto value = std::ranges::find(add.partition_values, key, &PartitionValues::value_type::first);
    values.emplace_back(key, value == add.partition_values.end() ? std::nullopt : std::move(value->second));
  }
  add.partition_values = std::move(values);
  return add;
}

Result<Scalar> Snapshot::partition_value(FileId id, size_t column) const {
  const FileSegment& segment = SegmentOf(*state_, id).segment();
  const std::string& key = state_->shape->partition_keys[column];
  const DataType& type = state_->shape->schema[state_->shape->partition_columns[column]].type;
  const uint32_t code = segment.PartitionCode(key, FileSet::Row(id));
  if (code == PartitionColumn::kMissing) {
    return Error(ErrorCode::kCorrupt, fmt::format("the add of {} has a partition value for {} in other letters alone",
                                                  segment.path(FileSet::Row(id)), key))
        .WithReason(Reason::kCorruptTable);
  }
  const auto typed = segment.Partition(key, type);
  if ((*typed)[code]) return *(*typed)[code];
  return ParsePartitionValue(segment.FindPartition(key)->texts[code - PartitionColumn::kFirstText], type);
}

std::optional<FileId> Snapshot::FindFile(std::string_view file_key) const { return state_->files.Find(file_key); }

std::optional<int64_t> Snapshot::txn_version(std::string_view app_id) const {
  const std::vector<Txn>& all = *state_->txns;
  const auto at = std::lower_bound(all.begin(), all.end(), app_id,
                                   [](const Txn& txn, std::string_view id) { return txn.app_id < id; });
  if (at == all.end() || at->app_id != app_id) return std::nullopt;
  const auto retention = properties().transaction_retention;
  // Without lastUpdated the age is unknown, so the txn stays.
  if (retention && at->last_updated_ms && *at->last_updated_ms < state_->clock->now_millis() - retention->count())
    return std::nullopt;
  return at->version;
}

}  // namespace yummy::delta
