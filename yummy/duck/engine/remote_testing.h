#pragma once
// Tables in a store that is far away, for tests: how many requests a statement takes, how many at once, what they leave
// behind.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>
#include <gtest/gtest.h>

#include "yummy/base/executor.h"
#include "yummy/delta/commit/table.h"
#include "yummy/duck/database.h"
#include "yummy/duck/session.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/latency_testing.h"

namespace yummy::duck {

/// Of each request, once the tables are made.
inline constexpr std::chrono::milliseconds kLatency{40};
/// What ends at once does so within this, also where other programs take all processors.
inline constexpr std::chrono::seconds kAtOnce{15};

/// The context of what must not hang: then it fails, with a text, long before the whole run is given up.
Context Patient();

/// A table of the columns id (ascending over all files), p (id modulo `partitions`), and `doubles` random ones: d0 …
struct TableShape {
  std::string name = "t";
  int64_t files = 1;
  int64_t rows = 100;  // of a file
  int doubles = 1;
  int64_t partitions = 0;  // 0: no column p
};

/// The rows of one file.
std::shared_ptr<arrow::RecordBatch> RowsOf(const TableShape& shape, int64_t file);

class RemoteTest : public ::testing::Test {
 protected:
  RemoteTest();
  ~RemoteTest() override;

  /// A database without anything in its caches.
  void OpenDatabase(DatabaseOptions options = {});
  /// A transaction that creates the table.
  std::unique_ptr<delta::Transaction> Create(const TableShape& shape);
  void MakeTable(const TableShape& shape);
  Result<std::vector<std::string>> Query(const std::string& sql, const Context& context = Patient());

  struct Cost {
    size_t requests = 0;  // for data files
    uint64_t bytes = 0;   // of these
    size_t log_requests = 0;
    std::vector<std::string> rows;
  };
  Cost Measure(const std::string& sql);

  /// Bytes that were read ahead and wait for a reader.
  uint64_t ReservedBytes();
  /// What is left of a statement that is over leaves soon, too.
  void ExpectNothingLeft();
  std::vector<std::string> DataFiles(const std::string& table);
  /// The data file that a scan without filters reads after `n` others.
  std::string NthFile(const std::string& table, size_t n);

  Executor executor_{4, 1000};
  std::shared_ptr<store::FaultStore> faults_;                    // shared: with store_
  std::shared_ptr<store::LatencyStore> store_;                   // shared: with what stands before it
  std::shared_ptr<store::ObjectStore> front_;                    // what databases and tables made from now on speak to
  std::map<std::string, std::shared_ptr<delta::Table>> tables_;  // what SQL finds
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

}  // namespace yummy::duck
