#pragma once
// The live files of one version: segments, which versions share, and for each segment a set of live rows.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yummy/delta/files/file_id.h"
#include "yummy/delta/files/file_segment.h"

namespace yummy::delta {

/// A segment and its live rows. Copies share both; a change copies the bits first.
class LiveSegment {
 public:
  explicit LiveSegment(std::shared_ptr<const FileSegment> segment);

  const FileSegment& segment() const { return *segment_; }
  size_t live_count() const { return live_count_; }
  bool is_live(size_t row) const { return !bits_ || (((*bits_)[row / 64] >> (row % 64)) & 1) != 0; }

  /// The row must be live. The first call of a series copies the bits if they are shared.
  void Kill(size_t row);

  template <typename Body>
  void ForEachLive(Body&& body) const {
    const size_t rows = segment_->rows();
    if (!bits_) {
      for (size_t row = 0; row < rows; row++) body(row);
      return;
    }
    for (size_t word = 0; word < bits_->size(); word++) {
      for (uint64_t bits = (*bits_)[word]; bits != 0; bits &= bits - 1) {
        body(word * 64 + static_cast<size_t>(__builtin_ctzll(bits)));
      }
    }
  }

 private:
  std::shared_ptr<const FileSegment> segment_;
  std::shared_ptr<std::vector<uint64_t>> bits_;  // null: all live. shared: between versions; copied before a change
  size_t live_count_ = 0;
};

/// A value. A copy takes one step per segment; the number of segments grows with the logarithm of the commits.
class FileSet {
 public:
  static FileId MakeId(uint32_t segment_number, size_t row) { return (uint64_t{segment_number} << 32) | row; }
  static uint32_t SegmentNumber(FileId id) { return static_cast<uint32_t>(id >> 32); }
  static size_t Row(FileId id) { return static_cast<size_t>(id & 0xffff'ffff); }

  size_t count() const { return count_; }
  int64_t size_bytes() const { return size_bytes_; }
  const std::vector<LiveSegment>& segments() const { return segments_; }

  /// The segment of a file; null if the file is not in this set.
  const LiveSegment* FindSegment(FileId id) const;
  std::optional<FileId> Find(std::string_view key) const;

  /// Removes the files with these keys, if they are there.
  void Remove(const std::vector<std::string>& keys);
  /// Adds a segment. None of its keys may be in the set. Of several rows with one key the first counts. Small segments
  /// are merged, so that each is at least twice the size of the next one.
  void Append(std::shared_ptr<const FileSegment> segment);

 private:
  void MergeTail();

  std::vector<LiveSegment> segments_;
  size_t count_ = 0;
  int64_t size_bytes_ = 0;
};

}  // namespace yummy::delta
