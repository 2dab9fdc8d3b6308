#include "yummy/delta/log/checkpoint_reader.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>

#include "yummy/base/executor.h"
#include "yummy/base/url.h"
#include "yummy/delta/log/checkpoint_columns.h"
#include "yummy/delta/log/checkpoint_input.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

enum class Wanted { kState, kTombstones };

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

/// What Arrow's error comes from: the store, when its reading failed.
Error FromArrow(const arrow::Status& status, const CheckpointInput& input, std::string_view name) {
  if (input.error()) return *input.error();
  if (status.IsOutOfMemory())
    return Error(ErrorCode::kResourceExhausted, fmt::format("no memory to read checkpoint {}", name));
  return Corrupt(fmt::format("checkpoint {} cannot be read: {}", name, status.message()));
}

/// One Parquet file, decoded: the batches of the columns asked for.
struct ParquetRows {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
};

bool IsWanted(const std::vector<std::string>& path, Wanted wanted, bool typed_statistics) {
  if (wanted == Wanted::kTombstones)
    return path[0] == "remove" || path[0] == "sidecar" || path[0] == "checkpointMetadata";
  if (path[0] != "add") {
    return path[0] == "protocol" || path[0] == "metaData" || path[0] == "txn" || path[0] == "domainMetadata" ||
           path[0] == "sidecar" || path[0] == "checkpointMetadata";
  }
  if (path.size() < 2 || path[1] == "partitionValues_parsed") return false;
  return path[1] != "stats_parsed" || typed_statistics;
}

/// Where the leaves lie in the file. Errors: Corrupt.
Result<std::vector<store::ByteRange>> RangesOf(const parquet::FileMetaData& metadata, const std::vector<int>& leaves,
                                               uint64_t size_bytes) {
  // What Arrow reads more of a chunk, because old writers left the header of the dictionary out of the length.
  constexpr uint64_t kPaddingBytes = 100;
  std::vector<store::ByteRange> ranges;
  for (int group = 0; group < metadata.num_row_groups(); group++) {
    const auto columns = metadata.RowGroup(group);
    for (const int leaf : leaves) {
      const auto chunk = columns->ColumnChunk(leaf);
      int64_t begin = chunk->data_page_offset();
      if (chunk->has_dictionary_page() && chunk->dictionary_page_offset() > 0)
        begin = std::min(begin, chunk->dictionary_page_offset());
      const int64_t length = chunk->total_compressed_size();
      if (begin < 0 || length < 0 || static_cast<uint64_t>(begin) > size_bytes)
        return Corrupt(fmt::format("a column of the checkpoint lies outside of it: {} bytes from {}", length, begin));
      const auto offset = static_cast<uint64_t>(begin);
      ranges.push_back({offset, std::min(static_cast<uint64_t>(length) + kPaddingBytes, size_bytes - offset)});
    }
  }
  return ranges;
}

struct ParquetFile {
  std::shared_ptr<CheckpointInput> input;
  std::unique_ptr<parquet::arrow::FileReader> reader;
  std::string_view name;
  uint64_t size_bytes = 0;
  Executor* executor = nullptr;
};

Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> ReadBatches(ParquetFile& file, Wanted wanted,
                                                                     bool typed_statistics) {
  const parquet::FileMetaData& metadata = *file.reader->parquet_reader()->metadata();
  const parquet::SchemaDescriptor& schema = *metadata.schema();
  std::vector<int> leaves;
  for (int i = 0; i < schema.num_columns(); i++) {
    if (IsWanted(schema.Column(i)->path()->ToDotVector(), wanted, typed_statistics)) leaves.push_back(i);
  }
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  if (leaves.empty()) return batches;
  TRY(file.input->Fetch(TRY(RangesOf(metadata, leaves, file.size_bytes)), file.executor));
  auto table = file.reader->ReadTable(leaves);
  if (!table.ok()) return FromArrow(table.status(), *file.input, file.name);
  const arrow::Status valid = (*table)->Validate();
  if (!valid.ok()) return FromArrow(valid, *file.input, file.name);
  arrow::TableBatchReader chunks(**table);
  auto read = chunks.ToRecordBatches();
  if (!read.ok()) return FromArrow(read.status(), *file.input, file.name);
  return std::move(read).ValueUnsafe();
}

