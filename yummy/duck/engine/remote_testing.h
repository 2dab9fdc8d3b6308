#pragma once
// Tables in a far store, for tests: how many requests a statement makes, how many at once, and what is left of them.

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

/// The latency of each request, once the tables are made.
inline constexpr std::chrono::milliseconds kLatency{40};
/// A generous bound for "at once", even when other programs take all processors.
inline constexpr std::chrono::seconds kAtOnce{15};

/// A context for work that must not hang. If it does, it fails with a message, long before the whole test run is given
/// up.
Context Patient();

/// A table with the columns id (ascending over all files), p (id modulo `partitions`), and `doubles` random columns: d0
/// …
struct TableShape {
  std::string name = "t";
  int64_t files = 1;
  int64_t rows = 100;  // per file
  int doubles = 1;
  int64_t partitions = 0;  // 0: no column p
};

/// The rows of one file.
std::shared_ptr<arrow::RecordBatch> RowsOf(const TableShape& shape, int64_t file);

class RemoteTest : public ::testing::Test {
 protected:
  RemoteTest();
  ~RemoteTest() override;

  /// Opens a database with empty caches.
  void OpenDatabase(DatabaseOptions options = {});
  /// A transaction that creates the table.
  std::unique_ptr<delta::Transaction> Create(const TableShape& shape);
  void MakeTable(const TableShape& shape);
  Result<std::vector<std::string>> Query(const std::string& sql, const Context& context = Patient());

  struct Cost {
    size_t requests = 0;  // for data files
    uint64_t bytes = 0;   // that these requests read
    size_t log_requests = 0;
    std::vector<std::string> rows;
  };
  Cost Measure(const std::string& sql);

  /// The bytes that were read ahead and wait for a reader.
  uint64_t ReservedBytes();
  /// Expects that requests and bytes of finished statements soon go away.
  void ExpectNothingLeft();
  std::vector<std::string> DataFiles(const std::string& table);
  /// The data file that a scan without filters reads after `n` others.
  std::string NthFile(const std::string& table, size_t n);

  Executor executor_{4, 1000};
  std::shared_ptr<store::FaultStore> faults_;                    // shared: with store_
  std::shared_ptr<store::LatencyStore> store_;                   // shared: with the stores before it
  std::shared_ptr<store::ObjectStore> front_;                    // the store that new databases and tables use
  std::map<std::string, std::shared_ptr<delta::Table>> tables_;  // the tables that SQL finds
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

}  // namespace yummy::duck
