#pragma once
// A table's log for tests: commits written line by line into a store.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/testing.h"

namespace yummy::delta {

class TestLog {
 public:
  static constexpr std::string_view kTable = "t";

  /// Puts a commit with these lines. Overwrites an existing one.
  void Commit(int64_t version, const std::vector<std::string>& lines);
  /// Puts a file into the log folder.
  void Put(std::string_view name, std::string_view bytes);
  void Delete(std::string_view name);
  std::string Get(std::string_view name);
  Result<SnapshotRef> Load(std::optional<int64_t> version = {});

  /// Version 0 of a table with the columns id long, s string, ts timestamp and p integer, the partition column.
  void Create(std::string_view configuration = "{}");

  ManualClock clock{1'700'000'000'000'000};
  std::shared_ptr<store::ObjectStore> store = store::MakeTestStore(clock);
  Context context;
};

std::string ProtocolLine(int reader = 1, int writer = 2);
/// The metaData of TestLog::Create.
std::string MetadataLine(std::string_view configuration = "{}");
/// An add in partition p = 1 whose column id runs from `min` to `max`, without nulls, ten rows.
std::string AddLine(std::string_view path, int64_t min = 0, int64_t max = 9);
/// An add in partition p = 1 with these statistics, JSON text.
std::string AddLineWith(std::string_view path, std::string_view statistics);
std::string RemoveLine(std::string_view path, int64_t deletion_timestamp_ms = 1'700'000'000'000);

/// The live paths, sorted.
std::vector<std::string> Paths(const Snapshot& snapshot);
std::vector<std::string> Paths(const Snapshot& snapshot, const std::vector<FileId>& files);

}  // namespace yummy::delta
