#include "yummy/delta/log/log.h"

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/snapshot/log_testing.h"
#include "yummy/store/fault_store.h"

namespace yummy::delta {
namespace {

using testing::ElementsAre;

std::vector<int64_t> Versions(const LogSegment& segment) {
  std::vector<int64_t> versions;
  for (const CommitFile& commit : segment.commits) versions.push_back(commit.version);
  return versions;
}

class Log : public testing::Test {
 protected:
  void Commits(int64_t first, int64_t last) {
    for (int64_t version = first; version <= last; version++) log_.Commit(version, {"{}"});
  }
  Result<LogSegment> Find(std::optional<int64_t> version = {}) {
    return FindLogSegment(log_.context, *log_.store, TestLog::kTable, {.version = version, .unusable_checkpoints = {}});
  }
  std::string Reason(std::optional<int64_t> version = {}) {
    const auto segment = Find(version);
    return segment.ok() ? "ok" : std::string(segment.error().reason_name());
  }
  TestLog log_;
};

TEST_F(Log, IsNoTableWithoutCommitsAndCheckpoints) {
  EXPECT_EQ(Reason(), "NOT_A_DELTA_TABLE");
  log_.Put("_last_checkpoint", R"({"version":3})");
  EXPECT_EQ(Reason(), "NOT_A_DELTA_TABLE");
  EXPECT_FALSE(MUST(IsDeltaTable(log_.context, *log_.store, TestLog::kTable)));
  Commits(0, 0);
  EXPECT_TRUE(MUST(IsDeltaTable(log_.context, *log_.store, TestLog::kTable)));
}

TEST_F(Log, RefusesAGap) {
  Commits(0, 1);
  Commits(3, 3);
  EXPECT_THAT(Find(), IsError(ErrorCode::kCorrupt));
  EXPECT_THAT(Find(2), IsError(ErrorCode::kCorrupt));
  EXPECT_THAT(Versions(MUST(Find(1))), ElementsAre(0, 1));
}

TEST_F(Log, FindsTheCommitsThatListsLeaveOut) {
  if (store::StoreOfTests()) GTEST_SKIP() << "needs modification times of the test's own making";
  Commits(0, 1);
  Commits(3, 3);
  log_.clock.Advance(1);
  Commits(2, 2);
  // Each list lacks what is newest by its time: version 2.
  store::FaultStore store(log_.store);
  store.SetChance(store::FaultKind::kStaleList, 1);
  EXPECT_THAT(Versions(MUST(FindLogSegment(log_.context, store, TestLog::kTable))), ElementsAre(0, 1, 2, 3));
}

TEST_F(Log, NamesTheNewestVersionToWhomeverAsksForALaterOne) {
  Commits(0, 2);
  const auto segment = Find(7);
  ASSERT_THAT(segment, IsError(ErrorCode::kNotFound));
  EXPECT_EQ(segment.error().reason_name(), "VERSION_NOT_FOUND");
  EXPECT_EQ(segment.error().detail("current_version"), "2");
  EXPECT_EQ(Reason(-1), "VERSION_NOT_FOUND");
}

TEST_F(Log, TellsExpiredVersionsFromAbsentOnes) {
  Commits(5, 7);
  log_.Put("00000000000000000005.checkpoint.parquet", "x");
  EXPECT_EQ(Reason(4), "VERSION_EXPIRED");
  EXPECT_EQ(Reason(8), "VERSION_NOT_FOUND");
  EXPECT_THAT(Versions(MUST(Find())), ElementsAre(6, 7));
}

TEST_F(Log, TakesTheNewestCompleteCheckpointAtOrBelowTheVersion) {
  Commits(0, 9);
  log_.Put("00000000000000000003.checkpoint.parquet", "x");
  log_.Put("00000000000000000005.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", "x");
  log_.Put("00000000000000000007.checkpoint.0000000001.0000000002.parquet", "x");  // its second part is missing
  EXPECT_EQ(MUST(Find()).checkpoint->version, 5);
  EXPECT_TRUE(MUST(Find()).checkpoint->json);
  EXPECT_EQ(MUST(Find(4)).checkpoint->version, 3);
  EXPECT_THAT(Versions(MUST(Find(4))), ElementsAre(4));
  EXPECT_FALSE(MUST(Find(2)).checkpoint.has_value());
  log_.Put("00000000000000000007.checkpoint.0000000002.0000000002.parquet", "x");
  EXPECT_EQ(MUST(Find()).checkpoint->parts.size(), 2u);
  EXPECT_EQ(MUST(Find()).own_commit.path, "t/_delta_log/00000000000000000009.json");
}

TEST_F(Log, AnswersTheSameWhateverTheHintSays) {
  Commits(0, 9);
  log_.Put("00000000000000000003.checkpoint.parquet", "x");
  log_.Put("00000000000000000006.checkpoint.parquet", "x");
  for (const char* hint : {"", "garbage", "{}", R"({"version":"6"})", R"({"version":-1})", R"({"version":1000000000})",
                           R"({"version":4})", R"({"version":3})", R"({"version":6})", R"({"version":9})", R"([6])"}) {
    log_.Put("_last_checkpoint", hint);
    EXPECT_EQ(MUST(Find()).checkpoint->version, 6) << hint;
    EXPECT_THAT(Versions(MUST(Find())), ElementsAre(7, 8, 9)) << hint;
    EXPECT_EQ(MUST(Find(5)).checkpoint->version, 3) << hint;
    EXPECT_EQ(Reason(11), "VERSION_NOT_FOUND") << hint;
  }
}

TEST_F(Log, IgnoresForeignNames) {
  Commits(0, 1);
  for (const char* name :
       {"1.json", "00000000000000000002.json.tmp", "00000000000000000002.json.crc", "99999999999999999999.json",
        "09223372036854775807.json", "09223372036854775807.checkpoint.parquet",
        "00000000000000000002.80a083e8-7026-4e79-81be-64bd76c43a11.json", "00000000000000000003.json/x",
        "00000000000000000000.00000000000000000001.compacted.json.tmp", "-0000000000000000002.json",
        "00000000000000000001.00000000000000000001.compacted.json",
        "00000000000000000001.00000000000000000000.compacted.json", "00000000000000000000.1.compacted.json",
        "00000000000000000000.09223372036854775807.compacted.json", "00000000000000000002.checkpoint.80a083e8.parquet",
        "_sidecars/00000000000000000009.json"}) {
    log_.Put(name, "x");
  }
  EXPECT_THAT(Versions(MUST(Find())), ElementsAre(0, 1));
  EXPECT_TRUE(MUST(Find()).compactions.empty());
}

TEST_F(Log, TakesCompactionsWithinTheSegmentTheLongestFirst) {
  Commits(0, 9);
  EXPECT_FALSE(MUST(IsDeltaTable(log_.context, *log_.store, "other")));
  const auto compact = [&](int64_t first, int64_t last) {
    log_.Put(fmt::format("{:020}.{:020}.compacted.json", first, last), "x");
  };
  const auto ranges = [&](std::optional<int64_t> version) {
    std::vector<std::pair<int64_t, int64_t>> found;
    for (const CompactionFile& file : MUST(Find(version)).compactions) found.emplace_back(file.first, file.last);
    return found;
  };
  for (const auto& [first, last] : {std::pair{0, 2}, {1, 5}, {3, 4}, {5, 6}, {7, 8}, {6, 9}, {8, 12}})
    compact(first, last);
  EXPECT_THAT(ranges({}), ElementsAre(std::pair(1, 5), std::pair(6, 9)));
  EXPECT_THAT(ranges(9), ElementsAre(std::pair(1, 5), std::pair(6, 9)));
  EXPECT_THAT(ranges(8), ElementsAre(std::pair(1, 5), std::pair(7, 8)));
  EXPECT_THAT(ranges(4), ElementsAre(std::pair(0, 2), std::pair(3, 4)));
  EXPECT_THAT(ranges(1), ElementsAre());
  EXPECT_EQ(MUST(Find(4)).commits.size(), 5u);
  // Those that reach back to what a checkpoint holds are not needed.
  log_.Put("00000000000000000002.checkpoint.parquet", "x");
  EXPECT_THAT(ranges(9), ElementsAre(std::pair(3, 4), std::pair(6, 9)));
}

TEST_F(Log, TakesNoCompactionForTheCommitsThatAreMissing) {
  log_.Put("00000000000000000000.00000000000000000002.compacted.json", "x");
  EXPECT_EQ(Reason(), "NOT_A_DELTA_TABLE");
  EXPECT_FALSE(MUST(IsDeltaTable(log_.context, *log_.store, TestLog::kTable)));
  Commits(0, 0);
  Commits(2, 3);
  EXPECT_THAT(Find(), IsError(ErrorCode::kCorrupt));
}

TEST_F(Log, PassesOverUnusableCheckpoints) {
  Commits(0, 4);
  log_.Put("00000000000000000002.checkpoint.parquet", "x");
  log_.Put("00000000000000000004.checkpoint.parquet", "x");
  const FindLogOptions options{.version = {},
                               .unusable_checkpoints = {"t/_delta_log/00000000000000000004.checkpoint.parquet"}};
  const LogSegment segment = MUST(FindLogSegment(log_.context, *log_.store, TestLog::kTable, options));
  EXPECT_EQ(segment.checkpoint->version, 2);
  EXPECT_THAT(Versions(segment), ElementsAre(3, 4));
}

}  // namespace
}  // namespace yummy::delta
