#include "yummy/delta/checkpoint/checkpoint_batches.h"

#include <algorithm>
#include <span>
#include <utility>

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/delta/checkpoint/statistics_struct.h"
#include "yummy/delta/protocol/action_fields.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

constexpr size_t kBatchRowsMax = 50'000;  // keeps the texts of a batch below Arrow's 2 GiB

Error FromArrow(const arrow::Status& status) {
  const ErrorCode code = status.IsOutOfMemory() ? ErrorCode::kResourceExhausted : ErrorCode::kInternal;
  return Error(code, fmt::format("the checkpoint cannot be encoded: {}", status.message()));
}

template <typename T>
std::shared_ptr<arrow::DataType> ArrowType();

template <HasFields T>
arrow::FieldVector ArrowFields() {
  arrow::FieldVector fields;
  ForEachField<T>([&]<typename Member>(const ActionField<T, Member>& field) {
    if (field.presence == Presence::kOptionalInCommits) return;
    fields.push_back(arrow::field(std::string(field.name), ArrowType<Member>()));
  });
  return fields;
}

template <typename T>
constexpr bool kIsOptional = false;
template <typename T>
constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
std::shared_ptr<arrow::DataType> ArrowType() {
  if constexpr (kIsOptional<T>) {
    return ArrowType<typename T::value_type>();
  } else if constexpr (HasFields<T>) {
    return arrow::struct_(ArrowFields<T>());
  } else if constexpr (std::is_same_v<T, bool>) {
    return arrow::boolean();
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return arrow::int32();
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return arrow::int64();
  } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    return arrow::list(arrow::field("element", arrow::utf8()));
  } else if constexpr (std::is_same_v<T, StringMap> || std::is_same_v<T, PartitionValues>) {
    return arrow::map(arrow::utf8(), arrow::utf8());
  } else {
    static_assert(std::is_same_v<T, std::string> || std::is_same_v<T, char>);
    return arrow::utf8();
  }
}

/// Appends a value to a builder that was made for ArrowType of the value's type.
arrow::Status Append(arrow::ArrayBuilder& builder, bool flag) {
  return static_cast<arrow::BooleanBuilder&>(builder).Append(flag);
}

arrow::Status Append(arrow::ArrayBuilder& builder, int32_t number) {
  return static_cast<arrow::Int32Builder&>(builder).Append(number);
}

arrow::Status Append(arrow::ArrayBuilder& builder, int64_t number) {
  return static_cast<arrow::Int64Builder&>(builder).Append(number);
}

arrow::Status Append(arrow::ArrayBuilder& builder, const std::string& text) {
  return static_cast<arrow::StringBuilder&>(builder).Append(text);
}

arrow::Status Append(arrow::ArrayBuilder& builder, char character) {
  return static_cast<arrow::StringBuilder&>(builder).Append(std::string_view(&character, 1));
}

arrow::Status Append(arrow::ArrayBuilder& builder, const std::vector<std::string>& texts) {
  auto& list = static_cast<arrow::ListBuilder&>(builder);
  ARROW_RETURN_NOT_OK(list.Append());
  for (const std::string& text : texts) ARROW_RETURN_NOT_OK(Append(*list.value_builder(), text));
  return arrow::Status::OK();
}

template <HasFields T>
arrow::Status Append(arrow::ArrayBuilder& builder, const T& object);

template <typename T>
arrow::Status Append(arrow::ArrayBuilder& builder, const std::optional<T>& value);

template <typename Entries>
arrow::Status AppendEntries(arrow::ArrayBuilder& builder, const Entries& entries) {
  auto& map = static_cast<arrow::MapBuilder&>(builder);
  ARROW_RETURN_NOT_OK(map.Append());
  for (const auto& [key, value] : entries) {
    ARROW_RETURN_NOT_OK(Append(*map.key_builder(), key));
    ARROW_RETURN_NOT_OK(Append(*map.item_builder(), value));
  }
  return arrow::Status::OK();
}

arrow::Status Append(arrow::ArrayBuilder& builder, const StringMap& map) { return AppendEntries(builder, map); }
arrow::Status Append(arrow::ArrayBuilder& builder, const PartitionValues& map) { return AppendEntries(builder, map); }

