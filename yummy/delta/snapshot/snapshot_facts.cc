// Pruning, facts and summaries of columns: everything that a snapshot can say about its files without opening them.

#include <algorithm>
#include <utility>

#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

/// The facts about some columns in the files of one segment, by row.
class SegmentFacts {
 public:
  SegmentFacts(const TableShape& shape, const FileSegment& segment, const std::vector<ColumnSource>& sources)
      : segment_(segment), sources_(sources), columns_(sources.size()) {
    std::vector<LeafColumn> leaves;
    std::vector<size_t> leaf_of;
    for (size_t i = 0; i < sources.size(); i++) {
      if (sources[i].kind == ColumnSource::Kind::kPartition) {
        const std::string& key = shape.partition_keys[sources[i].partition];
        columns_[i].partition = key;
        columns_[i].typed = segment.Partition(key, sources[i].leaf.type);
      } else if (sources[i].kind == ColumnSource::Kind::kStatistics) {
        leaves.push_back(sources[i].leaf);
        leaf_of.push_back(i);
      }
    }
    if (leaves.empty()) return;
    auto bounds = segment.Bounds(leaves);
    for (size_t i = 0; i < leaves.size(); i++) columns_[leaf_of[i]].bounds = std::move(bounds[i]);
    counts_ = segment.Counts();
  }

  std::optional<ColumnFacts> Facts(size_t column, size_t row) const {
    const Column& found = columns_[column];
    if (found.bounds) return found.bounds->Facts(row, counts_->num_records[row]);
    if (!found.typed) return std::nullopt;
    const uint32_t code = segment_.PartitionCode(found.partition, row);
    if (code == PartitionColumn::kMissing || !(*found.typed)[code]) return std::nullopt;
    const Scalar& value = *(*found.typed)[code];
    ColumnFacts facts;
    facts.may_hold_nan = false;
    facts.all_null = value.is_null();
    facts.no_null = !value.is_null();
    if (!value.is_null()) {
      facts.min = value;
      facts.max = value;
      const auto* number = std::get_if<double>(&value.storage());
      facts.may_hold_nan = number != nullptr && *number != *number;
    }
    return facts;
  }

  /// -1: unknown.
  int64_t null_count(size_t column, size_t row) const {
    return columns_[column].bounds ? columns_[column].bounds->null_count(row) : -1;
  }
  const FileSegment& segment() const { return segment_; }

 private:
  struct Column {
    std::shared_ptr<const ColumnBounds> bounds;
    std::string_view partition;  // its key
    std::shared_ptr<const TypedPartition> typed;
  };
  const FileSegment& segment_;
  const std::vector<ColumnSource>& sources_;
  std::vector<Column> columns_;
  std::shared_ptr<const FileCounts> counts_;
};

/// Evaluates a predicate for one file after another.
class Pruner {
 public:
  Pruner(const Snapshot::State& state, const Predicate& predicate)
      : state_(state), predicate_(predicate), paths_(predicate.Columns()) {
    for (const ColumnPath& path : paths_) sources_.push_back(ColumnSource::Find(*state.shape, path));
    facts_of_ = [this](const ColumnPath& path) -> std::optional<ColumnFacts> {
      for (size_t i = 0; i < paths_.size(); i++) {
        if (paths_[i] == path) return current_->Facts(i, row_);
      }
      return std::nullopt;
    };
  }

  bool MayMatch(const FileSegment& segment, size_t row) {
    Enter(segment, row);
    return predicate_.MayMatch(facts_of_);
  }

 private:
  void Enter(const FileSegment& segment, size_t row) {
    row_ = row;
    if (current_ != nullptr && &current_->segment() == &segment) return;
    auto& facts = by_segment_[segment.number()];
    if (!facts) facts = std::make_unique<SegmentFacts>(*state_.shape, segment, sources_);
    current_ = facts.get();
  }

  const Snapshot::State& state_;
  const Predicate& predicate_;
  const std::vector<ColumnPath> paths_;
  std::vector<ColumnSource> sources_;
  FactsOf facts_of_;
  std::map<uint32_t, std::unique_ptr<SegmentFacts>> by_segment_;
  const SegmentFacts* current_ = nullptr;
  size_t row_ = 0;
};

/// True if the bounds of a file occur in its live rows.
bool IsExact(const ColumnSource& source, const FileSegment& segment, const FileCounts& counts, size_t row,
             const ColumnFacts& facts) {
  if (segment.deletion_vector(row) != nullptr || counts.num_records[row] <= 0) return false;
  if (source.kind == ColumnSource::Kind::kPartition) return !facts.may_hold_nan;
  if (counts.tight[row] == 0) return false;
  switch (source.leaf.type.kind) {
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
    case TypeKind::kBinary: return false;
    // Writers that compute with doubles round decimals, so the bound need not occur in the data.
    case TypeKind::kDecimal: return false;
    // A writer may cut strings at any length (in Spark it is a setting), so even a short bound may be cut.
    case TypeKind::kString: return false;
    default: return true;
  }
}

