#include "yummy/duck/scan/file_list.h"

#include <algorithm>

#include "yummy/delta/protocol/path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/file/file_system.h"
#include "yummy/duck/state/instance_info.h"

namespace yummy::duck {
namespace {

// Above this, ordering the candidates of a Top-N query costs more than it saves.
constexpr size_t kOrderedFilesMax = 20'000;

// The usual size of a compressed row. It gives an estimate for files without a count.
constexpr int64_t kBytesPerRow = 64;

std::optional<FilteredColumn> ColumnAt(const delta::Schema& schema, duckdb::idx_t column) {
  if (column >= schema.size()) return std::nullopt;
  return FilteredColumn{{schema[column].name}, &schema[column].type};
}

}  // namespace

DeltaFileList::DeltaFileList(duckdb::shared_ptr<ScanInfo> scan)
    : scan_(std::move(scan)),
      files_(std::make_shared<const std::vector<delta::FileId>>(scan_->files ? *scan_->files
                                                                             : scan_->snapshot->files())) {}

DeltaFileList::DeltaFileList(duckdb::shared_ptr<ScanInfo> scan, Files files, delta::Predicate predicate,
                             std::string filters)
    : scan_(std::move(scan)),
      files_(std::move(files)),
      predicate_(std::move(predicate)),
      filters_(std::move(filters)) {}

int64_t DeltaFileList::size_bytes() const {
  if (files_->size() == scan_->snapshot->file_count()) return scan_->snapshot->size_bytes();
  int64_t total = 0;
  for (delta::FileId id : *files_) total += scan_->snapshot->file(id).size_bytes;
  return total;
}

duckdb::unique_ptr<DeltaFileList> DeltaFileList::Narrowed(const delta::Predicate& predicate,
                                                          std::string filters) const {
  auto kept = std::make_shared<const std::vector<delta::FileId>>(scan_->snapshot->Prune(predicate, files_.get()));
  return duckdb::unique_ptr<DeltaFileList>(
      new DeltaFileList(scan_, std::move(kept), delta::Predicate::And({predicate_, predicate}), std::move(filters)));
}

duckdb::unique_ptr<duckdb::MultiFileList> DeltaFileList::ComplexFilterPushdown(
    duckdb::ClientContext&, const duckdb::MultiFileOptions&, duckdb::MultiFilePushdownInfo& info,
    duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) const {
  if (filters.empty() || files_->empty()) return nullptr;
  const delta::Schema& schema = scan_->snapshot->schema();
  const ColumnOf column_of = [&](const duckdb::Expression& expression) -> std::optional<FilteredColumn> {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_COLUMN_REF) return std::nullopt;
    const auto& reference = expression.Cast<duckdb::BoundColumnRefExpression>();
    if (reference.depth != 0 || reference.binding.table_index != info.table_index ||
        reference.binding.column_index >= info.column_ids.size()) {
      return std::nullopt;
    }
    return ColumnAt(schema, info.column_ids[reference.binding.column_index]);
  };
  std::vector<delta::Predicate> predicates;
  for (const auto& filter : filters) {
    auto predicate = ToPredicate(*filter, column_of);
    if (!predicate.is_unknown()) predicates.push_back(std::move(predicate));
  }
  if (predicates.empty()) return nullptr;
  const auto predicate = delta::Predicate::And(std::move(predicates));
  std::string text = predicate.ToString();
  // The optimizer asks twice, mostly with the same filters.
  if (text == filters_) return nullptr;
  return Narrowed(predicate, std::move(text));
}

duckdb::unique_ptr<duckdb::MultiFileList> DeltaFileList::DynamicFilterPushdown(
    duckdb::ClientContext&, const duckdb::MultiFileOptions&, const duckdb::vector<std::string>&,
    const duckdb::vector<duckdb::LogicalType>&, const duckdb::vector<duckdb::column_t>& column_ids,
    duckdb::TableFilterSet& filters) const {
  const delta::Schema& schema = scan_->snapshot->schema();
  std::vector<delta::Predicate> predicates;
  std::vector<DynamicFilter> dynamic;
  // The keys are positions in column_ids, not columns of the table.
  for (const auto& [position, filter] : filters.filters) {
    auto column = position < column_ids.size() ? ColumnAt(schema, column_ids[position]) : std::nullopt;
    if (!column) continue;
    if (IsDynamic(*filter)) {
      auto copy = filter->Copy();  // the copy shares the bound that the Top-N tightens
      dynamic.push_back({*column, std::shared_ptr<const duckdb::TableFilter>(copy.release())});
    }
    auto predicate = ToPredicate(*filter, *column);
    if (!predicate.is_unknown()) predicates.push_back(std::move(predicate));
  }
  // With a single file there is nothing to skip while the scan runs.
  if (files_->size() < 2) dynamic.clear();
  if (files_->empty() || (predicates.empty() && dynamic.empty())) return nullptr;
  auto narrowed = predicates.empty()
                      ? duckdb::unique_ptr<DeltaFileList>(new DeltaFileList(scan_, files_, predicate_, filters_))
                      : Narrowed(delta::Predicate::And(std::move(predicates)), filters_);
  narrowed->dynamic_ = std::move(dynamic);
  narrowed->rows_expected_ = rows_expected_;
  narrowed->OrderForDynamic();
  return narrowed;
}

