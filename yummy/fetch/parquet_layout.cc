#include "yummy/fetch/parquet_layout.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

namespace yummy::fetch {
namespace {

using delta::Scalar;
using delta::TypeKind;

// A decoded footer takes about this much more memory than its bytes.
constexpr uint64_t kDecodedRatio = 6;

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

store::ByteRange RangeOf(const parquet::ColumnChunkMetaData& chunk, uint64_t file_bytes) {
  int64_t begin = chunk.data_page_offset();
  if (chunk.has_dictionary_page()) begin = std::min(begin, chunk.dictionary_page_offset());
  if (chunk.has_index_page()) begin = std::min(begin, chunk.index_page_offset());
  const int64_t length = chunk.total_compressed_size();
  if (begin < 0 || length <= 0 || static_cast<uint64_t>(begin) > file_bytes ||
      static_cast<uint64_t>(length) > file_bytes - static_cast<uint64_t>(begin)) {
    return {};
  }
  return {static_cast<uint64_t>(begin), static_cast<uint64_t>(length)};
}

template <typename ParquetType, typename Make>
delta::ColumnFacts Bounds(const parquet::Statistics& statistics, Make make) {
  const auto& typed = static_cast<const parquet::TypedStatistics<ParquetType>&>(statistics);
  return {.min = Scalar(Scalar::Storage(make(typed.min()))), .max = Scalar(Scalar::Storage(make(typed.max())))};
}

std::optional<delta::ColumnFacts> IntegerBounds(const parquet::Statistics& statistics, const parquet::LogicalType& type,
                                                bool timestamp) {
  if (type.is_int() && !static_cast<const parquet::IntLogicalType&>(type).is_signed()) return std::nullopt;
  if (type.is_decimal() || timestamp != type.is_timestamp()) return std::nullopt;
  if (timestamp) {
    const auto unit = static_cast<const parquet::TimestampLogicalType&>(type).time_unit();
    if (unit != parquet::LogicalType::TimeUnit::MICROS) return std::nullopt;
  }
  const auto make = [](auto value) { return static_cast<int64_t>(value); };
  if (statistics.physical_type() == parquet::Type::INT32) return Bounds<parquet::Int32Type>(statistics, make);
  if (statistics.physical_type() == parquet::Type::INT64) return Bounds<parquet::Int64Type>(statistics, make);
  return std::nullopt;
}

std::optional<delta::ColumnFacts> FactsOf(const parquet::ColumnChunkMetaData& chunk,
                                          const parquet::ColumnDescriptor& column, TypeKind kind) {
  if (!chunk.is_stats_set()) return std::nullopt;
  const auto statistics = chunk.statistics();
  if (!statistics || !statistics->HasMinMax()) return std::nullopt;
  switch (kind) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
    case TypeKind::kDate: return IntegerBounds(*statistics, *column.logical_type(), false);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: return IntegerBounds(*statistics, *column.logical_type(), true);
    case TypeKind::kFloat:
      if (statistics->physical_type() != parquet::Type::FLOAT) return std::nullopt;
      return Bounds<parquet::FloatType>(*statistics, [](float value) { return static_cast<double>(value); });
    case TypeKind::kDouble:
      if (statistics->physical_type() != parquet::Type::DOUBLE) return std::nullopt;
      return Bounds<parquet::DoubleType>(*statistics, [](double value) { return value; });
    case TypeKind::kString:
      if (statistics->physical_type() != parquet::Type::BYTE_ARRAY) return std::nullopt;
      return Bounds<parquet::ByteArrayType>(*statistics, [](const parquet::ByteArray& value) {
        return std::string(reinterpret_cast<const char*>(value.ptr), value.len);
      });
    default: return std::nullopt;
  }
}

bool IsWithin(const std::vector<std::string>& leaf, const parquet::schema::Node& root, const WantedColumn& column) {
  if (column.field_id) return root.field_id() == *column.field_id;
  if (leaf.size() < column.path.size()) return false;
  return std::equal(column.path.begin(), column.path.end(), leaf.begin(), SameName);
}

}  // namespace

struct ParquetLayout::State {
  std::shared_ptr<parquet::FileMetaData> metadata;
  uint64_t file_bytes = 0;
  std::vector<std::unique_ptr<parquet::RowGroupMetaData>> row_groups;
  std::vector<store::ByteRange> spans;  // the bytes of each row group
};