/// Gathers a ColumnSummary file by file.
class SummaryBuilder {
 public:
  void Take(const ColumnFacts& facts, bool exact, int64_t null_count, const FileView& file) {
    files_++;
    if (!facts.no_null) may_have_null_ = true;
    TakeNullCount(facts, null_count, file);
    if (facts.all_null) return;
    exact_ = exact_ && exact;
    if (!facts.min) min_known_ = false;
    if (!facts.max) max_known_ = false;
    if (facts.min && (!min_ || Scalar::Compare(*facts.min, *min_) < 0)) min_ = facts.min;
    if (facts.max && (!max_ || Scalar::Compare(*facts.max, *max_) > 0)) max_ = facts.max;
  }

  ColumnSummary Finish() const {
    ColumnSummary summary;
    if (min_known_) summary.min = min_;
    if (max_known_) summary.max = max_;
    summary.bounds_are_exact = exact_ && summary.min && summary.max;
    summary.may_have_null = may_have_null_;
    summary.null_count = null_count_;
    return summary;
  }

 private:
  void TakeNullCount(const ColumnFacts& facts, int64_t null_count, const FileView& file) {
    std::optional<int64_t> nulls;
    if (facts.no_null) {
      nulls = 0;
    } else if (facts.all_null) {
      if (file.live_records() >= 0) nulls = file.live_records();
    } else if (null_count >= 0 && file.deletion_vector == nullptr) {
      nulls = null_count;
    }
    int64_t sum = 0;
    if (!nulls || (null_count_ && __builtin_add_overflow(*null_count_, *nulls, &sum))) null_count_.reset();
    if (null_count_) null_count_ = sum;
  }

  size_t files_ = 0;
  bool exact_ = true;
  bool min_known_ = true;
  bool max_known_ = true;
  bool may_have_null_ = false;
  std::optional<int64_t> null_count_ = 0;
  std::optional<Scalar> min_;
  std::optional<Scalar> max_;
};

ColumnSummary Summarize(const Snapshot::State& state, const ColumnPath& column) {
  const std::vector<ColumnSource> sources = {ColumnSource::Find(*state.shape, column)};
  if (sources[0].kind == ColumnSource::Kind::kNone) return {};
  SummaryBuilder builder;
  for (const LiveSegment& live : state.files.segments()) {
    const FileSegment& segment = live.segment();
    const SegmentFacts facts(*state.shape, segment, sources);
    const auto counts = segment.Counts();
    live.ForEachLive([&](size_t row) {
      const ColumnFacts found = facts.Facts(0, row).value_or(ColumnFacts());
      const FileView file{.path = {},
                          .size_bytes = 0,
                          .modification_time_ms = 0,
                          .num_records = counts->num_records[row],
                          .deletion_vector = segment.deletion_vector(row)};
      builder.Take(found, IsExact(sources[0], segment, *counts, row, found), facts.null_count(0, row), file);
    });
  }
  return builder.Finish();
}

}  // namespace

std::vector<FileId> Snapshot::Prune(const Predicate& predicate, const std::vector<FileId>* candidates) const {
  if (predicate.is_unknown()) return candidates != nullptr ? *candidates : files();
  Pruner pruner(*state_, predicate);
  std::vector<FileId> kept;
  if (candidates == nullptr) {
    for (const LiveSegment& live : state_->files.segments()) {
      live.ForEachLive([&](size_t row) {
        if (pruner.MayMatch(live.segment(), row)) kept.push_back(FileSet::MakeId(live.segment().number(), row));
      });
    }
    return kept;
  }
  for (const FileId id : *candidates) {
    const LiveSegment* live = state_->files.FindSegment(id);
    if (live != nullptr && pruner.MayMatch(live->segment(), FileSet::Row(id))) kept.push_back(id);
  }
  return kept;
}

std::optional<ColumnFacts> Snapshot::Facts(FileId id, const ColumnPath& column) const {
  const LiveSegment* live = state_->files.FindSegment(id);
  const std::vector<ColumnSource> sources = {ColumnSource::Find(*state_->shape, column)};
  if (live == nullptr || sources[0].kind == ColumnSource::Kind::kNone) return std::nullopt;
  return SegmentFacts(*state_->shape, live->segment(), sources).Facts(0, FileSet::Row(id));
}

ColumnSummary Snapshot::Summary(const ColumnPath& column) const {
  {
    const std::lock_guard lock(state_->mutex);
    const auto at = state_->summaries.find(column);
    if (at != state_->summaries.end()) return at->second;
  }
  ColumnSummary summary = Summarize(*state_, column);
  const std::lock_guard lock(state_->mutex);
  // Only paths of existing columns are kept, so the number of columns bounds this cache.
  if (ColumnSource::Find(*state_->shape, column).kind != ColumnSource::Kind::kNone)
    state_->summaries.emplace(column, summary);
  return summary;
}

}  // namespace yummy::delta
