#include "yummy/duck/write/parquet_writer.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <string_view>
#include <utility>

#include "yummy/delta/schema/schema.h"

namespace yummy::duck {
namespace {

/// The size for which DuckDB and its readers are tuned.
constexpr duckdb::idx_t kRowGroupRows = 122880;
/// Bounds the memory of wide rows.
constexpr duckdb::idx_t kRowGroupBytesMax = 128ULL << 20;

/// The codec for DuckDB. delta.parquet.compression.codec is only advice: a codec that DuckDB cannot write (lzo) becomes
/// the default.
std::string CodecOption(const std::string& codec) {
  constexpr std::array<std::string_view, 5> kWritten = {"zstd", "snappy", "gzip", "brotli", "uncompressed"};
  for (const auto name : kWritten) {
    if (codec == name) return codec;
  }
  if (codec == "lz4" || codec == "lz4raw" || codec == "lz4_raw") return "lz4_raw";
  if (codec == "none") return "uncompressed";
  return "zstd";
}

/// DuckDB looks up a binary value in a bloom filter by wrong bytes (docs/duckdb-faults.md). Our own reader avoids that,
/// but other readers with DuckDB do not. Nested values are not looked up. The option holds for the whole file.
bool MayHaveBloomFilters(const TableLayout& layout) {
  return std::none_of(layout.file_columns.begin(), layout.file_columns.end(),
                      [&](auto column) { return layout.schema[column].type.kind == delta::TypeKind::kBinary; });
}

std::optional<duckdb::Value> ChildIds(const delta::DataType& type);

/// The ids of the field and of those below it, in the form of the writer's option "field_ids".
std::optional<duckdb::Value> FieldIds(const delta::Field& field) {
  if (!field.mapping) return std::nullopt;
  const auto own = duckdb::Value::INTEGER(static_cast<int32_t>(field.mapping->id));
  auto children = ChildIds(field.type);
  if (!children) return own;
  duckdb::child_list_t<duckdb::Value> values;
  values.emplace_back("__duckdb_field_id", own);
  const auto& names = duckdb::StructType::GetChildTypes(children->type());
  for (size_t i = 0; i < names.size(); i++) {
    values.emplace_back(names[i].first, duckdb::StructValue::GetChildren(*children)[i]);
  }
  return duckdb::Value::STRUCT(std::move(values));
}

/// The ids of the fields inside a nested type. Elements, keys and values have no ids in a Delta schema.
std::optional<duckdb::Value> ChildIds(const delta::DataType& type) {
  duckdb::child_list_t<duckdb::Value> values;
  if (type.kind == delta::TypeKind::kStruct) {
    for (const auto& field : type.fields) {
      if (auto ids = FieldIds(field)) values.emplace_back(field.physical_name(), std::move(*ids));
    }
  } else {
    const std::array<const char*, 2> names =
        type.kind == delta::TypeKind::kMap ? std::array{"key", "value"} : std::array{"element", ""};
    for (size_t i = 0; i < type.children.size(); i++) {
      if (auto ids = ChildIds(type.children[i])) values.emplace_back(names[i], std::move(*ids));
    }
  }
  if (values.empty()) return std::nullopt;
  return duckdb::Value::STRUCT(std::move(values));
}

/// Ids are written whenever the columns are mapped, by name or by id (PROTOCOL.md, "Writer Requirements for Column
/// Mapping").
void SetFieldIds(const TableLayout& layout, duckdb::CopyInfo& info) {
  duckdb::child_list_t<duckdb::Value> values;
  for (const auto column : layout.file_columns) {
    const auto& field = layout.schema[column];
    if (auto ids = FieldIds(field)) values.emplace_back(field.physical_name(), std::move(*ids));
  }
  if (!values.empty()) info.options["field_ids"].push_back(duckdb::Value::STRUCT(std::move(values)));
}

duckdb::unique_ptr<duckdb::CopyInfo> OptionsOf(const TableLayout& layout, ValueEncoding encoding) {
  auto info = duckdb::make_uniq<duckdb::CopyInfo>();
  info->format = "parquet";
  info->is_from = false;
  const auto set = [&info](const char* option, duckdb::Value value) {
    info->options[option].push_back(std::move(value));
  };
  set("compression", duckdb::Value(CodecOption(layout.properties.compression_codec)));
  set("row_group_size", duckdb::Value::UBIGINT(kRowGroupRows));
  set("geoparquet_version", duckdb::Value("NONE"));
  set("write_bloom_filter", duckdb::Value::BOOLEAN(encoding == ValueEncoding::kHashedDictionaries));
  if (encoding == ValueEncoding::kPlain) set("dictionary_size_limit", duckdb::Value::BIGINT(0));
  SetFieldIds(layout, *info);
  return info;
}

}  // namespace

std::unique_ptr<ParquetFormat> ParquetFormat::Make(duckdb::ClientContext& context, const TableLayout& layout) {
  auto& entry = duckdb::Catalog::GetSystemCatalog(context).GetEntry<duckdb::CopyFunctionCatalogEntry>(
      context, DEFAULT_SCHEMA, "parquet");
  auto format = std::unique_ptr<ParquetFormat>(
      new ParquetFormat{.function = entry.function, .bind_data = {}, .types = layout.file_types, .statistics = {}});
  format->has_bloom_filters = MayHaveBloomFilters(layout);
  for (size_t encoding = 0; encoding < kValueEncodings; ++encoding) {
    const auto info = OptionsOf(layout, static_cast<ValueEncoding>(encoding));
    duckdb::CopyFunctionBindInput input(*info);
    format->bind_data[encoding] = format->function.copy_to_bind(context, input, layout.file_names, layout.file_types);
  }
  format->statistics = StatisticsPlan::Make(layout);
  return format;
}

RowGroupBuffer::RowGroupBuffer(duckdb::ClientContext& context, const ParquetFormat& format)
    : rows_(duckdb::make_uniq<duckdb::ColumnDataCollection>(context, format.types)),
      statistics_(format.statistics),
      floats_(format.types),
      may_be_hashed_(format.has_bloom_filters) {
  rows_->InitializeAppend(append_);
}

void RowGroupBuffer::Append(duckdb::DataChunk& rows) {
  statistics_.Update(rows);
  floats_.Update(rows);
  rows_->Append(append_, rows);
}

void RowGroupBuffer::Combine(RowGroupBuffer& other) {
  statistics_.Merge(other.statistics_);
  floats_.Merge(other.floats_);
  append_.current_chunk_state.handles.clear();
  rows_->Combine(*other.rows_);
  rows_->InitializeAppend(append_);
}

bool RowGroupBuffer::full() const { return rows() >= kRowGroupRows || rows_->SizeInBytes() >= kRowGroupBytesMax; }

bool RowGroupBuffer::half_full() const {
  return rows() >= kRowGroupRows / 2 || rows_->SizeInBytes() >= kRowGroupBytesMax / 2;
}

ValueEncoding RowGroupBuffer::encoding() const {
  return std::max(floats_.Encoding(*rows_),
                  may_be_hashed_ ? ValueEncoding::kHashedDictionaries : ValueEncoding::kDictionaries);
}

ParquetFile::ParquetFile(duckdb::ClientContext& context, const ParquetFormat& format, ValueEncoding encoding,
                         const std::string& url, delta::Add target)
    : context_(context),
      format_(format),
      encoding_(encoding),
      bind_data_(*format.bind_data[static_cast<size_t>(encoding)]),
      add_(std::move(target)),
      statistics_(format.statistics) {
  file_ = format_.function.copy_to_initialize_global(context_, bind_data_, url);
  format_.function.copy_to_get_written_statistics(context_, bind_data_, *file_, written_);
}

ParquetFile::PreparedRowGroup ParquetFile::Prepare(std::unique_ptr<RowGroupBuffer> buffer) {
  assert(buffer->rows() > 0);
  PreparedRowGroup result{.batch = {}, .statistics = std::move(buffer->statistics_), .rows = buffer->rows()};
  buffer->append_.current_chunk_state.handles.clear();
  result.batch = format_.function.prepare_batch(context_, bind_data_, *file_, std::move(buffer->rows_));
  return result;
}

void ParquetFile::Append(PreparedRowGroup row_group) {
  format_.function.flush_batch(context_, bind_data_, *file_, *row_group.batch);
  statistics_.Merge(row_group.statistics);
  rows_ += row_group.rows;
}

bool ParquetFile::Reached(uint64_t size_bytes) {
  return format_.function.rotate_next_file(*file_, bind_data_, duckdb::optional_idx(size_bytes));
}

delta::Add ParquetFile::Finish() {
  format_.function.copy_to_finalize(context_, bind_data_, *file_);
  file_.reset();
  assert(written_.row_count == rows_);
  add_.size_bytes = static_cast<int64_t>(written_.file_size_bytes);
  add_.stats = delta::WriteStatistics(static_cast<int64_t>(rows_), statistics_.Collected());
  return std::move(add_);
}

}  // namespace yummy::duck