/// True when some add has no statistics text.
bool LacksStatistics(const arrow::RecordBatch& batch) {
  const auto column = batch.GetColumnByName("add");
  if (!column || column->type_id() != arrow::Type::STRUCT) return false;
  const auto& adds = static_cast<const arrow::StructArray&>(*column);
  const auto texts = adds.GetFieldByName("stats");
  if (!texts) return true;
  for (int64_t row = 0; row < adds.length(); row++) {
    if (adds.IsValid(row) && texts->IsNull(row)) return true;
  }
  return false;
}

Result<ParquetRows> ReadParquet(const Context& context, store::ObjectStore& store, const store::ObjectMeta& meta,
                                Wanted wanted, Executor* executor) {
  ParquetFile file{.input = TRY(CheckpointInput::Open(context, store, meta)),
                   .name = meta.path,
                   .size_bytes = meta.size_bytes,
                   .executor = executor};
  parquet::arrow::FileReaderBuilder builder;
  const arrow::Status opened = builder.Open(file.input);
  if (!opened.ok()) return FromArrow(opened, *file.input, file.name);
  parquet::ArrowReaderProperties properties;
  properties.set_use_threads(false);
  properties.set_pre_buffer(false);
  // Timestamps of statistics: nanoseconds would overflow for the years that people use for "never".
  properties.set_coerce_int96_timestamp_unit(arrow::TimeUnit::MICRO);
  auto reader = builder.properties(properties)->Build();
  if (!reader.ok()) return FromArrow(reader.status(), *file.input, file.name);
  file.reader = std::move(reader).ValueUnsafe();
  const parquet::SchemaDescriptor& schema = *file.reader->parquet_reader()->metadata()->schema();
  bool has_typed_statistics = false;
  for (int i = 0; i < schema.num_columns() && !has_typed_statistics; i++) {
    has_typed_statistics = schema.Column(i)->path()->ToDotString().starts_with("add.stats_parsed.");
  }
  ParquetRows rows;
  rows.batches = TRY(ReadBatches(file, wanted, false));
  if (wanted == Wanted::kState && has_typed_statistics &&
      std::any_of(rows.batches.begin(), rows.batches.end(),
                  [](const auto& batch) { return LacksStatistics(*batch); })) {
    rows.batches = TRY(ReadBatches(file, wanted, true));
  }
  return rows;
}

/// Adds go straight into the columns of a segment, not through Add and ReadObjects: a checkpoint may have millions.
/// Only the names and types of their columns come from the list of fields.
Result<void> TakeAdds(const arrow::RecordBatch& batch, CheckpointContents& contents) {
  const StructLook adds = TRY(StructLook::Bind(batch.GetColumnByName("add"), "add"));
  if (adds.is_absent()) return {};
  const auto path = TRY(BindField(adds, &Add::path));
  const auto partitions = TRY(BindField(adds, &Add::partition_values));
  const auto size = TRY(BindField(adds, &Add::size_bytes));
  const auto modified = TRY(BindField(adds, &Add::modification_time_ms));
  const auto statistics = TRY(BindField(adds, &Add::stats));
  const auto tags = TRY(BindField(adds, &Add::tags));
  const auto vectors = TRY(BindField(adds, &Add::deletion_vector));
  const auto base_row_id = TRY(BindField(adds, &Add::base_row_id));
  const auto row_version = TRY(BindField(adds, &Add::default_row_commit_version));
  const auto clustering = TRY(BindField(adds, &Add::clustering_provider));
  const StructLook typed = TRY(StructLook::Bind(adds.field("stats_parsed"), "add.stats_parsed"));
  FileSegmentBuilder& files = contents.files;
  const size_t first = files.rows();
  std::vector<int64_t> row_of;  // of each file, its row in the batch
  for (int64_t row = 0; row < batch.num_rows(); row++) {
    if (adds.is_null(row)) continue;
    if (!path(row) || !size(row)) return Corrupt("an add in the checkpoint has no path or no size");
    TRY(files.BeginFile(*path(row), *size(row), modified(row).value_or(0),
                        statistics(row).value_or(std::string_view())));
    partitions.ForEach(
        row, [&](std::string_view key, std::optional<std::string_view> text) { files.SetPartitionValue(key, text); });
    auto vector = TRY(vectors(row));
    if (vector) files.SetDeletionVector(std::move(*vector));
    FileExtras extras{.tags = tags(row),
                      .base_row_id = base_row_id(row),
                      .default_row_commit_version = row_version(row),
                      .clustering_provider = {}};
    if (const auto provider = clustering(row)) extras.clustering_provider = std::string(*provider);
    files.SetExtras(std::move(extras));
    if (!typed.is_absent()) row_of.push_back(row);
  }
  if (!typed.is_absent()) {
    const size_t rows = row_of.size();
    files.SetTypedStatistics(first, rows, [array = typed.array(), row_of = std::move(row_of)](size_t file) {
      return StatisticsText(*array, row_of[file]);
    });
  }
  return {};
}

