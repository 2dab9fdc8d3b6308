// Table as readers use it: the newest version, time travel, history.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/checkpoint/checkpoint.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/snapshot/log_testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/local_store.h"

namespace yummy::delta {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kStart = 1'700'000'000'000'000;  // of TestLog's clock

class TableRead : public testing::Test {
 protected:
  std::string Reason(const Result<SnapshotRef>& result) {
    return result.ok() ? "ok" : std::string(result.error().reason_name());
  }
  std::shared_ptr<Table> Open() {
    TableOptions options;
    options.clock = &log_.clock;
    return Table::Make(log_.store, std::string(TestLog::kTable), options);
  }
  TestLog log_;
};

TEST_F(TableRead, SeesEachCommitThatWasThereBeforeItAsked) {
  log_.Create();
  const auto table = Open();
  EXPECT_EQ(MUST(table->Current(log_.context))->version(), 0);
  const SnapshotRef same = MUST(table->Current(log_.context));
  EXPECT_EQ(MUST(table->Current(log_.context)), same);
  log_.Commit(1, {AddLine("a")});
  EXPECT_EQ(MUST(table->Current(log_.context))->version(), 1);
}

TEST_F(TableRead, SeesAcknowledgedCommitsWhileOthersAsk) {
  log_.Create();
  const auto table = Open();
  std::atomic<bool> stop = false;
  std::atomic<int64_t> acknowledged = 0;
  std::atomic<int> stale = 0;
  std::atomic<int> reads = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; i++) {
    readers.emplace_back([&] {
      while (!stop) {
        const int64_t at_least = acknowledged;
        if (MUST(table->Current(log_.context))->version() < at_least) stale++;
        reads++;
      }
    });
  }
  for (int64_t version = 1; version <= 100; version++) {
    for (const int seen = reads; reads == seen;) std::this_thread::yield();  // at the readers' pace
    log_.Commit(version, {AddLine("f" + std::to_string(version))});
    acknowledged = version;
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(stale, 0);
}

TEST_F(TableRead, ForgetsATableThatWasDropped) {
  log_.Create();
  const auto table = Open();
  MUST(table->Current(log_.context));
  log_.Delete("00000000000000000000.json");
  EXPECT_EQ(Reason(table->Current(log_.context)), "NOT_A_DELTA_TABLE");
  log_.Create();
  EXPECT_THAT(table->Current(log_.context), IsOk());
}

TEST_F(TableRead, KeepsTheNewerOfPublishedAndHeld) {
  log_.Create();
  log_.Commit(1, {AddLine("a")});
  const auto table = Open();
  const SnapshotRef newer = MUST(log_.Load());
  table->Publish(newer, {});
  table->Publish(MUST(log_.Load(0)), {});
  EXPECT_EQ(MUST(table->Current(log_.context)), newer);
}

TEST_F(TableRead, ReturnsTheErrorOfItsOwnContext) {
  log_.Create();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Open()->Current(Context(Context::Time::max(), stop.get_token(), "r")), IsError(ErrorCode::kCancelled));
}

TEST_F(TableRead, TravelsToVersions) {
  log_.Create();
  log_.Commit(1, {AddLine("a")});
  log_.Commit(2, {AddLine("b")});
  const auto table = Open();
  EXPECT_EQ(MUST(table->AtVersion(log_.context, 1))->file_count(), 1u);
  EXPECT_EQ(MUST(table->AtVersion(log_.context, 1)), MUST(table->AtVersion(log_.context, 1)));
  EXPECT_EQ(MUST(table->AtVersion(log_.context, 2)), MUST(table->Current(log_.context)));
  EXPECT_EQ(Reason(table->AtVersion(log_.context, 3)), "VERSION_NOT_FOUND");
  log_.Commit(1, {AddLine("other")});
  EXPECT_EQ(Paths(*MUST(table->AtVersion(log_.context, 1))), std::vector<std::string>{"other"});
}

TEST_F(TableRead, TravelsToTimesThatRiseFromVersionToVersion) {
  if (store::StoreOfTests()) GTEST_SKIP() << "needs modification times of the test's own making";
  log_.Create();
  log_.clock.Advance(10 * kSecond);
  log_.Commit(1, {AddLine("a")});
  log_.clock.Advance(-5 * kSecond);  // a clock that went back
  log_.Commit(2, {AddLine("b")});
  const auto table = Open();
  const auto version_at = [&](int64_t micros) { return MUST(table->AtTimestamp(log_.context, micros))->version(); };
  EXPECT_EQ(version_at(kStart), 0);
  EXPECT_EQ(version_at(kStart + 9 * kSecond), 0);
  EXPECT_EQ(version_at(kStart + 10 * kSecond), 1);
  EXPECT_EQ(version_at(kStart + 10 * kSecond + 1000), 2);
  EXPECT_EQ(version_at(kStart + 1000 * kSecond), 2);
  EXPECT_EQ(Reason(table->AtTimestamp(log_.context, kStart - 1)), "VERSION_NOT_FOUND");
  EXPECT_EQ(Reason(table->AtTimestamp(log_.context, INT64_MIN)), "VERSION_NOT_FOUND");
}

