#include "yummy/duck/write/partitioned_writer.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "yummy/base/executor.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

constexpr size_t kOpenFilesMax = 100;
/// Each upload across a network holds an unsent part of 8 MiB, and sometimes further parts in flight.
constexpr size_t kOpenUploadsMax = 16;
constexpr uint64_t kBufferBytesMax = 256ULL << 20;
/// The buffers of all threads of a statement take at most this fraction of DuckDB's memory.
constexpr uint64_t kMemoryShare = 4;

uint64_t BufferBytes(duckdb::ClientContext& context) {
  const auto memory = duckdb::BufferManager::GetBufferManager(context).GetMaxMemory();
  const auto threads = static_cast<uint64_t>(duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads());
  return std::clamp<uint64_t>(memory / kMemoryShare / std::max<uint64_t>(threads, 1), 1 << 20, kBufferBytesMax);
}

/// Appends a value of a partition column. Only equal values give equal bytes. An empty string or binary does not occur,
/// because StoredForm has made it null.
void AppendKey(std::string& key, const duckdb::UnifiedVectorFormat& values, duckdb::PhysicalType type,
               duckdb::idx_t row) {
  const auto index = values.sel->get_index(row);
  const bool valid = values.validity.RowIsValid(index);
  if (type == duckdb::PhysicalType::VARCHAR) {
    const auto text =
        valid ? duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(values)[index] : duckdb::string_t();
    const auto size = valid ? text.GetSize() : 0;
    key.append(reinterpret_cast<const char*>(&size), sizeof(size));
    key.append(text.GetData(), size);
    return;
  }
  key.push_back(valid ? '\1' : '\0');
  const auto size = duckdb::GetTypeIdSize(type);
  if (valid) key.append(reinterpret_cast<const char*>(values.data) + index * size, size);
}

}  // namespace

struct PartitionedWriter::Buffer final : RowWriter::Local {
  std::vector<std::unique_ptr<duckdb::DataChunk>> chunks;  // with the columns of the file
  std::vector<std::vector<RowRef>> rows;                   // by partition
  std::unordered_map<std::string, size_t> numbers;  // numbers of the partitions that this thread has seen, by key
  uint64_t size_bytes = 0;

  void Add(size_t partition, RowRef row) {
    if (rows.size() <= partition) rows.resize(partition + 1);
    rows[partition].push_back(row);
  }
};

PartitionedWriter::PartitionedWriter(DataFiles& files)
    : files_(files),
      buffer_bytes_max_(BufferBytes(files.context())),
      open_files_max_(files.is_local() ? kOpenFilesMax : kOpenUploadsMax),
      rest_(std::make_unique<Buffer>()) {}

PartitionedWriter::~PartitionedWriter() = default;

std::unique_ptr<RowWriter::Local> PartitionedWriter::MakeLocal() { return std::make_unique<Buffer>(); }

void PartitionedWriter::Write(Local& local, duckdb::DataChunk& rows) {
  auto& buffer = static_cast<Buffer&>(local);
  const auto& layout = files_.layout();
  const auto count = rows.size();
  std::vector<duckdb::UnifiedVectorFormat> keys(layout.partition_columns.size());
  for (size_t i = 0; i < keys.size(); i++) rows.data[layout.partition_columns[i]].ToUnifiedFormat(count, keys[i]);

  assert(buffer.chunks.size() < std::numeric_limits<uint32_t>::max());
  const auto chunk_number = static_cast<uint32_t>(buffer.chunks.size());
  std::string key;
  std::string last_key;
  size_t last = 0;
  for (duckdb::idx_t row = 0; row < count; row++) {
    key.clear();
    for (size_t i = 0; i < keys.size(); i++)
      AppendKey(key, keys[i], layout.types[layout.partition_columns[i]].InternalType(), row);
    // Rows of one partition often follow each other, so the number of the last key is used again.
    if (row == 0 || key != last_key) {
      last = NumberOf(buffer, key, rows, row);
      std::swap(key, last_key);
    }
    buffer.Add(last, {.chunk = chunk_number, .row = static_cast<uint32_t>(row)});
  }

  // The rows are copied, because the caller reuses its chunk. Partition columns are left out, because data files do not
  // hold them.
  duckdb::DataChunk view;
  view.InitializeEmpty(files_.format().types);
  for (size_t i = 0; i < layout.file_columns.size(); i++) view.data[i].Reference(rows.data[layout.file_columns[i]]);
  view.SetCardinality(count);
  auto chunk = std::make_unique<duckdb::DataChunk>();
  chunk->Initialize(files_.context(), files_.format().types, count);
  view.Copy(*chunk);
  buffer.size_bytes += chunk->GetAllocationSize();
  buffer.chunks.push_back(std::move(chunk));
  if (buffer.size_bytes > buffer_bytes_max_) WriteLargest(buffer);
}