/// Reads the value in a row into a member. Returns false if it is null; the member then keeps its default.
template <typename Look, typename T>
Result<bool> Take(const Look& look, int64_t row, T& out) {
  auto value = look(row);
  if (value) out = T(std::move(*value));
  return value.has_value();
}

Result<bool> Take(const IntegerLook& look, int64_t row, int32_t& out) {
  const auto value = look(row);
  if (!value) return false;
  if (*value != static_cast<int32_t>(*value))
    return Corrupt(fmt::format("{} in the checkpoint is not an integer of 32 bits", *value));
  out = static_cast<int32_t>(*value);
  return true;
}

Result<bool> Take(const TextMapLook& look, int64_t row, PartitionValues& out) {
  look.ForEach(row, [&](std::string_view key, std::optional<std::string_view> text) { out.emplace_back(key, text); });
  return !look.is_null(row);
}

Result<bool> Take(const DeletionVectorLook& look, int64_t row, DeletionVectorDescriptor& out) {
  auto vector = TRY(look(row));
  if (vector) out = std::move(*vector);
  return vector.has_value();
}

template <typename Look, typename T>
Result<bool> Take(const Look& look, int64_t row, std::optional<T>& out) {
  T value;
  const bool is_there = TRY(Take(look, row, value));
  if (is_there) out = std::move(value);
  return is_there;
}

/// Makes an object of each of these rows of a struct column. Reads one field after the other, by the list of T's
/// fields. Errors: Corrupt (a column has another type, or a required field is null).
template <HasFields T>
Result<std::vector<T>> ReadObjects(const StructLook& column, std::span<const int64_t> rows) {
  std::vector<T> objects(rows.size());
  const auto read_field = [&]<typename Member>(const ActionField<T, Member>& field) -> Result<void> {
    if constexpr (HasFields<Member>) {
      const std::string name(field.name);
      const auto nested = TRY(StructLook::Bind(column.field(name), column.name() + "." + name));
      auto values = TRY(ReadObjects<Member>(nested, rows));
      for (size_t i = 0; i < rows.size(); i++) objects[i].*field.member = std::move(values[i]);
    } else {
      const auto look = TRY(BindField(column, field.member));
      for (size_t i = 0; i < rows.size(); i++) {
        const bool is_there = TRY(Take(look, rows[i], objects[i].*field.member));
        if (!is_there && field.presence == Presence::kRequired)
          return Corrupt(fmt::format("a {} in the checkpoint has no {}", column.name(), field.name));
      }
    }
    return {};
  };
  Result<void> read;
  ForEachField<T>([&](const auto& field) {
    if (read.ok() && field.presence != Presence::kOptionalInCommits) read = read_field(field);
  });
  if (!read.ok()) return std::move(read).error();
  return objects;
}

/// Reads the actions of type T in a batch.
template <typename T>
Result<std::vector<T>> ReadActions(const arrow::RecordBatch& batch) {
  const std::string name(kActionName<T>);
  const StructLook column = TRY(StructLook::Bind(batch.GetColumnByName(name), name));
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < batch.num_rows(); row++) {
    if (!column.is_null(row)) rows.push_back(row);
  }
  return ReadObjects<T>(column, rows);
}

template <typename T>
Result<void> AppendActions(const arrow::RecordBatch& batch, std::vector<T>& actions) {
  auto found = TRY(ReadActions<T>(batch));
  std::ranges::move(found, std::back_inserter(actions));
  return {};
}

