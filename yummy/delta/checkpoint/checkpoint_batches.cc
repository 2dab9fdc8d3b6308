#include "yummy/delta/checkpoint/checkpoint_batches.h"

#include <algorithm>
#include <span>
#include <utility>

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/delta/checkpoint/statistics_struct.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

constexpr size_t kBatchRowsMax = 50'000;  // keeps the texts of a batch below Arrow's 2 GiB

Error FromArrow(const arrow::Status& status) {
  const ErrorCode code = status.IsOutOfMemory() ? ErrorCode::kResourceExhausted : ErrorCode::kInternal;
  return Error(code, fmt::format("the checkpoint cannot be encoded: {}", status.message()));
}

std::shared_ptr<arrow::DataType> TextMapType() { return arrow::map(arrow::utf8(), arrow::utf8()); }

std::shared_ptr<arrow::DataType> DeletionVectorType() {
  return arrow::struct_({arrow::field("storageType", arrow::utf8()), arrow::field("pathOrInlineDv", arrow::utf8()),
                         arrow::field("offset", arrow::int32()), arrow::field("sizeInBytes", arrow::int32()),
                         arrow::field("cardinality", arrow::int64())});
}

std::shared_ptr<arrow::DataType> RemoveType() {
  return arrow::struct_(
      {arrow::field("path", arrow::utf8()), arrow::field("deletionTimestamp", arrow::int64()),
       arrow::field("dataChange", arrow::boolean()), arrow::field("extendedFileMetadata", arrow::boolean()),
       arrow::field("partitionValues", TextMapType()), arrow::field("size", arrow::int64()),
       arrow::field("deletionVector", DeletionVectorType()), arrow::field("baseRowId", arrow::int64()),
       arrow::field("defaultRowCommitVersion", arrow::int64())});
}

arrow::FieldVector AddFields() {
  return {arrow::field("path", arrow::utf8()),
          arrow::field("partitionValues", TextMapType()),
          arrow::field("size", arrow::int64()),
          arrow::field("modificationTime", arrow::int64()),
          arrow::field("dataChange", arrow::boolean()),
          arrow::field("tags", TextMapType()),
          arrow::field("deletionVector", DeletionVectorType()),
          arrow::field("baseRowId", arrow::int64()),
          arrow::field("defaultRowCommitVersion", arrow::int64()),
          arrow::field("clusteringProvider", arrow::utf8())};
}

std::shared_ptr<arrow::DataType> ProtocolType() {
  return arrow::struct_({arrow::field("minReaderVersion", arrow::int32()),
                         arrow::field("minWriterVersion", arrow::int32()),
                         arrow::field("readerFeatures", arrow::list(arrow::field("element", arrow::utf8()))),
                         arrow::field("writerFeatures", arrow::list(arrow::field("element", arrow::utf8())))});
}

std::shared_ptr<arrow::DataType> MetadataType() {
  auto format = arrow::struct_({arrow::field("provider", arrow::utf8()), arrow::field("options", TextMapType())});
  return arrow::struct_({arrow::field("id", arrow::utf8()), arrow::field("name", arrow::utf8()),
                         arrow::field("description", arrow::utf8()), arrow::field("format", format),
                         arrow::field("schemaString", arrow::utf8()),
                         arrow::field("partitionColumns", arrow::list(arrow::field("element", arrow::utf8()))),
                         arrow::field("configuration", TextMapType()), arrow::field("createdTime", arrow::int64())});
}

std::shared_ptr<arrow::DataType> TxnType() {
  return arrow::struct_({arrow::field("appId", arrow::utf8()), arrow::field("version", arrow::int64()),
                         arrow::field("lastUpdated", arrow::int64())});
}

std::shared_ptr<arrow::DataType> DomainType() {
  return arrow::struct_({arrow::field("domain", arrow::utf8()), arrow::field("configuration", arrow::utf8()),
                         arrow::field("removed", arrow::boolean())});
}

std::shared_ptr<arrow::DataType> CheckpointMetadataType() {
  return arrow::struct_({arrow::field("version", arrow::int64()), arrow::field("tags", TextMapType())});
}

/// Appends to the fields of one struct column in order. The first failure is kept and returned by Finish: all of them
/// mean that memory or a batch's capacity ran out.
class StructWriter {
 public:
  explicit StructWriter(const std::shared_ptr<arrow::DataType>& type) {
    auto made = arrow::MakeBuilder(type);
    Keep(made.status());
    if (made.ok()) builder_ = std::move(*made);
  }

  bool ok() const { return status_.ok(); }
  void Null() {
    if (ok()) Keep(builder_->AppendNull());
  }
  void Begin() {
    field_ = 0;
    if (ok()) Keep(root().Append());
  }
  void Text(std::optional<std::string_view> value) { AppendText(NextField(), value); }
  void Long(std::optional<int64_t> value) { AppendNumber<arrow::Int64Builder>(NextField(), value); }
  void Int(std::optional<int32_t> value) { AppendNumber<arrow::Int32Builder>(NextField(), value); }
  void Bool(std::optional<bool> value) { AppendNumber<arrow::BooleanBuilder>(NextField(), value); }