size_t PartitionedWriter::NumberOf(Buffer& buffer, const std::string& key, duckdb::DataChunk& rows, duckdb::idx_t row) {
  // Each thread has its own map, so the lock is taken only for a partition that is new to the thread.
  if (const auto known = buffer.numbers.find(key); known != buffer.numbers.end()) return known->second;
  const std::lock_guard lock(mutex_);
  auto [entry, added] = numbers_.try_emplace(key, partitions_.size());
  if (added) {
    partitions_.push_back(std::make_unique<Partition>());
    partitions_.back()->values = ValuesOf(rows, row);
  }
  buffer.numbers.emplace(key, entry->second);
  return entry->second;
}

delta::PartitionValues PartitionedWriter::ValuesOf(duckdb::DataChunk& rows, duckdb::idx_t row) const {
  delta::PartitionValues result;
  for (const auto column : files_.layout().partition_columns) {
    const auto& field = files_.layout().schema[column];
    const auto scalar = ValueOrThrow(ToScalar(rows.data[column].GetValue(row), field.type));
    auto text = delta::FormatPartitionValue(scalar, field.type);
    if (text && text->empty()) text.reset();
    result.emplace_back(field.physical_name(), std::move(text));
  }
  return result;
}

void PartitionedWriter::Combine(Local& local) {
  auto& buffer = static_cast<Buffer&>(local);
  const std::lock_guard lock(mutex_);
  const auto first = static_cast<uint32_t>(rest_->chunks.size());
  std::move(buffer.chunks.begin(), buffer.chunks.end(), std::back_inserter(rest_->chunks));
  for (size_t partition = 0; partition < buffer.rows.size(); partition++) {
    for (const auto ref : buffer.rows[partition]) rest_->Add(partition, {.chunk = first + ref.chunk, .row = ref.row});
  }
  buffer = Buffer();
}

void PartitionedWriter::Finish() {
  const std::lock_guard lock(mutex_);
  const Buffer& rest = *rest_;
  std::vector<size_t> fresh;  // partitions without a file so far
  for (size_t number = 0; number < partitions_.size(); number++) {
    const bool has_rows = number < rest.rows.size() && !rest.rows[number].empty();
    if (partitions_[number]->file && has_rows) {
      ForEachRowGroup(rest, rest.rows[number], [&](auto group) { WriteRowGroup(number, std::move(group)); });
    } else if (has_rows) {
      fresh.push_back(number);
    }
    Close(number);
  }
  // Making a small file durable is nearly all waiting, so several are written at once.
  std::vector<std::optional<Error>> errors(fresh.size());
  const auto write = [&](size_t i) {
    auto result = CatchErrors([&]() -> Result<void> {
      WriteFiles(*partitions_[fresh[i]], rest, rest.rows[fresh[i]]);
      return {};
    });
    if (!result.ok()) errors[i] = std::move(result).error();
  };
  if (auto* executor = files_.executor()) {
    executor->ParallelFor(fresh.size(), write);
  } else {
    for (size_t i = 0; i < fresh.size(); i++) write(i);
  }
  for (const auto& error : errors) {
    if (error) Throw(*error);
  }
  rest_ = std::make_unique<Buffer>();
}

/// Writes the largest partitions until half of the rows are gone, and packs the remaining rows.
void PartitionedWriter::WriteLargest(Buffer& buffer) {
  const std::lock_guard lock(mutex_);
  std::vector<size_t> order;
  size_t total = 0;
  for (size_t partition = 0; partition < buffer.rows.size(); partition++) {
    if (buffer.rows[partition].empty()) continue;
    order.push_back(partition);
    total += buffer.rows[partition].size();
  }
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return buffer.rows[a].size() > buffer.rows[b].size(); });
  size_t written = 0;
  for (const auto partition : order) {
    if (written * 2 >= total) break;
    written += buffer.rows[partition].size();
    const auto rows = std::exchange(buffer.rows[partition], {});
    ForEachRowGroup(buffer, rows, [&](auto group) { WriteRowGroup(partition, std::move(group)); });
  }

  // A chunk holds rows of many partitions, so writing some of its rows frees no memory. The remaining rows move to new
  // chunks.
  Buffer packed;
  packed.numbers = std::move(buffer.numbers);
  for (size_t partition = 0; partition < buffer.rows.size(); partition++) {
    for (const auto ref : buffer.rows[partition]) {
      if (packed.chunks.empty() || packed.chunks.back()->size() == STANDARD_VECTOR_SIZE) {
        packed.chunks.push_back(std::make_unique<duckdb::DataChunk>());
        packed.chunks.back()->Initialize(files_.context(), files_.format().types);
      }
      auto& chunk = *packed.chunks.back();
      packed.Add(partition, {.chunk = static_cast<uint32_t>(packed.chunks.size() - 1),
                             .row = static_cast<uint32_t>(chunk.size())});
      duckdb::SelectionVector one(1);
      one.set_index(0, ref.row);
      chunk.Append(*buffer.chunks[ref.chunk], false, &one, 1);
    }
  }
  for (const auto& chunk : packed.chunks) packed.size_bytes += chunk->GetAllocationSize();
  buffer = std::move(packed);
}

