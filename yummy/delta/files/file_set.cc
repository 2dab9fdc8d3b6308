#include "yummy/delta/files/file_set.h"

#include <cassert>
#include <utility>

namespace yummy::delta {

namespace {

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

}  // namespace

LiveSegment::LiveSegment(std::shared_ptr<const FileSegment> segment)
    : segment_(std::move(segment)), live_count_(segment_->rows()) {}

void LiveSegment::Kill(size_t row) {
  assert(is_live(row));
  if (!bits_) {
    const size_t rows = segment_->rows();
    bits_ = std::make_shared<std::vector<uint64_t>>((rows + 63) / 64, ~uint64_t{0});
    if (rows % 64 != 0) bits_->back() = (uint64_t{1} << (rows % 64)) - 1;
  } else if (bits_.use_count() > 1) {
    bits_ = std::make_shared<std::vector<uint64_t>>(*bits_);
  }
  (*bits_)[row / 64] &= ~(uint64_t{1} << (row % 64));
  live_count_--;
}

const LiveSegment* FileSet::FindSegment(FileId id) const {
  for (const LiveSegment& live : segments_) {
    if (live.segment().number() == SegmentNumber(id)) return &live;
  }
  return nullptr;
}

std::optional<FileId> FileSet::Find(std::string_view key) const {
  for (const LiveSegment& live : segments_) {
    const auto row = live.segment().Find(key);
    if (row && live.is_live(*row)) return MakeId(live.segment().number(), *row);
  }
  return std::nullopt;
}

void FileSet::Remove(const std::vector<std::string>& keys) {
  for (LiveSegment& live : segments_) {
    for (const std::string& key : keys) {
      const auto row = live.segment().Find(key);
      if (!row || !live.is_live(*row)) continue;
      live.Kill(*row);
      count_--;
      size_bytes_ -= live.segment().size_bytes(*row);
    }
  }
  std::erase_if(segments_, [](const LiveSegment& live) { return live.live_count() == 0; });
}

void FileSet::Append(std::shared_ptr<const FileSegment> segment) {
  if (segment->rows() == 0) return;
  LiveSegment live(std::move(segment));
  for (const uint32_t row : live.segment().duplicates()) live.Kill(row);
  count_ += live.live_count();
  live.ForEachLive([&](size_t row) { size_bytes_ = SaturatingAdd(size_bytes_, live.segment().size_bytes(row)); });
  segments_.push_back(std::move(live));
  MergeTail();
}

void FileSet::MergeTail() {
  size_t first = segments_.size() - 1;
  size_t rows = segments_[first].live_count();
  while (first > 0 && segments_[first - 1].live_count() < rows * 2) {
    first--;
    rows += segments_[first].live_count();
  }
  if (first + 1 == segments_.size()) return;
  FileSegmentBuilder builder;
  builder.Reserve(rows);
  for (size_t i = first; i < segments_.size(); i++) {
    segments_[i].ForEachLive([&](size_t row) { builder.CopyFile(segments_[i].segment(), row); });
  }
  segments_.erase(segments_.begin() + static_cast<ptrdiff_t>(first), segments_.end());
  segments_.emplace_back(builder.Finish());
}

}  // namespace yummy::delta