// Files with the best rows come first. So the bound gets tight early, and later files need not be opened.
void DeltaFileList::OrderForDynamic() {
  if (dynamic_.empty() || files_->size() < 2 || files_->size() > kOrderedFilesMax) return;
  const auto comparison = DynamicComparison(*dynamic_.front().filter);
  if (!comparison) return;
  const bool ascending = *comparison == duckdb::ExpressionType::COMPARE_LESSTHAN ||
                         *comparison == duckdb::ExpressionType::COMPARE_LESSTHANOREQUALTO;
  std::vector<std::pair<std::optional<delta::Scalar>, delta::FileId>> ordered;
  for (delta::FileId id : *files_) {
    auto facts = scan_->snapshot->Facts(id, dynamic_.front().column.path);
    ordered.emplace_back(facts ? (ascending ? facts->min : facts->max) : std::nullopt, id);
  }
  std::stable_sort(ordered.begin(), ordered.end(), [ascending](const auto& a, const auto& b) {
    if (!a.first || !b.first) return a.first.has_value() && !b.first.has_value();
    const auto order = delta::Scalar::Compare(*a.first, *b.first);
    return ascending ? order < 0 : order > 0;
  });
  auto files = std::make_shared<std::vector<delta::FileId>>();
  for (const auto& [bound, id] : ordered) files->push_back(id);
  files_ = std::move(files);
}

bool DeltaFileList::MayMatchDynamic(delta::FileId id) const {
  const auto facts = [this, id](const delta::ColumnPath& path) { return scan_->snapshot->Facts(id, path); };
  return std::all_of(dynamic_.begin(), dynamic_.end(), [&facts](const DynamicFilter& dynamic) {
    return ToPredicate(*dynamic.filter, dynamic.column).MayMatch(facts);
  });
}

duckdb::OpenFileInfo DeltaFileList::GetFile(duckdb::idx_t position) const {
  if (dynamic_.empty()) return position < files_->size() ? Describe((*files_)[position]) : duckdb::OpenFileInfo();
  delta::FileId id = 0;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    for (; given_.size() <= position && next_ < files_->size(); ++next_) {
      if (MayMatchDynamic((*files_)[next_])) given_.push_back((*files_)[next_]);
    }
    if (position >= given_.size()) return {};
    id = given_[position];
  }
  return Describe(id);
}

std::vector<delta::FileId> DeltaFileList::Upcoming(size_t files_given, size_t files_max) const {
  size_t candidate = files_given;
  if (!dynamic_.empty()) {
    std::lock_guard<std::mutex> guard(mutex_);
    candidate = next_;
  }
  std::vector<delta::FileId> upcoming;
  for (; candidate < files_->size() && upcoming.size() < files_max; ++candidate) {
    if (dynamic_.empty() || MayMatchDynamic((*files_)[candidate])) upcoming.push_back((*files_)[candidate]);
  }
  return upcoming;
}

Result<store::ObjectMeta> DeltaFileList::ObjectOf(const delta::Snapshot& snapshot, const delta::FileView& file) {
  return store::ObjectMeta{
      .path = TRY(delta::ResolveLogPath(*snapshot.object_store(), snapshot.table_path(), file.path)),
      .size_bytes = static_cast<uint64_t>(file.size_bytes),
      // The time only tells versions apart, so it may wrap if it is too large.
      .modified_micros = static_cast<int64_t>(static_cast<uint64_t>(file.modification_time_ms) * 1000)};
}

duckdb::OpenFileInfo DeltaFileList::Describe(delta::FileId id) const {
  const delta::Snapshot& snapshot = *scan_->snapshot;
  const delta::FileView file = snapshot.file(id);
  auto info = ReadableFile(*scan_->instance, scan_->store_ordinal, ValueOrThrow(ObjectOf(snapshot, file)));
  info.extended_info->options[kFileIdOption] = duckdb::Value::UBIGINT(id);
  if (file.deletion_vector) info.extended_info->options["has_deletes"] = duckdb::Value::BOOLEAN(true);
  return info;
}

duckdb::vector<duckdb::OpenFileInfo> DeltaFileList::GetAllFiles() const {
  duckdb::vector<duckdb::OpenFileInfo> all;
  all.reserve(files_->size());
  for (delta::FileId id : *files_) all.push_back(Describe(id));
  return all;
}

// Never SINGLE_FILE, because DuckDB would then take the number of threads from a file that it opened while binding.
duckdb::FileExpandResult DeltaFileList::GetExpandResult() const {
  return files_->empty() ? duckdb::FileExpandResult::NO_FILES : duckdb::FileExpandResult::MULTIPLE_FILES;
}

duckdb::vector<duckdb::OpenFileInfo> DeltaFileList::GetDisplayFileList(duckdb::optional_idx) const { return {}; }

// Only an estimate, without a maximum, because the optimiser trusts a maximum, and logs can be wrong.
duckdb::unique_ptr<duckdb::NodeStatistics> DeltaFileList::GetCardinality(duckdb::ClientContext&) const {
  std::lock_guard<std::mutex> guard(mutex_);
  if (!rows_) {
    int64_t rows = 0;
    for (delta::FileId id : *files_) {
      const delta::FileView file = scan_->snapshot->file(id);
      const int64_t live = file.live_records();
      rows += live >= 0 ? live : std::max<int64_t>(1, file.size_bytes / kBytesPerRow);
    }
    rows_ = std::max<int64_t>(rows, 0);
  }
  return duckdb::make_uniq<duckdb::NodeStatistics>(static_cast<duckdb::idx_t>(*rows_));
}

duckdb::unique_ptr<duckdb::MultiFileList> DeltaFileList::Copy() const {
  auto copy = duckdb::unique_ptr<DeltaFileList>(new DeltaFileList(scan_, files_, predicate_, filters_));
  copy->dynamic_ = dynamic_;
  copy->rows_expected_ = rows_expected_;
  return copy;
}

}  // namespace yummy::duck
