#pragma once
// The data files of a scan: live files of an immutable snapshot, narrowed by the filters of the query.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/filter_predicate.h"
#include "yummy/duck/scan/scan_info.h"

namespace yummy::duck {

/// Immutable, except that a Top-N filter may let it skip files while the scan runs. Safe from several threads.
class DeltaFileList final : public duckdb::MultiFileList {
 public:
  /// The files of the scan; all live files of the snapshot if it names none.
  explicit DeltaFileList(duckdb::shared_ptr<ScanInfo> scan);

  const ScanInfo& scan() const { return *scan_; }
  const std::vector<delta::FileId>& files() const { return *files_; }
  /// Every row that the query wants from these files satisfies it.
  const delta::Predicate& predicate() const { return predicate_; }
  /// True if a bound that grows tighter may let it skip files while the scan runs.
  bool is_dynamic() const { return !dynamic_.empty(); }
  int64_t size_bytes() const;

  /// False if the bound has become so tight that no row of the file can matter.
  bool MayMatchDynamic(delta::FileId id) const;
  /// Says that the query wants at most so many rows, or somewhat more if it filters them. Call it before the query
  /// runs.
  void ExpectRows(uint64_t rows) { rows_expected_ = rows; }
  bool may_end_early() const { return rows_expected_.has_value(); }
  /// Up to `files_max` files that GetFile would give after the first `files_given`. May change while the scan runs.
  std::vector<delta::FileId> Upcoming(size_t files_given, size_t files_max) const;
  duckdb::OpenFileInfo Describe(delta::FileId id) const;
  /// A data file as its add action describes it.
  static Result<store::ObjectMeta> ObjectOf(const delta::Snapshot& snapshot, const delta::FileView& file);

  duckdb::unique_ptr<duckdb::MultiFileList> ComplexFilterPushdown(
      duckdb::ClientContext& context, const duckdb::MultiFileOptions& options, duckdb::MultiFilePushdownInfo& info,
      duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>& filters) const override;
  duckdb::unique_ptr<duckdb::MultiFileList> DynamicFilterPushdown(duckdb::ClientContext& context,
                                                                  const duckdb::MultiFileOptions& options,
                                                                  const duckdb::vector<std::string>& names,
                                                                  const duckdb::vector<duckdb::LogicalType>& types,
                                                                  const duckdb::vector<duckdb::column_t>& column_ids,
                                                                  duckdb::TableFilterSet& filters) const override;

  duckdb::vector<duckdb::OpenFileInfo> GetAllFiles() const override;
  duckdb::FileExpandResult GetExpandResult() const override;
  duckdb::idx_t GetTotalFileCount() const override { return files_->size(); }
  duckdb::vector<duckdb::OpenFileInfo> GetDisplayFileList(duckdb::optional_idx files_max) const override;
  duckdb::unique_ptr<duckdb::NodeStatistics> GetCardinality(duckdb::ClientContext& context) const override;
  duckdb::unique_ptr<duckdb::MultiFileList> Copy() const override;

 protected:
  duckdb::OpenFileInfo GetFile(duckdb::idx_t position) const override;

 private:
  using Files = std::shared_ptr<const std::vector<delta::FileId>>;
  /// A filter whose bound grows tighter while the scan runs, with its column.
  struct DynamicFilter {
    FilteredColumn column;
    std::shared_ptr<const duckdb::TableFilter> filter;
  };

  DeltaFileList(duckdb::shared_ptr<ScanInfo> scan, Files files, delta::Predicate predicate, std::string filters);
  duckdb::unique_ptr<DeltaFileList> Narrowed(const delta::Predicate& predicate, std::string filters) const;
  void OrderForDynamic();

  duckdb::shared_ptr<ScanInfo> scan_;
  Files files_;
  delta::Predicate predicate_ = delta::Predicate::Unknown();
  std::string filters_;  // the predicates that narrowed the list, as text
  std::vector<DynamicFilter> dynamic_;
  std::optional<uint64_t> rows_expected_;

  mutable std::mutex mutex_;
  mutable std::vector<delta::FileId>
      given_;                            // guarded by mutex_; with dynamic filters: the files that GetFile has given
  mutable size_t next_ = 0;              // guarded by mutex_; the first candidate that was not checked yet
  mutable std::optional<int64_t> rows_;  // guarded by mutex_; estimate
};

}  // namespace yummy::duck