Result<void> TakeProtocol(const arrow::RecordBatch& batch, CheckpointContents& contents) {
  for (Protocol& protocol : TRY(ReadActions<Protocol>(batch))) {
    if (contents.protocol) return Corrupt("the checkpoint has two protocol actions");
    if (protocol.min_reader_version < 0 || protocol.min_writer_version < 0)
      return Corrupt("the protocol action of the checkpoint has no valid versions");
    // "If it does, their values must be null": some writers leave empty lists instead.
    if (protocol.min_reader_version < 3 && protocol.reader_features && protocol.reader_features->empty())
      protocol.reader_features.reset();
    if (protocol.min_writer_version < 7 && protocol.writer_features && protocol.writer_features->empty())
      protocol.writer_features.reset();
    contents.protocol = std::move(protocol);
  }
  return {};
}

Result<void> TakeMetadata(const arrow::RecordBatch& batch, CheckpointContents& contents) {
  for (Metadata& metadata : TRY(ReadActions<Metadata>(batch))) {
    if (contents.metadata) return Corrupt("the checkpoint has two metaData actions");
    contents.metadata = std::move(metadata);
  }
  return {};
}

struct V2Actions {
  std::optional<CheckpointMetadata> metadata;
  std::vector<Sidecar> sidecars;
};

Result<void> TakeV2Actions(const arrow::RecordBatch& batch, V2Actions& actions) {
  for (CheckpointMetadata& metadata : TRY(ReadActions<CheckpointMetadata>(batch)))
    actions.metadata = std::move(metadata);
  return AppendActions(batch, actions.sidecars);
}

Result<void> TakeJsonState(std::vector<Action> actions, CheckpointContents& contents, V2Actions& v2) {
  for (Action& action : actions) {
    if (auto* add = std::get_if<Add>(&action)) TRY(contents.files.AddFile(*add));
    if (auto* protocol = std::get_if<Protocol>(&action)) contents.protocol = std::move(*protocol);
    if (auto* metadata = std::get_if<Metadata>(&action)) contents.metadata = std::move(*metadata);
    if (auto* txn = std::get_if<Txn>(&action)) contents.txns.push_back(std::move(*txn));
    if (auto* domain = std::get_if<DomainMetadata>(&action)) contents.domains.push_back(std::move(*domain));
    if (auto* sidecar = std::get_if<Sidecar>(&action)) v2.sidecars.push_back(std::move(*sidecar));
    if (auto* metadata = std::get_if<CheckpointMetadata>(&action)) v2.metadata = *metadata;
  }
  return {};
}

/// A V2 checkpoint in JSON form, which holds few actions: the files are in its sidecars.
Result<std::string> GetJsonFile(const Context& context, store::ObjectStore& store, const store::ObjectMeta& meta) {
  auto bytes = ReadCommitFile(context, store, meta);
  // Clean-up by another process may remove a file between the list and the read.
  if (!bytes.ok() && bytes.error().code() == ErrorCode::kNotFound)
    return Corrupt(fmt::format("{} of the checkpoint is missing", meta.path));
  return bytes;
}

/// "All sidecar files reside in the _delta_log/_sidecars directory": only a file name is taken.
Result<store::ObjectMeta> LocateSidecar(std::string_view table_path, const Sidecar& sidecar) {
  auto name = PercentDecode(sidecar.path);
  if (!name.ok() || name->empty()) return Corrupt(fmt::format("bad path of a sidecar: {}", sidecar.path));
  if (name->find('/') != std::string::npos || name->find('\\') != std::string::npos || *name == ".." || *name == ".") {
    return Error(ErrorCode::kPermissionDenied,
                 fmt::format("sidecar {} is not in the _sidecars folder of its log", sidecar.path))
        .WithReason(Reason::kPathOutsideTable);
  }
  if (sidecar.size_bytes < 0) return Corrupt(fmt::format("the size of sidecar {} is negative", sidecar.path));
  store::ObjectMeta meta;
  meta.path = LogFolder(table_path) + "_sidecars/" + *name;
  meta.size_bytes = static_cast<uint64_t>(sidecar.size_bytes);
  return meta;
}