  void Texts(const std::vector<std::string>* values) {
    auto* list = static_cast<arrow::ListBuilder*>(NextField());
    if (!ok()) return;
    Keep(values != nullptr ? list->Append() : list->AppendNull());
    if (values == nullptr) return;
    for (const std::string& value : *values) AppendText(list->value_builder(), value);
  }

  void Map(const StringMap* values) { AppendMap(NextField(), values); }

  void Partition(const PartitionValues* values) {
    auto* map = static_cast<arrow::MapBuilder*>(NextField());
    if (!ok()) return;
    Keep(values != nullptr ? map->Append() : map->AppendNull());
    if (values == nullptr) return;
    for (const auto& [key, value] : *values) {
      AppendText(map->key_builder(), key);
      AppendText(map->item_builder(), value ? std::optional<std::string_view>(*value) : std::nullopt);
    }
  }

  void Vector(const DeletionVectorDescriptor* vector) {
    auto* nested = static_cast<arrow::StructBuilder*>(NextField());
    if (!ok()) return;
    Keep(vector != nullptr ? nested->Append() : nested->AppendNull());
    if (vector == nullptr) return;
    AppendText(nested->field_builder(0), std::string_view(&vector->storage_type, 1));
    AppendText(nested->field_builder(1), vector->path_or_inline);
    AppendNumber<arrow::Int32Builder>(nested->field_builder(2), vector->offset);
    AppendNumber<arrow::Int32Builder>(nested->field_builder(3), std::optional(vector->size_bytes));
    AppendNumber<arrow::Int64Builder>(nested->field_builder(4), std::optional(vector->cardinality));
  }

  /// The format struct of metaData.
  void Format(const std::string& provider, const StringMap& options) {
    auto* nested = static_cast<arrow::StructBuilder*>(NextField());
    if (!ok()) return;
    Keep(nested->Append());
    AppendText(nested->field_builder(0), provider);
    AppendMap(nested->field_builder(1), &options);
  }

  Result<std::shared_ptr<arrow::Array>> Finish() {
    if (!ok()) return FromArrow(status_);
    auto array = builder_->Finish();
    if (!array.ok()) return FromArrow(array.status());
    return std::move(*array);
  }

 private:
  void Keep(const arrow::Status& status) {
    if (status_.ok()) status_ = status;
  }
  arrow::StructBuilder& root() { return static_cast<arrow::StructBuilder&>(*builder_); }
  arrow::ArrayBuilder* NextField() { return builder_ ? root().field_builder(field_++) : nullptr; }

  void AppendText(arrow::ArrayBuilder* builder, std::optional<std::string_view> value) {
    if (!ok()) return;
    auto* texts = static_cast<arrow::StringBuilder*>(builder);
    Keep(value ? texts->Append(*value) : texts->AppendNull());
  }

  template <typename Builder, typename T>
  void AppendNumber(arrow::ArrayBuilder* builder, std::optional<T> value) {
    if (!ok()) return;
    auto* numbers = static_cast<Builder*>(builder);
    Keep(value ? numbers->Append(*value) : numbers->AppendNull());
  }

  void AppendMap(arrow::ArrayBuilder* builder, const StringMap* values) {
    if (!ok()) return;
    auto* map = static_cast<arrow::MapBuilder*>(builder);
    Keep(values != nullptr ? map->Append() : map->AppendNull());
    if (values == nullptr) return;
    for (const auto& [key, value] : *values) {
      AppendText(map->key_builder(), key);
      AppendText(map->item_builder(), value);
    }
  }

  std::unique_ptr<arrow::ArrayBuilder> builder_;
  arrow::Status status_;
  int field_ = 0;
};

