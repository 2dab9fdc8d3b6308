// What queries ask of a store that is far away: how many requests, how many at once, and what happens when they fail or
// hang.

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/remote_testing.h"
#include "yummy/fetch/read_ahead.h"
#include "yummy/store/cache_store.h"
#include "yummy/store/disk_cache.h"

namespace yummy::duck {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class RemoteScan : public RemoteTest {};

// --- What a query costs ----------------------------------------------------------------------------------------------

TEST_F(RemoteScan, ReadsEachOfTheFilesOfARangeOnceAndAtOnce) {
  MakeTable({.files = 1000});
  const std::string sql = "SELECT count(d0), sum(id) FROM t WHERE id BETWEEN 50000 AND 50999";
  const auto cold = Measure(sql);
  EXPECT_EQ(cold.rows, std::vector<std::string>{"1000 50499500 "});
  EXPECT_EQ(cold.requests, 10U);
  EXPECT_GE(store_->in_flight_max(), 8U);
  const auto warm = Measure(sql);
  EXPECT_EQ(warm.rows, cold.rows);
  EXPECT_EQ(warm.requests, 0U);
  EXPECT_EQ(warm.log_requests, 1U);
  ExpectNothingLeft();
}

TEST_F(RemoteScan, KeepsTheNetworkBusyInAScanOfManyFiles) {
  MakeTable({.files = 100, .rows = 1000});
  const auto cold = Measure("SELECT sum(id), count(d0) FROM t");
  EXPECT_EQ(cold.rows, std::vector<std::string>{"4999950000 100000 "});
  EXPECT_EQ(cold.requests, 100U);
  EXPECT_GE(store_->in_flight_max(), 16U);
  EXPECT_LE(store_->in_flight_max(), fetch::ReadAheadPool::kThreads + 4);
  EXPECT_EQ(Measure("SELECT sum(id), count(d0) FROM t").requests, 0U);
  ExpectNothingLeft();
}

TEST_F(RemoteScan, ReadsOneFileOfManyForAJoinWithASmallTable) {
  MakeTable({.files = 100, .rows = 1000});
  MakeTable({.name = "small", .rows = 10});
  const auto cost = Measure("SELECT count(t.d0) FROM t JOIN small ON t.id = small.id");
  EXPECT_EQ(cost.rows, std::vector<std::string>{"10 "});
  EXPECT_EQ(cost.requests, 2U);
}

TEST_F(RemoteScan, AnswersFromStatisticsWithoutAFile) {
  MakeTable({.files = 100});
  const auto cost = Measure("SELECT count(*), min(id), max(id) FROM t");
  EXPECT_EQ(cost.rows, std::vector<std::string>{"10000 0 9999 "});
  EXPECT_EQ(cost.requests, 0U);
  EXPECT_EQ(cost.log_requests, 1U);
}

TEST_F(RemoteScan, EndsALimitAfterTheFirstRows) {
  MakeTable({.name = "many", .files = 100});
  EXPECT_LE(Measure("SELECT * FROM many LIMIT 10").requests, 2U);
  EXPECT_LE(Measure("SELECT d0 + 1 FROM many WHERE d0 > 0 LIMIT 10 OFFSET 5").requests, 4U);
  MakeTable({.name = "large", .files = 4, .rows = 300'000, .doubles = 4});
  const auto cold = Measure("SELECT * FROM large LIMIT 10");
  EXPECT_EQ(cold.rows.size(), 10U);
  EXPECT_LE(cold.requests, 4U);
  EXPECT_LE(Measure("SELECT * FROM large LIMIT 10").requests, 1U);
  ExpectNothingLeft();
}

TEST_F(RemoteScan, ReadsTheAskedColumnsOfAWideTable) {
  MakeTable({.files = 4, .rows = 20'000, .doubles = 100});
  const auto cost = Measure("SELECT sum(d3), sum(d70) FROM t");
  EXPECT_EQ(cost.requests, 4U * 3);  // the footer and each of the columns
  EXPECT_LT(cost.bytes, 4U * 2 * 20'000 * 8 * 3 / 2);
  EXPECT_EQ(Measure("SELECT sum(d71) FROM t").requests, 4U);  // the footers are known
}

TEST_F(RemoteScan, ReadsWholeRowGroupsOfLargeFilesAtOnce) {
  MakeTable({.files = 8, .rows = 300'000, .doubles = 4});
  const auto cost = Measure("SELECT sum(d0), sum(d1), sum(d2), sum(d3) FROM t");
  EXPECT_EQ(cost.requests, 8U * (1 + 3));
  EXPECT_GE(store_->in_flight_max(), 8U);
  ExpectNothingLeft();
}

TEST_F(RemoteScan, ReadsOtherColumnsOfARowGroupOnlyWhereARowPasses) {
  MakeTable({.files = 8, .rows = 300'000, .doubles = 4});
  const auto cost = Measure("SELECT * FROM t WHERE id = 1000000");
  EXPECT_EQ(cost.rows.size(), 1U);
  EXPECT_EQ(cost.requests, 3U);  // the footer, the ids of one row group, the rest of it
  const auto none = Measure("SELECT d1 FROM t WHERE d0 = 0.5");
  EXPECT_EQ(none.rows.size(), 0U);
  EXPECT_LT(none.bytes, 8U * 300'000 * 8 * 3 / 2);  // nothing of d1
}

TEST_F(RemoteScan, LeavesFilesOutThatATopNHasExcludedMeanwhile) {
  MakeTable({.files = 100, .rows = 130'000, .doubles = 1});
  const auto cost = Measure("SELECT id, d0 FROM t ORDER BY id DESC LIMIT 5");
  EXPECT_EQ(cost.rows.size(), 5U);
  EXPECT_LE(cost.requests, 8U);
  ExpectNothingLeft();
}

TEST_F(RemoteScan, ReadsNoDataOfBlocksThatAreKeptOnDisk) {
  MakeTable({.files = 3, .rows = 300'000, .doubles = 2});
  const TemporaryFolder folder;
  const auto open_front = [&] {
    std::shared_ptr<store::DiskCache> cache = MUST(store::DiskCache::Open({.folder = folder.path() / "cache"}));
    front_ = std::make_shared<store::BlockCacheStore>(store_, std::move(cache));
    tables_["t"] = delta::Table::Make(front_, "t", {.executor = &executor_});
  };
  open_front();
  std::vector<Cost> costs;
  for (size_t i = 0; i < 3; i++) {
    OpenDatabase();
    costs.push_back(Measure("SELECT sum(id), count(d0 + d1) FROM t"));
    EXPECT_EQ(costs[i].rows, costs[0].rows);
  }
  EXPECT_GT(costs[0].bytes, 0U);
  EXPECT_GT(costs[1].bytes, 0U);  // what is wanted twice is kept
  EXPECT_EQ(costs[2].requests, 0U);
  // Another process finds it, too.
  open_front();
  OpenDatabase();
  const Cost another = Measure("SELECT sum(id), count(d0 + d1) FROM t");
  EXPECT_EQ(another.rows, costs[0].rows);
  EXPECT_EQ(another.requests, 0U);
  ExpectNothingLeft();
}

// --- Memory ----------------------------------------------------------------------------------------------------------

TEST_F(RemoteScan, ReadsNoFurtherAheadThanItsMemory) {
  MakeTable({.files = 12, .rows = 300'000, .doubles = 4});
  auto result = MUST(session_->Query(Patient(), "SELECT * FROM t", {.store = "s"}));
  ASSERT_THAT(result->Next(), IsOk());
  // Nobody takes more rows: the requests come to a stand.
  for (size_t quiet = 0; quiet < 3;) {
    ASSERT_THAT(Context().Sleep(kLatency * 2), IsOk());
    quiet = store_->in_flight() == 0 ? quiet + 1 : 0;
  }
  EXPECT_GT(ReservedBytes(), 0U);
  EXPECT_LE(ReservedBytes(), fetch::ReadAhead::kBytesMax);
  result.reset();
  ExpectNothingLeft();
  EXPECT_THAT(Query("SELECT count(d0) FROM t"), IsOk());
}

// --- Ends ------------------------------------------------------------------------------------------------------------

TEST_F(RemoteScan, EndsAHangingReadWhenItsContextStops) {
  MakeTable({.files = 40});
  for (const auto& path_part : {std::string(".parquet"), DataFiles("t")[20]}) {
    store_->Hang(path_part);
    OpenDatabase();
    std::stop_source stop;
    std::jthread stopper([&stop] {
      (void)Context().Sleep(milliseconds(200));
      stop.request_stop();
    });
    const auto begin = steady_clock::now();
    const auto rows = Query("SELECT sum(d0) FROM t", Context(Context::Time::max(), stop.get_token(), "test"));
    EXPECT_THAT(rows, IsError(ErrorCode::kCancelled));
    EXPECT_LT(steady_clock::now() - begin, kAtOnce);
    ExpectNothingLeft();
    store_->Hang("");
    EXPECT_THAT(Query("SELECT sum(d0) FROM t"), IsOk());
  }
}

TEST_F(RemoteScan, EndsAHangingReadAtItsDeadline) {
  MakeTable({.files = 40});
  store_->Hang(".parquet");
  const auto begin = steady_clock::now();
  const auto rows = Query("SELECT sum(d0) FROM t", Context(begin + milliseconds(200), {}, "test"));
  EXPECT_THAT(rows, IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - begin, kAtOnce);
  ExpectNothingLeft();
  store_->Hang("");
  EXPECT_THAT(Query("SELECT sum(d0) FROM t"), IsOk());
}

TEST_F(RemoteScan, TakesBackItsRequestsWhenTheResultIsDropped) {
  // One file fills the part of DuckDB's result buffer that is for rows out of turn, so that the scan stops after a few
  // of them: it has this one fetched by then and does not read it yet.
  MakeTable({.files = 40, .rows = 40000});
  store_->Hang(NthFile("t", 20));
  const auto begin = steady_clock::now();
  {
    auto result = MUST(session_->Query(Patient(), "SELECT * FROM t", {.store = "s", .batch_rows_max = 10}));
    ASSERT_THAT(result->Next(), IsOk());
  }
  EXPECT_LT(steady_clock::now() - begin, kAtOnce);
  ExpectNothingLeft();
  store_->Hang("");
  EXPECT_THAT(Query("SELECT count(d0) FROM t"), IsOk());
}

// --- Paths that are used again ---------------------------------------------------------------------------------------

class ReusedPath : public RemoteTest, public ::testing::WithParamInterface<int64_t> {
 protected:
  /// A table of one file of this many rows: a small one is fetched whole, a large one by its columns.
  void SetUp() override {
    MakeTable({.rows = GetParam()});
    MakeTable({.name = "other", .rows = GetParam() + 1});
    store_->SetLatency(milliseconds(1));
  }
  /// What a writer does that gives its files the same names again.
  void ReplaceTheFile() {
    const auto path = DataFiles("t").front();
    const auto bytes = MUST(faults_->Get({}, DataFiles("other").front()));
    ASSERT_THAT(faults_->Put({}, path, bytes, store::PutMode::kOverwrite), IsOk());
    const auto add = fmt::format(
        R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,"dataChange":true}}}})",
        path.substr(2), bytes.size());
    ASSERT_THAT(faults_->Put({}, "t/_delta_log/00000000000000000001.json", add, store::PutMode::kCreate), IsOk());
  }
  const std::string query_ = "SELECT count(d0), sum(id), max(d0) FROM t";
};

TEST_P(ReusedPath, IsReadAnew) {
  ASSERT_THAT(Query(query_), IsOk());
  ReplaceTheFile();
  EXPECT_EQ(MUST(Query(query_)), MUST(Query("SELECT count(d0), sum(id), max(d0) FROM other")));
  EXPECT_EQ(Measure(query_).requests, 0U);
}

TEST_P(ReusedPath, IsReadAnewBesideAScanOfTheFirstBytes) {
  auto first = MUST(session_->Query({}, "SELECT * FROM t", {.store = "s", .batch_rows_max = 10}));
  ASSERT_THAT(first->Next(), IsOk());
  ReplaceTheFile();
  const auto reading = std::exchange(session_, MUST(database_->Connect()));
  EXPECT_EQ(MUST(Query("SELECT sum(id) FROM t")), MUST(Query("SELECT sum(id) FROM other")));
  for (auto batch = first->Next(); batch.ok() && *batch;) batch = first->Next();
  EXPECT_EQ(MUST(Query(query_)), MUST(Query("SELECT count(d0), sum(id), max(d0) FROM other")));
}

INSTANTIATE_TEST_SUITE_P(SmallAndLarge, ReusedPath, ::testing::Values(100, 300'000));

// --- Files that are not what the log says ---------------------------------------------------------------------------

class LoggedSize : public RemoteTest, public ::testing::WithParamInterface<int64_t> {
 protected:
  /// The log tells this size of one file of five.
  void TellSize(const std::string& path, uint64_t size_bytes) {
    const auto add = fmt::format(
        R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,"dataChange":true}}}})",
        path.substr(2), size_bytes);
    ASSERT_THAT(faults_->Put({}, "t/_delta_log/00000000000000000001.json", add, store::PutMode::kOverwrite), IsOk());
    OpenDatabase();
    tables_["t"] = delta::Table::Make(front_, "t", {.executor = &executor_});
  }
};

TEST_P(LoggedSize, ChangesNoAnswerWhenItIsWrong) {
  MakeTable({.files = 5, .rows = GetParam()});
  store_->SetLatency(milliseconds(1));
  const std::string query = "SELECT count(d0), sum(id), max(d0) FROM t";
  const auto right = Measure(query);
  const auto path = DataFiles("t")[3];
  const uint64_t size_bytes = MUST(faults_->Head({}, path)).size_bytes;
  for (const uint64_t told :
       {uint64_t{0}, uint64_t{4}, uint64_t{16}, size_bytes / 2, size_bytes - 1, size_bytes + 1, size_bytes * 3}) {
    TellSize(path, told);
    EXPECT_EQ(MUST(Query(query)), right.rows) << told << " of " << size_bytes;
    EXPECT_EQ(MUST(Query("SELECT id FROM t WHERE id = 3 ORDER BY d0 LIMIT 3")).size(), 1U) << told;
    ExpectNothingLeft();
  }
  // The store is not asked for a size that is right. How many reads there are depends on when the parts of a file are
  // there.
  TellSize(path, size_bytes);
  store_->TakeRequests();
  EXPECT_EQ(MUST(Query(query)), right.rows);
  for (const auto& request : store_->TakeRequests()) EXPECT_FALSE(request.verb == "HEAD" && request.path == path);
}

INSTANTIATE_TEST_SUITE_P(SmallAndLarge, LoggedSize, ::testing::Values(100, 300'000));

class DamagedFile : public RemoteTest, public ::testing::WithParamInterface<int64_t> {
 protected:
  /// A table of files of about this many rows: small ones are fetched whole, large ones by their columns.
  void SetUp() override {
    MakeTable({.files = 5, .rows = GetParam()});
    store_->SetLatency(milliseconds(1));
    path_ = DataFiles("t")[3];
    bytes_ = MUST(faults_->Get({}, path_));
  }
  void ExpectDamage(ErrorCode code, std::string_view reason) {
    for (const char* sql :
         {"SELECT sum(d0) FROM t", "SELECT * FROM t WHERE d0 % 7 = 3", "SELECT id FROM t ORDER BY d0 LIMIT 3"}) {
      OpenDatabase();
      const auto rows = Query(sql);
      ASSERT_THAT(rows, IsError(code)) << sql;
      EXPECT_EQ(rows.error().reason_name(), reason) << sql;
      EXPECT_NE(rows.error().detail("path").find(path_.substr(2)), std::string::npos) << rows.error().ToString();
      ExpectNothingLeft();
    }
  }
  std::string path_;
  std::string bytes_;
};

TEST_P(DamagedFile, IsMissing) {
  for (const auto& result : faults_->Delete({}, std::vector<std::string>{path_})) ASSERT_THAT(result, IsOk());
  ExpectDamage(ErrorCode::kNotFound, "MISSING_FILE");
}

TEST_P(DamagedFile, IsShorterThanTheLogSays) {
  ASSERT_THAT(
      faults_->Put({}, path_, std::string_view(bytes_).substr(0, bytes_.size() / 2), store::PutMode::kOverwrite),
      IsOk());
  ExpectDamage(ErrorCode::kCorrupt, "CORRUPT_DATA_FILE");
}

TEST_P(DamagedFile, IsLongerThanTheLogSays) {
  ASSERT_THAT(faults_->Put({}, path_, "PAR1" + bytes_, store::PutMode::kOverwrite), IsOk());
  ExpectDamage(ErrorCode::kCorrupt, "CORRUPT_DATA_FILE");
}

TEST_P(DamagedFile, HasAFooterOfNoise) {
  auto noise = bytes_;
  for (size_t i = noise.size() - 400; i < noise.size() - 8; i++) noise[i] = static_cast<char>(noise[i] ^ (i * 37));
  ASSERT_THAT(faults_->Put({}, path_, noise, store::PutMode::kOverwrite), IsOk());
  ExpectDamage(ErrorCode::kCorrupt, "CORRUPT_DATA_FILE");
}

INSTANTIATE_TEST_SUITE_P(SmallAndLarge, DamagedFile, ::testing::Values(100, 200'000));

TEST_F(RemoteScan, EndsAQueryWhenTheStoreFailsInTheMiddle) {
  MakeTable({.files = 60, .rows = 3000});
  store_->SetLatency(milliseconds(1));
  for (const size_t skip : {0, 20, 59}) {
    OpenDatabase();
    faults_->Inject({.operation = store::Operation::kReadAt, .kind = store::FaultKind::kErrorBefore, .skip = skip});
    EXPECT_THAT(Query("SELECT sum(d0) FROM t"), IsError(ErrorCode::kUnavailable)) << skip;
    faults_->Heal();
    EXPECT_THAT(Query("SELECT sum(d0) FROM t"), IsOk());
    ExpectNothingLeft();
  }
}

}  // namespace
}  // namespace yummy::duck