template <typename T>
arrow::Status Append(arrow::ArrayBuilder& builder, const std::optional<T>& value) {
  return value ? Append(builder, *value) : builder.AppendNull();
}

template <HasFields T>
arrow::Status Append(arrow::ArrayBuilder& builder, const T& object) {
  auto& columns = static_cast<arrow::StructBuilder&>(builder);
  arrow::Status status = columns.Append();
  int position = 0;
  ForEachField<T>([&](const auto& field) {
    if (!status.ok() || field.presence == Presence::kOptionalInCommits) return;
    status = Append(*columns.field_builder(position++), object.*field.member);
  });
  return status;
}

template <typename T>
std::shared_ptr<arrow::Field> ColumnField() {
  return arrow::field(std::string(kActionName<T>), ArrowType<T>());
}

/// Builds the column of an action. Calls `get` with each of `rows` for the action in that row, which may be absent.
template <HasFields T, typename Rows, typename Get>
Result<std::shared_ptr<arrow::Array>> BuildColumn(const Rows& rows, Get&& get) {
  auto builder = arrow::MakeBuilder(ArrowType<T>());
  if (!builder.ok()) return FromArrow(builder.status());
  for (const auto& row : rows) {
    const arrow::Status status = Append(**builder, get(row));
    if (!status.ok()) return FromArrow(status);
  }
  auto array = (*builder)->Finish();
  if (!array.ok()) return FromArrow(array.status());
  return std::move(*array);
}

/// Builds the column of one type of action; the rows of the other actions are null in it.
template <typename T>
Result<std::shared_ptr<arrow::Array>> ColumnOf(const std::vector<Action>& actions) {
  return BuildColumn<T>(actions, [](const Action& action) {
    const T* found = std::get_if<T>(&action);
    return found != nullptr ? std::optional<T>(*found) : std::nullopt;
  });
}

}  // namespace

struct CheckpointBatches::State {
  const Snapshot* snapshot = nullptr;
  const std::vector<Remove>* tombstones = nullptr;
  std::shared_ptr<arrow::Schema> schema;
  std::optional<TypedStatistics> typed;  // with writeStatsAsStruct
  bool writes_text = true;
  bool is_v2 = false;

  bool head_done = false;
  size_t tombstones_done = 0;
  std::vector<FileId> files;
  size_t files_done = 0;

  /// A batch in which all columns but those given are null.
  Result<std::shared_ptr<arrow::RecordBatch>> Batch(
      size_t rows, const std::map<std::string_view, std::shared_ptr<arrow::Array>>& columns) const {
    arrow::ArrayVector arrays;
    for (const auto& field : schema->fields()) {
      const auto at = columns.find(field->name());
      if (at != columns.end()) {
        arrays.push_back(at->second);
        continue;
      }
      auto nulls = arrow::MakeArrayOfNull(field->type(), static_cast<int64_t>(rows));
      if (!nulls.ok()) return FromArrow(nulls.status());
      arrays.push_back(std::move(*nulls));
    }
    return arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows), std::move(arrays));
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Head() const;
  Result<std::shared_ptr<arrow::RecordBatch>> Removes(std::span<const Remove> removes) const;
  Result<std::shared_ptr<arrow::RecordBatch>> Adds(std::span<const FileId> ids) const;
};

