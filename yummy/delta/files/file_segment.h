#pragma once
// An immutable group of a table's add actions, column by column. All snapshots in which some of its files are live
// share it.

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/files/statistics_columns.h"
#include "yummy/delta/files/text_column.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// Fields that few tables use.
struct FileExtras {
  std::optional<StringMap> tags;
  std::optional<int64_t> base_row_id;
  std::optional<int64_t> default_row_commit_version;
  std::optional<std::string> clustering_provider;

  bool empty() const { return !tags && !base_row_id && !default_row_commit_version && !clustering_provider; }
};

/// The values of one key of partitionValues: few distinct texts for many rows.
struct PartitionColumn {
  static constexpr uint32_t kMissing = 0;  // the action lacks the key: see FileSegment::PartitionCode
  static constexpr uint32_t kNull = 1;
  static constexpr uint32_t kFirstText = 2;

  std::string key;
  std::vector<uint32_t> codes;  // one per row: kMissing, kNull, or kFirstText + position in texts
  std::vector<std::string> texts;
};

/// The typed partition values of a column, by code. Absent for a text that is not a value of the type.
using TypedPartition = std::vector<std::optional<Scalar>>;

class FileSegment {
 public:
  FileSegment(const FileSegment&) = delete;
  FileSegment& operator=(const FileSegment&) = delete;
  ~FileSegment();

  /// Unique in this process, for the upper half of a FileId.
  uint32_t number() const { return number_; }
  size_t rows() const { return sizes_.size(); }

  std::string_view path(size_t row) const { return paths_[row]; }
  int64_t size_bytes(size_t row) const { return sizes_[row]; }
  int64_t modification_time_ms(size_t row) const { return modification_times_[row]; }
  const DeletionVectorDescriptor* deletion_vector(size_t row) const {
    return vector_of_.empty() || vector_of_[row] < 0 ? nullptr : &vectors_[static_cast<size_t>(vector_of_[row])];
  }
  const FileExtras* extras(size_t row) const {
    return extras_of_.empty() || extras_of_[row] < 0 ? nullptr : &extras_[static_cast<size_t>(extras_of_[row])];
  }
  const PartitionColumn* FindPartition(std::string_view key) const;
  /// The code of a row's value in Partition(). If the action lacks the key, the value is null, as for Spark and others.
  /// kMissing is returned only if the action has the key in other letters, because then nobody knows what is meant.
  uint32_t PartitionCode(std::string_view key, size_t row) const;
  /// The whole action, with dataChange true.
  Add ToAdd(size_t row) const;

  /// The statistics as JSON text; empty for rows without. Typed statistics are turned into text on first use.
  const TextColumn& statistics() const;
  /// numRecords and tightBounds, decoded on first use. This and the functions below are safe from several threads.
  std::shared_ptr<const FileCounts> Counts() const;
  /// The statistics of some leaf columns. Columns that were not decoded before are decoded in one pass.
  std::vector<std::shared_ptr<const ColumnBounds>> Bounds(std::span<const LeafColumn> columns) const;
  std::shared_ptr<const TypedPartition> Partition(std::string_view key, const DataType& type) const;

  /// The row with a key of MakeFileKey. The index is built on first use.
  std::optional<size_t> Find(std::string_view key) const;
  /// The rows whose key an earlier row has as well.
  const std::vector<uint32_t>& duplicates() const;

 private:
  friend class FileSegmentBuilder;
  struct Lazy;
  struct TypedStatistics {
    size_t first_row = 0;
    size_t rows = 0;
    std::function<std::string(size_t)> text_of;  // takes the row, counted from first_row
  };
  FileSegment();
  std::string KeyOf(size_t row) const;
  bool HasKey(size_t row, std::string_view key) const;
  void BuildIndex() const;

  uint32_t number_;
  TextColumn paths_;
  std::vector<int64_t> sizes_;
  std::vector<int64_t> modification_times_;
  TextColumn texts_;                    // statistics
  std::vector<TypedStatistics> typed_;  // statistics of rows without a text
  std::vector<PartitionColumn> partitions_;
  std::vector<int32_t> vector_of_;  // empty when no file has a deletion vector; -1: none
  std::vector<DeletionVectorDescriptor> vectors_;
  std::vector<int32_t> extras_of_;  // empty when no file has extras; -1: none
  std::vector<FileExtras> extras_;
  std::unique_ptr<Lazy> lazy_;
};

/// Collects rows for a segment.
class FileSegmentBuilder {
 public:
  FileSegmentBuilder();
  ~FileSegmentBuilder();
  FileSegmentBuilder(FileSegmentBuilder&&) noexcept;
  FileSegmentBuilder& operator=(FileSegmentBuilder&&) noexcept;

  size_t rows() const;
  void Reserve(size_t rows);

  /// Begins a row. The setters below change the row that was begun last.
  /// Errors: Corrupt (empty path, bad escape, negative size).
  Result<void> BeginFile(std::string_view path, int64_t size_bytes, int64_t modification_time_ms,
                         std::string_view statistics);
  /// An absent text is null.
  void SetPartitionValue(std::string_view key, std::optional<std::string_view> text);
  void SetDeletionVector(DeletionVectorDescriptor descriptor);
  void SetExtras(FileExtras extras);

  Result<void> AddFile(const Add& add);
  /// Copies a row of another segment.
  void CopyFile(const FileSegment& segment, size_t row);

  /// Sets typed statistics for `rows` rows from `first_row` on; they count for rows without a text. `text_of` takes the
  /// row, counted from first_row, and gives its JSON text. It must stay callable. One thread at a time calls it.
  void SetTypedStatistics(size_t first_row, size_t rows, std::function<std::string(size_t)> text_of);

  std::shared_ptr<const FileSegment> Finish();

 private:
  void AppendRow(std::string_view path, int64_t size_bytes, int64_t modification_time_ms, std::string_view statistics);
  std::shared_ptr<FileSegment> segment_;
  struct Dictionary;
  std::unique_ptr<Dictionary> dictionary_;
};

}  // namespace yummy::delta