std::optional<uint64_t> ParquetFooterBytes(std::span<const std::byte, kParquetEndBytes> end) {
  if (std::memcmp(end.data() + 4, "PAR1", 4) != 0) return std::nullopt;
  uint32_t bytes = 0;
  std::memcpy(&bytes, end.data(), sizeof(bytes));  // little-endian, like the machines that this runs on
  return bytes;
}

Result<std::shared_ptr<const ParquetLayout>> ParquetLayout::Parse(std::span<const std::byte> footer,
                                                                  uint64_t file_bytes) {
  try {
    auto state = std::make_unique<State>();
    state->metadata = parquet::FileMetaData::Make(footer.data(), static_cast<int64_t>(footer.size()));
    state->file_bytes = file_bytes;
    for (int i = 0; i < state->metadata->num_row_groups(); i++) {
      state->row_groups.push_back(state->metadata->RowGroup(i));
      uint64_t begin = file_bytes;
      uint64_t end = 0;
      for (int leaf = 0; leaf < state->row_groups.back()->num_columns(); leaf++) {
        const auto range = RangeOf(*state->row_groups.back()->ColumnChunk(leaf), file_bytes);
        if (range.length == 0) continue;
        begin = std::min(begin, range.offset);
        end = std::max(end, range.offset + range.length);
      }
      state->spans.push_back(begin < end ? store::ByteRange{begin, end - begin} : store::ByteRange{});
    }
    return std::shared_ptr<const ParquetLayout>(new ParquetLayout(std::move(state)));
  } catch (const std::exception& exception) {
    return Error(ErrorCode::kCorrupt, fmt::format("a Parquet footer cannot be read: {}", exception.what()));
  }
}

ParquetLayout::ParquetLayout(std::unique_ptr<State> state) : state_(std::move(state)) {}
ParquetLayout::~ParquetLayout() = default;

size_t ParquetLayout::row_groups() const { return state_->row_groups.size(); }

store::ByteRange ParquetLayout::RowGroup(size_t row_group) const { return state_->spans[row_group]; }

store::ByteRange ParquetLayout::Chunk(size_t row_group, size_t leaf) const {
  const auto& group = *state_->row_groups[row_group];
  if (leaf >= static_cast<size_t>(group.num_columns())) return {};
  try {
    return RangeOf(*group.ColumnChunk(static_cast<int>(leaf)), state_->file_bytes);
  } catch (const std::exception&) {  // a chunk without metadata
    return {};
  }
}

std::vector<ParquetLayout::Leaf> ParquetLayout::LeavesOf(const std::vector<WantedColumn>& columns) const {
  std::vector<Leaf> leaves;
  const auto& schema = *state_->metadata->schema();
  for (int leaf = 0; leaf < schema.num_columns(); leaf++) {
    const auto path = schema.Column(leaf)->path()->ToDotVector();
    const auto* root = schema.GetColumnRoot(leaf);
    for (const auto& column : columns) {
      if (!IsWithin(path, *root, column)) continue;
      leaves.push_back({static_cast<size_t>(leaf), column.filtered});
      break;
    }
  }
  return leaves;
}

bool ParquetLayout::MayMatch(size_t row_group, const delta::Predicate& predicate, const delta::Schema& schema) const {
  const auto facts = [&](const delta::ColumnPath& path) -> std::optional<delta::ColumnFacts> {
    const auto field = std::find_if(schema.begin(), schema.end(),
                                    [&](const delta::Field& candidate) { return candidate.name == path.front(); });
    if (path.size() != 1 || field == schema.end()) return std::nullopt;
    const auto& columns = *state_->metadata->schema();
    for (int leaf = 0; leaf < columns.num_columns(); leaf++) {
      const auto* root = columns.GetColumnRoot(leaf);
      if (!root->is_primitive() || !SameName(root->name(), field->physical_name())) continue;
      return FactsOf(*state_->row_groups[row_group]->ColumnChunk(leaf), *columns.Column(leaf), field->type.kind);
    }
    return std::nullopt;
  };
  try {
    return predicate.MayMatch(facts);
  } catch (const std::exception&) {  // statistics that cannot be decoded
    return true;
  }
}

uint64_t ParquetLayout::size_bytes() const { return state_->metadata->size() * kDecodedRatio; }

}  // namespace yummy::fetch