/// Protocol, metadata, txns, domains, and of a V2 table the checkpoint's own metadata: a row each.
Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Head() const {
  std::vector<Action> actions = {snapshot->protocol(), snapshot->metadata()};
  for (const Txn& txn : snapshot->txns()) {
    const bool is_expired = !snapshot->txn_version(txn.app_id);
    if (!is_expired) actions.emplace_back(txn);
  }
  for (const DomainMetadata& domain : snapshot->domain_metadata()) actions.emplace_back(domain);
  if (is_v2) actions.emplace_back(CheckpointMetadata{.version = snapshot->version(), .tags = {}});
  return Batch(actions.size(), {{kActionName<Protocol>, TRY(ColumnOf<Protocol>(actions))},
                                {kActionName<Metadata>, TRY(ColumnOf<Metadata>(actions))},
                                {kActionName<Txn>, TRY(ColumnOf<Txn>(actions))},
                                {kActionName<DomainMetadata>, TRY(ColumnOf<DomainMetadata>(actions))},
                                {kActionName<CheckpointMetadata>, TRY(ColumnOf<CheckpointMetadata>(actions))}});
}

Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Removes(std::span<const Remove> removes) const {
  auto column = TRY(BuildColumn<Remove>(removes, [](const Remove& remove) -> const Remove& { return remove; }));
  return Batch(removes.size(), {{kActionName<Remove>, std::move(column)}});
}

Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Adds(std::span<const FileId> ids) const {
  std::shared_ptr<arrow::Array> adds = TRY(BuildColumn<Add>(ids, [&](FileId id) {
    Add add = snapshot->add(id);
    add.data_change = false;
    if (!writes_text) add.stats.reset();
    return add;
  }));
  const auto& all = static_cast<const arrow::StructArray&>(*adds);
  arrow::FieldVector fields = all.struct_type()->fields();
  arrow::ArrayVector arrays = all.fields();
  if (!writes_text) {
    const auto text = std::ranges::find(fields, "stats", &arrow::Field::name);
    arrays.erase(arrays.begin() + (text - fields.begin()));
    fields.erase(text);
  }
  if (typed) {
    for (auto& [name, array] : TRY(typed->Encode(*snapshot, ids))) {
      fields.push_back(arrow::field(name, array->type()));
      arrays.push_back(std::move(array));
    }
  }
  auto written = arrow::StructArray::Make(arrays, fields);
  if (!written.ok()) return FromArrow(written.status());
  return Batch(ids.size(), {{kActionName<Add>, std::move(*written)}});
}

CheckpointBatches::CheckpointBatches(std::unique_ptr<State> state) : state_(std::move(state)) {}
CheckpointBatches::~CheckpointBatches() = default;
CheckpointBatches::CheckpointBatches(CheckpointBatches&&) noexcept = default;
CheckpointBatches& CheckpointBatches::operator=(CheckpointBatches&&) noexcept = default;

const std::shared_ptr<arrow::Schema>& CheckpointBatches::schema() const { return state_->schema; }

Result<CheckpointBatches> CheckpointBatches::Make(const Snapshot& snapshot, const std::vector<Remove>& tombstones) {
  auto state = std::make_unique<State>();
  state->snapshot = &snapshot;
  state->tombstones = &tombstones;
  state->files = snapshot.files();
  state->writes_text = snapshot.properties().checkpoint_write_stats_as_json;
  state->is_v2 = HasFeature(snapshot.protocol(), TableFeature::kV2Checkpoint);
  arrow::FieldVector add_fields = ArrowFields<Add>();
  if (!state->writes_text) std::erase_if(add_fields, [](const auto& field) { return field->name() == "stats"; });
  if (snapshot.properties().checkpoint_write_stats_as_struct) {
    state->typed = TRY(TypedStatistics::Make(snapshot));
    for (const auto& field : state->typed->fields()) add_fields.push_back(field);
  }
  arrow::FieldVector columns = {
      ColumnField<Txn>(),      arrow::field(std::string(kActionName<Add>), arrow::struct_(add_fields)),
      ColumnField<Remove>(),   ColumnField<Metadata>(),
      ColumnField<Protocol>(), ColumnField<DomainMetadata>()};
  if (state->is_v2) columns.push_back(ColumnField<CheckpointMetadata>());
  state->schema = arrow::schema(std::move(columns));
  return CheckpointBatches(std::move(state));
}

Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::Next() {
  State& state = *state_;
  if (!std::exchange(state.head_done, true)) return state.Head();
  if (state.tombstones_done < state.tombstones->size()) {
    const size_t count = std::min(kBatchRowsMax, state.tombstones->size() - state.tombstones_done);
    const auto removes = std::span(*state.tombstones).subspan(state.tombstones_done, count);
    state.tombstones_done += count;
    return state.Removes(removes);
  }
  if (state.files_done < state.files.size()) {
    const size_t count = std::min(kBatchRowsMax, state.files.size() - state.files_done);
    const auto ids = std::span(state.files).subspan(state.files_done, count);
    state.files_done += count;
    return state.Adds(ids);
  }
  return std::shared_ptr<arrow::RecordBatch>();
}

}  // namespace yummy::delta
