#include "yummy/duck/change/row_marks.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"

namespace yummy::duck {

RowMarks::Marks& RowMarks::MarksOf(delta::FileId file) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = files_.find(file); found != files_.end()) return *found->second;
  }
  const std::unique_lock lock(mutex_);
  auto& marks = files_[file];
  if (!marks) marks = std::make_unique<Marks>();
  return *marks;
}

uint64_t RowMarks::Mark(duckdb::DataChunk& identities, duckdb::idx_t first_column) {
  duckdb::UnifiedVectorFormat files;
  duckdb::UnifiedVectorFormat rows;
  identities.data[first_column].ToUnifiedFormat(identities.size(), files);
  identities.data[first_column + 1].ToUnifiedFormat(identities.size(), rows);
  const auto* file_ids = duckdb::UnifiedVectorFormat::GetData<uint64_t>(files);
  const auto* row_numbers = duckdb::UnifiedVectorFormat::GetData<int64_t>(rows);
  uint64_t added = 0;
  std::optional<delta::FileId> current;
  Marks* marks = nullptr;
  std::unique_lock<std::mutex> lock;
  for (duckdb::idx_t i = 0; i < identities.size(); i++) {
    const delta::FileId file = file_ids[files.sel->get_index(i)];
    if (current != file) {
      // Rows of a scan come file by file: the lock changes hands seldom.
      if (lock) lock.unlock();
      current = file;
      marks = &MarksOf(file);
      lock = std::unique_lock(marks->mutex);
    }
    if (marks->rows.Add(static_cast<uint64_t>(row_numbers[rows.sel->get_index(i)]))) {
      added++;
    } else if (second_ == SecondMark::kRefused) {
      Throw(
          Error(ErrorCode::kInvalidArgument,
                fmt::format("two source rows change the same row of table {}: which one counts is not defined", table_))
              .WithReason(Reason::kDuplicateMatch)
              .With("hint", "make the source unique on the columns of the condition"));
    }
  }
  return added;
}

std::vector<RowMarks::File> RowMarks::Take() {
  const std::unique_lock lock(mutex_);
  std::vector<File> taken;
  taken.reserve(files_.size());
  for (auto& [id, marks] : files_) taken.push_back({id, marks->rows.Build()});
  files_.clear();
  return taken;
}

}  // namespace yummy::duck
