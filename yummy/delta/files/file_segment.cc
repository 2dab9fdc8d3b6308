#include "yummy/delta/files/file_segment.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/text.h"
#include "yummy/delta/protocol/file_key.h"

namespace yummy::delta {

namespace {

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

uint32_t TakeSegmentNumber() {
  static std::atomic<uint32_t> last{0};
  return ++last;
}

uint64_t HashKey(std::string_view key) { return std::hash<std::string_view>()(key); }

}  // namespace

/// The parts that are computed on first use. Nothing else of a segment changes after Finish.
struct FileSegment::Lazy {
  std::once_flag statistics_once;
  TextColumn statistics;  // only if there are typed statistics

  std::once_flag index_once;
  std::vector<uint32_t> slots;  // row + 1 by hash, open addressing; 0: free
  std::vector<uint32_t> duplicates;

  std::mutex mutex;
  std::shared_ptr<const FileCounts> counts;                                              // guarded by mutex
  std::map<std::string, std::shared_ptr<const ColumnBounds>, std::less<>> bounds;        // guarded by mutex
  std::map<std::string, std::shared_ptr<const TypedPartition>, std::less<>> partitions;  // guarded by mutex
};

FileSegment::FileSegment() : number_(TakeSegmentNumber()), lazy_(std::make_unique<Lazy>()) {}
FileSegment::~FileSegment() = default;

const PartitionColumn* FileSegment::FindPartition(std::string_view key) const {
  for (const PartitionColumn& column : partitions_) {
    if (column.key == key) return &column;
  }
  return nullptr;
}

uint32_t FileSegment::PartitionCode(std::string_view key, size_t row) const {
  const PartitionColumn* column = FindPartition(key);
  if (column != nullptr && column->codes[row] != PartitionColumn::kMissing) return column->codes[row];
  const bool has_other_spelling = std::ranges::any_of(partitions_, [&](const PartitionColumn& other) {
    return other.codes[row] != PartitionColumn::kMissing && LowerCase(other.key) == LowerCase(key);
  });
  return has_other_spelling ? PartitionColumn::kMissing : PartitionColumn::kNull;
}

Add FileSegment::ToAdd(size_t row) const {
  Add add;
  add.path = std::string(path(row));
  for (const PartitionColumn& column : partitions_) {
    const uint32_t code = column.codes[row];
    if (code == PartitionColumn::kMissing) continue;
    std::optional<std::string> text;
    if (code >= PartitionColumn::kFirstText) text = column.texts[code - PartitionColumn::kFirstText];
    add.partition_values.emplace_back(column.key, std::move(text));
  }
  add.size_bytes = size_bytes(row);
  add.modification_time_ms = modification_time_ms(row);
  if (const std::string_view text = statistics()[row]; !text.empty()) add.stats = std::string(text);
  if (const DeletionVectorDescriptor* vector = deletion_vector(row)) add.deletion_vector = *vector;
  if (const FileExtras* more = extras(row)) {
    add.tags = more->tags;
    add.base_row_id = more->base_row_id;
    add.default_row_commit_version = more->default_row_commit_version;
    add.clustering_provider = more->clustering_provider;
  }
  return add;
}

const TextColumn& FileSegment::statistics() const {
  if (typed_.empty()) return texts_;
  std::call_once(lazy_->statistics_once, [this] {
    TextColumn& out = lazy_->statistics;
    auto source = typed_.begin();
    for (size_t row = 0; row < rows(); row++) {
      while (source != typed_.end() && row >= source->first_row + source->rows) ++source;
      const bool typed = texts_[row].empty() && source != typed_.end() && row >= source->first_row;
      if (typed) {
        out.Append(source->text_of(row - source->first_row));
      } else {
        out.Append(texts_[row]);
      }
    }
    out.Pad(simdjson::SIMDJSON_PADDING);
  });
  return lazy_->statistics;
}

std::shared_ptr<const FileCounts> FileSegment::Counts() const {
  {
    const std::lock_guard lock(lazy_->mutex);
    if (lazy_->counts) return lazy_->counts;
  }
  auto counts = std::make_shared<const FileCounts>(DecodeStatistics(statistics(), {}).counts);
  const std::lock_guard lock(lazy_->mutex);
  if (!lazy_->counts) lazy_->counts = std::move(counts);
  return lazy_->counts;
}

std::vector<std::shared_ptr<const ColumnBounds>> FileSegment::Bounds(std::span<const LeafColumn> columns) const {
  std::vector<std::shared_ptr<const ColumnBounds>> result(columns.size());
  std::vector<LeafColumn> missing;
  std::vector<size_t> missing_at;
  {
    const std::lock_guard lock(lazy_->mutex);
    for (size_t i = 0; i < columns.size(); i++) {
      const auto at = lazy_->bounds.find(columns[i].cache_key());
      if (at != lazy_->bounds.end()) {
        result[i] = at->second;
      } else {
        missing.push_back(columns[i]);
        missing_at.push_back(i);
      }
    }
  }
  if (missing.empty()) return result;
  DecodedStatistics decoded = DecodeStatistics(statistics(), missing);
  const std::lock_guard lock(lazy_->mutex);
  if (!lazy_->counts) lazy_->counts = std::make_shared<const FileCounts>(std::move(decoded.counts));
  for (size_t i = 0; i < missing.size(); i++) {
    auto& cached = lazy_->bounds[missing[i].cache_key()];
    if (!cached) cached = std::make_shared<const ColumnBounds>(std::move(decoded.columns[i]));
    result[missing_at[i]] = cached;
  }
  return result;
}

std::shared_ptr<const TypedPartition> FileSegment::Partition(std::string_view key, const DataType& type) const {
  const std::string cache_key = fmt::format("{}\n{}", TypeName(type), key);
  {
    const std::lock_guard lock(lazy_->mutex);
    const auto at = lazy_->partitions.find(cache_key);
    if (at != lazy_->partitions.end()) return at->second;
  }
  auto typed = std::make_shared<TypedPartition>(PartitionColumn::kFirstText);
  (*typed)[PartitionColumn::kNull] = Scalar();
  if (const PartitionColumn* column = FindPartition(key)) {
    for (const std::string& text : column->texts) {
      auto value = ParsePartitionValue(text, type);
      typed->push_back(value.ok() ? std::optional<Scalar>(std::move(value).value()) : std::nullopt);
    }
  }
  const std::lock_guard lock(lazy_->mutex);
  return lazy_->partitions.emplace(cache_key, std::move(typed)).first->second;
}

std::string FileSegment::KeyOf(size_t row) const { return MUST(MakeFileKey(path(row), deletion_vector(row))); }

bool FileSegment::HasKey(size_t row, std::string_view key) const {
  if (deletion_vector(row) == nullptr && IsFileKey(path(row))) return path(row) == key;
  return KeyOf(row) == key;
}

void FileSegment::BuildIndex() const {
  size_t slots = 16;
  while (slots < rows() * 2) slots *= 2;
  lazy_->slots.assign(slots, 0);
  for (size_t row = 0; row < rows(); row++) {
    std::string made;
    std::string_view key = path(row);
    if (deletion_vector(row) != nullptr || !IsFileKey(key)) {
      made = KeyOf(row);
      key = made;
    }
    size_t slot = HashKey(key) & (slots - 1);
    bool duplicate = false;
    while (lazy_->slots[slot] != 0 && !duplicate) {
      duplicate = HasKey(lazy_->slots[slot] - 1, key);
      if (!duplicate) slot = (slot + 1) & (slots - 1);
    }
    if (duplicate) {
      lazy_->duplicates.push_back(static_cast<uint32_t>(row));
    } else {
      lazy_->slots[slot] = static_cast<uint32_t>(row + 1);
    }
  }
}

std::optional<size_t> FileSegment::Find(std::string_view key) const {
  std::call_once(lazy_->index_once, [this] { BuildIndex(); });
  const std::vector<uint32_t>& slots = lazy_->slots;
  for (size_t slot = HashKey(key) & (slots.size() - 1); slots[slot] != 0; slot = (slot + 1) & (slots.size() - 1)) {
    if (HasKey(slots[slot] - 1, key)) return slots[slot] - 1;
  }
  return std::nullopt;
}

const std::vector<uint32_t>& FileSegment::duplicates() const {
  std::call_once(lazy_->index_once, [this] { BuildIndex(); });
  return lazy_->duplicates;
}

/// The texts of each partition column, by text.
struct FileSegmentBuilder::Dictionary {
  std::vector<std::unordered_map<std::string, uint32_t>> codes;  // in the order of the segment's partition columns
};

// The constructor of FileSegment is private to this class.
FileSegmentBuilder::FileSegmentBuilder()
    : segment_(new FileSegment()), dictionary_(std::make_unique<Dictionary>()) {}  // NOLINT: make_shared has no access
FileSegmentBuilder::~FileSegmentBuilder() = default;
FileSegmentBuilder::FileSegmentBuilder(FileSegmentBuilder&&) noexcept = default;
FileSegmentBuilder& FileSegmentBuilder::operator=(FileSegmentBuilder&&) noexcept = default;

size_t FileSegmentBuilder::rows() const { return segment_->rows(); }

void FileSegmentBuilder::Reserve(size_t rows) {
  segment_->sizes_.reserve(rows);
  segment_->modification_times_.reserve(rows);
}

void FileSegmentBuilder::AppendRow(std::string_view path, int64_t size_bytes, int64_t modification_time_ms,
                                   std::string_view statistics) {
  assert(rows() < std::numeric_limits<int32_t>::max());
  segment_->paths_.Append(path);
  segment_->sizes_.push_back(size_bytes);
  segment_->modification_times_.push_back(modification_time_ms);
  segment_->texts_.Append(statistics);
}

Result<void> FileSegmentBuilder::BeginFile(std::string_view path, int64_t size_bytes, int64_t modification_time_ms,
                                           std::string_view statistics) {
  if (!IsFileKey(path)) TRY(MakeFileKey(path, nullptr));
  if (size_bytes < 0) return Corrupt(fmt::format("the size of the file {} is negative: {}", path, size_bytes));
  AppendRow(path, size_bytes, modification_time_ms, statistics);
  return {};
}

void FileSegmentBuilder::SetPartitionValue(std::string_view key, std::optional<std::string_view> text) {
  size_t at = 0;
  std::vector<PartitionColumn>& columns = segment_->partitions_;
  while (at < columns.size() && columns[at].key != key) at++;
  if (at == columns.size()) {
    columns.push_back({.key = std::string(key), .codes = {}, .texts = {}});
    dictionary_->codes.emplace_back();
  }
  PartitionColumn& column = columns[at];
  column.codes.resize(rows(), PartitionColumn::kMissing);
  uint32_t code = PartitionColumn::kNull;
  if (text) {
    const auto next = static_cast<uint32_t>(PartitionColumn::kFirstText + column.texts.size());
    const auto [entry, fresh] = dictionary_->codes[at].emplace(*text, next);
    if (fresh) column.texts.emplace_back(*text);
    code = entry->second;
  }
  column.codes.back() = code;
}

void FileSegmentBuilder::SetDeletionVector(DeletionVectorDescriptor descriptor) {
  segment_->vector_of_.resize(rows(), -1);
  segment_->vector_of_.back() = static_cast<int32_t>(segment_->vectors_.size());
  segment_->vectors_.push_back(std::move(descriptor));
}

void FileSegmentBuilder::SetExtras(FileExtras extras) {
  if (extras.empty()) return;
  segment_->extras_of_.resize(rows(), -1);
  segment_->extras_of_.back() = static_cast<int32_t>(segment_->extras_.size());
  segment_->extras_.push_back(std::move(extras));
}

Result<void> FileSegmentBuilder::AddFile(const Add& add) {
  TRY(BeginFile(add.path, add.size_bytes, add.modification_time_ms,
                add.stats ? std::string_view(*add.stats) : std::string_view()));
  for (const auto& [key, text] : add.partition_values) {
    SetPartitionValue(key, text ? std::optional<std::string_view>(*text) : std::nullopt);
  }
  if (add.deletion_vector) SetDeletionVector(*add.deletion_vector);
  SetExtras({.tags = add.tags,
             .base_row_id = add.base_row_id,
             .default_row_commit_version = add.default_row_commit_version,
             .clustering_provider = add.clustering_provider});
  return {};
}

void FileSegmentBuilder::CopyFile(const FileSegment& segment, size_t row) {
  AppendRow(segment.path(row), segment.size_bytes(row), segment.modification_time_ms(row), segment.statistics()[row]);
  for (const PartitionColumn& column : segment.partitions_) {
    const uint32_t code = column.codes[row];
    if (code == PartitionColumn::kMissing) continue;
    std::optional<std::string_view> text;
    if (code >= PartitionColumn::kFirstText) text = column.texts[code - PartitionColumn::kFirstText];
    SetPartitionValue(column.key, text);
  }
  if (const DeletionVectorDescriptor* vector = segment.deletion_vector(row)) SetDeletionVector(*vector);
  if (const FileExtras* extras = segment.extras(row)) SetExtras(*extras);
}

void FileSegmentBuilder::SetTypedStatistics(size_t first_row, size_t rows, std::function<std::string(size_t)> text_of) {
  assert(segment_->typed_.empty() || segment_->typed_.back().first_row + segment_->typed_.back().rows <= first_row);
  segment_->typed_.push_back({.first_row = first_row, .rows = rows, .text_of = std::move(text_of)});
}

std::shared_ptr<const FileSegment> FileSegmentBuilder::Finish() {
  for (PartitionColumn& column : segment_->partitions_) column.codes.resize(rows(), PartitionColumn::kMissing);
  if (!segment_->vector_of_.empty()) segment_->vector_of_.resize(rows(), -1);
  if (!segment_->extras_of_.empty()) segment_->extras_of_.resize(rows(), -1);
  segment_->texts_.Pad(simdjson::SIMDJSON_PADDING);
  return std::exchange(segment_, nullptr);
}

}  // namespace yummy::delta
