#include "yummy/duck/scan/read_mark.h"

#include <algorithm>
#include <utility>

namespace yummy::duck {

void ReadMark::ReadAll() {
  const std::lock_guard lock(mutex_);
  reads_all_ = true;
}

void ReadMark::ReadRows(delta::Predicate predicate) {
  const std::lock_guard lock(mutex_);
  predicates_.push_back(std::move(predicate));
}

void ReadMark::StageTo(delta::Transaction& transaction) const {
  const std::lock_guard lock(mutex_);
  const bool has_unbounded = std::any_of(predicates_.begin(), predicates_.end(),
                                         [](const delta::Predicate& predicate) { return predicate.is_unknown(); });
  if (reads_all_ || predicates_.empty() || has_unbounded) {
    transaction.ReadWholeTable();
    return;
  }
  for (const delta::Predicate& predicate : predicates_) transaction.ReadFiles(predicate);
}

}  // namespace yummy::duck