std::optional<std::string_view> View(const std::optional<std::string>& text) {
  return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

const std::vector<std::string>* FeaturesIf(bool listed, const std::optional<std::vector<std::string>>& features) {
  return listed && features ? &*features : nullptr;
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
      size_t rows, const std::map<std::string, std::shared_ptr<arrow::Array>>& columns) const {
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

  Result<std::shared_ptr<arrow::RecordBatch>> Head();
  Result<std::shared_ptr<arrow::RecordBatch>> Removes(std::span<const Remove> removes) const;
  Result<std::shared_ptr<arrow::RecordBatch>> Adds(std::span<const FileId> ids) const;
};

/// Protocol, metadata, txns, domains, and of a V2 table the checkpoint's own metadata: a row each.
Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Head() {
  StructWriter protocol(ProtocolType());
  StructWriter metadata(MetadataType());
  StructWriter txn(TxnType());
  StructWriter domain(DomainType());
  StructWriter checkpoint(CheckpointMetadataType());
  std::vector<StructWriter*> writers = {&protocol, &metadata, &txn, &domain, &checkpoint};
  size_t rows = 0;
  const auto begin = [&](StructWriter& row) {
    for (StructWriter* writer : writers) {
      if (writer == &row)
        writer->Begin();
      else
        writer->Null();
    }
    rows++;
  };
  const Protocol& p = snapshot->protocol();
  begin(protocol);
  protocol.Int(p.min_reader_version);
  protocol.Int(p.min_writer_version);
  protocol.Texts(FeaturesIf(p.min_reader_version >= 3, p.reader_features));
  protocol.Texts(FeaturesIf(p.min_writer_version >= 7, p.writer_features));
  const Metadata& m = snapshot->metadata();
  begin(metadata);
  metadata.Text(m.id);
  metadata.Text(View(m.name));
  metadata.Text(View(m.description));
  metadata.Format(m.format.provider, m.format.options);
  metadata.Text(m.schema_string);
  metadata.Texts(&m.partition_columns);
  metadata.Map(&m.configuration);
  metadata.Long(m.created_time_ms);
  for (const Txn& t : snapshot->txns()) {
    if (!snapshot->txn_version(t.app_id)) continue;  // expired
    begin(txn);
    txn.Text(t.app_id);
    txn.Long(t.version);
    txn.Long(t.last_updated_ms);
  }
  for (const DomainMetadata& d : snapshot->domain_metadata()) {
    begin(domain);
    domain.Text(d.domain);
    domain.Text(d.configuration);
    domain.Bool(false);
  }
  if (is_v2) {
    begin(checkpoint);
    checkpoint.Long(snapshot->version());
    checkpoint.Map(nullptr);
  }
  std::map<std::string, std::shared_ptr<arrow::Array>> columns = {{"protocol", TRY(protocol.Finish())},
                                                                  {"metaData", TRY(metadata.Finish())},
                                                                  {"txn", TRY(txn.Finish())},
                                                                  {"domainMetadata", TRY(domain.Finish())}};
  if (is_v2) columns.emplace("checkpointMetadata", TRY(checkpoint.Finish()));
  return Batch(rows, columns);
}

Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Removes(std::span<const Remove> removes) const {
  StructWriter writer(RemoveType());
  for (const Remove& remove : removes) {
    writer.Begin();
    writer.Text(remove.path);
    writer.Long(remove.deletion_timestamp_ms);
    writer.Bool(false);
    writer.Bool(remove.extended_file_metadata);
    writer.Partition(remove.partition_values ? &*remove.partition_values : nullptr);
    writer.Long(remove.size_bytes);
    writer.Vector(remove.deletion_vector ? &*remove.deletion_vector : nullptr);
    writer.Long(remove.base_row_id);
    writer.Long(remove.default_row_commit_version);
  }
  return Batch(removes.size(), {{"remove", TRY(writer.Finish())}});
}

Result<std::shared_ptr<arrow::RecordBatch>> CheckpointBatches::State::Adds(std::span<const FileId> ids) const {
  arrow::FieldVector fields = AddFields();
  if (writes_text) fields.push_back(arrow::field("stats", arrow::utf8()));
  StructWriter writer(arrow::struct_(fields));
  for (const FileId id : ids) {
    const Add add = snapshot->add(id);
    writer.Begin();
    writer.Text(add.path);
    writer.Partition(&add.partition_values);
    writer.Long(add.size_bytes);
    writer.Long(add.modification_time_ms);
    writer.Bool(false);
    writer.Map(add.tags ? &*add.tags : nullptr);
    writer.Vector(add.deletion_vector ? &*add.deletion_vector : nullptr);
    writer.Long(add.base_row_id);
    writer.Long(add.default_row_commit_version);
    writer.Text(View(add.clustering_provider));
    if (writes_text) writer.Text(View(add.stats));
  }
  std::shared_ptr<arrow::Array> adds = TRY(writer.Finish());
  if (typed) {
    const auto& plain = static_cast<const arrow::StructArray&>(*adds);
    arrow::ArrayVector arrays = plain.fields();
    for (auto& [name, array] : TRY(typed->Encode(*snapshot, ids))) {
      fields.push_back(arrow::field(name, array->type()));
      arrays.push_back(std::move(array));
    }
    auto whole = arrow::StructArray::Make(arrays, fields);
    if (!whole.ok()) return FromArrow(whole.status());
    adds = std::move(*whole);
  }
  return Batch(ids.size(), {{"add", std::move(adds)}});
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
  state->is_v2 = HasFeature(snapshot.protocol(), "v2Checkpoint");
  arrow::FieldVector add_fields = AddFields();
  if (state->writes_text) add_fields.push_back(arrow::field("stats", arrow::utf8()));
  if (snapshot.properties().checkpoint_write_stats_as_struct) {
    state->typed = TRY(TypedStatistics::Make(snapshot));
    for (const auto& field : state->typed->fields()) add_fields.push_back(field);
  }
  arrow::FieldVector columns = {
      arrow::field("txn", TxnType()),           arrow::field("add", arrow::struct_(add_fields)),
      arrow::field("remove", RemoveType()),     arrow::field("metaData", MetadataType()),
      arrow::field("protocol", ProtocolType()), arrow::field("domainMetadata", DomainType())};
  if (state->is_v2) columns.push_back(arrow::field("checkpointMetadata", CheckpointMetadataType()));
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