TEST_F(TableRead, NamesTheOldestVersionThatCanStillBeRead) {
  if (store::StoreOfTests()) GTEST_SKIP() << "needs modification times of the test's own making";
  log_.Create();
  for (int64_t version = 1; version <= 4; version++) {
    log_.clock.Advance(10 * kSecond);
    log_.Commit(version, {AddLine("f" + std::to_string(version))});
  }
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load(3)), log_.clock), IsOk());
  // The clean-up left version 2, which needs the commits before it.
  for (int64_t version = 0; version < 2; version++) log_.Delete(fmt::format("{:020}.json", version));
  const auto found = Open()->AtTimestamp(log_.context, kStart);
  ASSERT_THAT(found, IsError(ErrorCode::kNotFound));
  EXPECT_EQ(found.error().reason_name(), "VERSION_EXPIRED");
  EXPECT_EQ(found.error().detail("oldest_version"), "3");
  EXPECT_EQ(Open()->AtTimestamp(log_.context, kStart + 20 * kSecond).error().detail("oldest_version"), "3");
  EXPECT_EQ(MUST(Open()->AtTimestamp(log_.context, kStart + 30 * kSecond))->version(), 3);
}

TEST_F(TableRead, TravelsByInCommitTimestampsFromTheirEnablementOn) {
  if (store::StoreOfTests()) GTEST_SKIP() << "needs modification times of the test's own making";
  const std::string protocol =
      R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["inCommitTimestamp"]}})";
  const auto info = [](int64_t millis) {
    return fmt::format(R"({{"commitInfo":{{"inCommitTimestamp":{}}}}})", millis);
  };
  constexpr int64_t kMillis = kStart / 1000;
  log_.Commit(0, {protocol, MetadataLine()});
  log_.Commit(1, {info(kMillis + 5000),
                  MetadataLine(fmt::format(
                      R"({{"delta.enableInCommitTimestamps":"true","delta.inCommitTimestampEnablementVersion":"1",)"
                      R"("delta.inCommitTimestampEnablementTimestamp":"{}"}})",
                      kMillis + 5000))});
  log_.Commit(2, {info(kMillis + 9000)});
  const auto table = Open();
  const auto version_at = [&](int64_t micros) { return MUST(table->AtTimestamp(log_.context, micros))->version(); };
  EXPECT_EQ(version_at(kStart + 4999'000), 0);
  EXPECT_EQ(version_at(kStart + 5000'000), 1);
  EXPECT_EQ(version_at(kStart + 8999'999), 1);
  EXPECT_EQ(version_at(kStart + 9000'000), 2);
  EXPECT_EQ(MUST(table->Current(log_.context))->timestamp_ms(), kMillis + 9000);
  const auto history = MUST(table->History(log_.context, 2));
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[0].version, 2);
  EXPECT_EQ(history[1].timestamp_ms, kMillis + 5000);
}

TEST_F(TableRead, AsksTheStoreAsSeldomAsItCanWhenNothingIsNew) {
  log_.Create();
  auto counted = std::make_shared<store::FaultStore>(log_.store);
  const auto table = Table::Make(counted, std::string(TestLog::kTable), {});
  MUST(table->Current(log_.context));
  counted->ResetCounts();
  MUST(table->Current(log_.context));
  if (counted->capabilities().is_local) {
    EXPECT_EQ(counted->calls(store::Operation::kHead), 2u);
    EXPECT_EQ(counted->calls(), 2u);
  } else {
    EXPECT_EQ(counted->calls(store::Operation::kList), 1u);
    EXPECT_EQ(counted->calls(), 1u);
  }
}

TEST_F(TableRead, RefusesToCreateWhatIsThere) {
  const auto table = Open();
  EXPECT_THAT(table->Begin(log_.context, {.name = "WRITE", .parameters = {}}), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(table->BeginCreate(log_.context, {.name = "CREATE TABLE", .parameters = {}}), IsOk());
  log_.Create();
  EXPECT_THAT(table->BeginCreate(log_.context, {.name = "CREATE TABLE", .parameters = {}}),
              IsError(ErrorCode::kAlreadyExists));
}

TEST_F(TableRead, RefusesACommitBeyondTheLimitWithoutReadingIt) {
  const TemporaryFolder folder;
  const auto log = folder.path() / "t/_delta_log";
  std::filesystem::create_directories(log);
  std::ofstream(log / "00000000000000000000.json") << ProtocolLine() << "\n" << MetadataLine() << "\n";
  const std::shared_ptr<store::ObjectStore> store = MUST(store::LocalStore::Open(folder.path().string()));
  const auto table = Table::Make(store, "t", {});
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(table->Current(log_.context)), log_.clock), IsOk());
  constexpr uintmax_t kTerabyte = uintmax_t{1} << 40;
  std::filesystem::resize_file(log / "00000000000000000000.json", kTerabyte);  // a hole: it takes no space
  EXPECT_THAT(table->Current(log_.context), IsOk());
  EXPECT_THAT(table->History(log_.context, 1), IsError(ErrorCode::kResourceExhausted));
}

}  // namespace
}  // namespace yummy::delta
