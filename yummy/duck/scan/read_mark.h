#pragma once
// What a statement reads of a table, for the conflict check of the transaction that it writes.

#include <mutex>
#include <vector>

#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/files/predicate.h"

namespace yummy::duck {

/// The reads that began with one bound scan: the whole table until a scan begins to run, as the optimizer may answer
/// from statistics and leave the scan out; then the rows that satisfy the predicates of the scans. Safe from several
/// threads.
class ReadMark {
 public:
  void ReadAll();
  void ReadRows(delta::Predicate predicate);
  void StageTo(delta::Transaction& transaction) const;

 private:
  mutable std::mutex mutex_;
  bool reads_all_ = false;                    // guarded by mutex_
  std::vector<delta::Predicate> predicates_;  // guarded by mutex_; one for each scan that began
};

}  // namespace yummy::duck