/// Reads files in parallel; the batches come in the order of the files.
Result<std::vector<ParquetRows>> ReadFiles(const Context& context, store::ObjectStore& store,
                                           const std::vector<store::ObjectMeta>& files, Wanted wanted,
                                           Executor* executor) {
  std::vector<ParquetRows> rows(files.size());
  TRY(ForEachInParallel(executor, files.size(), [&](size_t i) -> Result<void> {
    TRY(context.Check());
    rows[i] = TRY(ReadParquet(context, store, files[i], wanted, executor));
    return {};
  }));
  return rows;
}

Result<std::vector<store::ObjectMeta>> LocateSidecars(std::string_view table_path, const V2Actions& v2,
                                                      const CheckpointFiles& files) {
  if (v2.metadata && v2.metadata->version != files.version) {
    return Corrupt(fmt::format("checkpoint {} holds version {}, expected {}", files.parts[0].path, v2.metadata->version,
                               files.version));
  }
  std::vector<store::ObjectMeta> located;
  for (const Sidecar& sidecar : v2.sidecars) located.push_back(TRY(LocateSidecar(table_path, sidecar)));
  return located;
}

}  // namespace

Result<CheckpointContents> ReadCheckpoint(const Context& context, store::ObjectStore& store,
                                          std::string_view table_path, const CheckpointFiles& files,
                                          Executor* executor) {
  CheckpointContents contents;
  V2Actions v2;
  if (files.json) {
    const std::string bytes = TRY(GetJsonFile(context, store, files.parts[0]));
    TRY(TakeJsonState(TRY(ParseActions(bytes, files.parts[0].path)), contents, v2));
    if (!v2.metadata) return Corrupt(fmt::format("V2 checkpoint {} has no checkpointMetadata", files.parts[0].path));
  } else {
    for (const ParquetRows& part : TRY(ReadFiles(context, store, files.parts, Wanted::kState, executor))) {
      for (const auto& batch : part.batches) {
        TRY(TakeProtocol(*batch, contents));
        TRY(TakeMetadata(*batch, contents));
        TRY(AppendActions(*batch, contents.txns));
        TRY(AppendActions(*batch, contents.domains));
        TRY(TakeV2Actions(*batch, v2));
        TRY(TakeAdds(*batch, contents));
      }
    }
  }
  const auto sidecars = TRY(LocateSidecars(table_path, v2, files));
  for (const ParquetRows& part : TRY(ReadFiles(context, store, sidecars, Wanted::kState, executor))) {
    for (const auto& batch : part.batches) TRY(TakeAdds(*batch, contents));
  }
  if (!contents.protocol || !contents.metadata) {
    return Corrupt(fmt::format("checkpoint {} has no {} action", files.parts[0].path,
                               contents.protocol ? "metaData" : "protocol"));
  }
  contents.checkpoint_metadata = v2.metadata;
  contents.sidecars = std::move(v2.sidecars);
  return contents;
}

Result<std::vector<Remove>> ReadCheckpointTombstones(const Context& context, store::ObjectStore& store,
                                                     std::string_view table_path, const CheckpointFiles& files,
                                                     Executor* executor) {
  std::vector<Remove> removes;
  V2Actions v2;
  if (files.json) {
    const std::string bytes = TRY(GetJsonFile(context, store, files.parts[0]));
    for (Action& action : TRY(ParseActions(bytes, files.parts[0].path))) {
      if (auto* remove = std::get_if<Remove>(&action)) removes.push_back(std::move(*remove));
      if (auto* sidecar = std::get_if<Sidecar>(&action)) v2.sidecars.push_back(std::move(*sidecar));
    }
  } else {
    for (const ParquetRows& part : TRY(ReadFiles(context, store, files.parts, Wanted::kTombstones, executor))) {
      for (const auto& batch : part.batches) {
        TRY(TakeV2Actions(*batch, v2));
        TRY(AppendActions(*batch, removes));
      }
    }
  }
  const auto sidecars = TRY(LocateSidecars(table_path, v2, files));
  for (const ParquetRows& part : TRY(ReadFiles(context, store, sidecars, Wanted::kTombstones, executor))) {
    for (const auto& batch : part.batches) TRY(AppendActions(*batch, removes));
  }
  return removes;
}

}  // namespace yummy::delta
