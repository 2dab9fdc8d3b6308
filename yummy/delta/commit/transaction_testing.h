#pragma once
// A small table for tests of transactions: columns id (long) and p (string), partitioned by p.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

Metadata TestMetadata(const StringMap& configuration = {});

/// An add for the partition p=`partition` with ids 0 to 9. The file does not exist.
Add TestAdd(std::string_view name, std::string_view partition, bool data_change = true);

/// Options with pauses of at most a millisecond.
TableOptions TestTableOptions();

/// Creates the table "t", and adds its files as version 1. Fails the test on an error.
std::shared_ptr<Table> MakeTestTable(const std::shared_ptr<store::ObjectStore>& store, const TableOptions& options,
                                     const std::vector<Add>& files = {}, const StringMap& configuration = {});

/// What all commits of a log hold together.
struct LogContent {
  std::vector<int64_t> versions;    // ascending
  std::map<std::string, int> adds;  // how often each path is added
  std::map<std::string, int> removes;
  std::vector<CommitInfo> infos;  // one per version
};

/// Reads the log of the table "t" as any reader would. Fails the test when it cannot be read.
LogContent ReadLog(store::ObjectStore& store);

/// The paths of all objects that start with `prefix`.
std::vector<std::string> PathsBelow(store::ObjectStore& store, std::string_view prefix);

/// The paths of all objects below the table "t" that are not in its log.
std::vector<std::string> DataFiles(store::ObjectStore& store);

}  // namespace yummy::delta