/// Collects rows into row groups, and passes each to `take`.
template <typename Take>
void PartitionedWriter::ForEachRowGroup(const Buffer& buffer, const std::vector<RowRef>& rows, Take take) const {
  std::unique_ptr<RowGroupBuffer> group;
  duckdb::DataChunk gathered;
  gathered.Initialize(files_.context(), files_.format().types,
                      std::min<duckdb::idx_t>(rows.size(), STANDARD_VECTOR_SIZE));
  duckdb::SelectionVector run(STANDARD_VECTOR_SIZE);
  for (size_t begin = 0; begin < rows.size();) {
    // A run: rows of one chunk that fit into `gathered`.
    duckdb::idx_t length = 0;
    const auto space = STANDARD_VECTOR_SIZE - gathered.size();
    while (begin + length < rows.size() && length < space && rows[begin + length].chunk == rows[begin].chunk) {
      run.set_index(length, rows[begin + length].row);
      length++;
    }
    gathered.Append(*buffer.chunks[rows[begin].chunk], false, &run, length);
    begin += length;
    if (gathered.size() < STANDARD_VECTOR_SIZE && begin < rows.size()) continue;
    if (!group) group = std::make_unique<RowGroupBuffer>(files_.context(), files_.format());
    group->Append(gathered);
    gathered.Reset();
    if (group->full()) take(std::move(group));
  }
  if (group) take(std::move(group));
}

/// Writes the rows of a partition to its own files. Safe from several threads for different partitions.
void PartitionedWriter::WriteFiles(const Partition& partition, const Buffer& buffer,
                                   const std::vector<RowRef>& rows) const {
  ValueOrThrow(RequestOf(files_.context()).context().Check());
  std::unique_ptr<ParquetFile> file;
  ForEachRowGroup(buffer, rows, [&](std::unique_ptr<RowGroupBuffer> group) {
    const auto encoding = group->encoding();
    if (file && !file->Takes(encoding)) files_.Finish(*std::exchange(file, nullptr));
    if (!file) file = files_.Open(partition.values, encoding);
    file->Append(file->Prepare(std::move(group)));
    if (!IsFull(*file)) return;
    files_.Finish(*file);
    file.reset();
  });
  if (file) files_.Finish(*file);
}

bool PartitionedWriter::IsFull(ParquetFile& file) const {
  return file.Reached(static_cast<uint64_t>(files_.layout().properties.target_file_size_bytes));
}

void PartitionedWriter::WriteRowGroup(size_t number, std::unique_ptr<RowGroupBuffer> rows) {
  ValueOrThrow(RequestOf(files_.context()).context().Check());
  auto& partition = *partitions_[number];
  const auto encoding = rows->encoding();
  if (partition.file && !partition.file->Takes(encoding)) Close(number);
  if (!partition.file) {
    if (open_.size() >= open_files_max_) CloseOldest();
    partition.file = files_.Open(partition.values, encoding);
    partition.recent = open_.insert(open_.begin(), number);
  } else {
    open_.splice(open_.begin(), open_, partition.recent);
  }
  partition.file->Append(partition.file->Prepare(std::move(rows)));
  if (IsFull(*partition.file)) Close(number);
}

void PartitionedWriter::CloseOldest() {
  assert(!open_.empty());
  Close(open_.back());
}

void PartitionedWriter::Close(size_t number) {
  auto& partition = *partitions_[number];
  if (!partition.file) return;
  open_.erase(partition.recent);
  files_.Finish(*partition.file);
  partition.file.reset();
}

}  // namespace yummy::duck
