// Log compaction files change what is read, never what is seen: each test compares with the commits alone.
#include <map>
#include <random>
#include <set>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/testing.h"
#include "yummy/delta/snapshot/log_testing.h"
#include "yummy/delta/snapshot/snapshot_state.h"
#include "yummy/store/fault_store.h"

namespace yummy::delta {
namespace {

using testing::ElementsAre;

std::string CompactedName(int64_t first, int64_t last) {
  return fmt::format("{:020}.{:020}.compacted.json", first, last);
}

std::string Lines(const std::vector<std::string>& lines) { return fmt::format("{}\n", fmt::join(lines, "\n")); }

// The table of the example in PROTOCOL.md, "Log Compaction Files", with a base below it.
class LogCompaction : public testing::Test {
 protected:
  LogCompaction() {
    log_.Create();
    log_.Commit(1, {AddLine("f1")});
    log_.Commit(2, {R"({"commitInfo":{"operation":"A"}})", AddLine("f2"), RemoveLine("f1")});
    log_.Commit(3, {AddLine("f3"), AddLine("f4"), Txn(4389)});
    log_.Commit(4, {R"({"commitInfo":{"operation":"B","txnId":"own"}})", RemoveLine("f3"), Txn(4390)});
  }

  static std::string Txn(int64_t version) {
    return fmt::format(R"({{"txn":{{"appId":"app","version":{}}}}})", version);
  }

  void Compact(std::vector<std::string> lines = {AddLine("f2"), AddLine("f4"), RemoveLine("f1"), RemoveLine("f3"),
                                                 Txn(4390)}) {
    log_.Put(CompactedName(2, 4), Lines(lines));
  }
  // What shows that the compaction was read: it adds a file that no commit has.
  void CompactWithMark() {
    Compact({AddLine("f2"), AddLine("f4"), AddLine("mark"), RemoveLine("f1"), RemoveLine("f3"), Txn(4390)});
  }

  void ExpectAsWithout(const Snapshot& snapshot) {
    EXPECT_THAT(Paths(snapshot), ElementsAre("f2", "f4"));
    EXPECT_EQ(snapshot.txn_version("app"), 4390);
    EXPECT_EQ(snapshot.version(), 4);
  }

  TestLog log_;
};

TEST_F(LogCompaction, StandsForTheCommitsThatItCovers) {
  CompactWithMark();
  EXPECT_THAT(Paths(*MUST(log_.Load())), ElementsAre("f2", "f4", "mark"));
  Compact();
  ExpectAsWithout(*MUST(log_.Load()));
}

TEST_F(LogCompaction, IsFollowedByTheCommitsAfterIt) {
  CompactWithMark();
  log_.Commit(5, {AddLine("f5"), RemoveLine("f2"), Txn(4391)});
  const SnapshotRef snapshot = MUST(log_.Load());
  EXPECT_THAT(Paths(*snapshot), ElementsAre("f4", "f5", "mark"));
  EXPECT_EQ(snapshot->txn_version("app"), 4391);
}

TEST_F(LogCompaction, IsNotReadForAVersionWithinIt) {
  CompactWithMark();
  EXPECT_THAT(Paths(*MUST(log_.Load(3))), ElementsAre("f2", "f3", "f4"));
  EXPECT_EQ(MUST(log_.Load(3))->txn_version("app"), 4389);
  EXPECT_THAT(Paths(*MUST(log_.Load(2))), ElementsAre("f2"));
  EXPECT_THAT(Paths(*MUST(log_.Load(4))), ElementsAre("f2", "f4", "mark"));
}

TEST_F(LogCompaction, SparesTheCommitsThatItCovers) {
  CompactWithMark();
  log_.Put("00000000000000000003.json", "torn");
  EXPECT_THAT(Paths(*MUST(log_.Load())), ElementsAre("f2", "f4", "mark"));
  EXPECT_THAT(log_.Load(3), IsError(ErrorCode::kCorrupt));
}

TEST_F(LogCompaction, GivesWayToTheCommitsWhenItIsBroken) {
  const std::string whole = Lines({AddLine("f2"), AddLine("mark"), RemoveLine("f1")});
  const std::string protocols = Lines({ProtocolLine(), ProtocolLine(), AddLine("mark")});
  const std::string twice = Lines({AddLine("mark"), RemoveLine("mark")});
  for (const std::string& bytes : {std::string(), std::string("\n\n"), std::string("garbage"), std::string("\0\0\0", 3),
                                   whole.substr(0, whole.size() / 2), protocols, twice}) {
    log_.Put(CompactedName(2, 4), bytes);
    ExpectAsWithout(*MUST(log_.Load()));
  }
}

TEST_F(LogCompaction, GivesWayToTheCommitsWhenItCannotBeRead) {
  CompactWithMark();
  for (const store::FaultKind kind : {store::FaultKind::kErrorBefore, store::FaultKind::kTruncatedRead}) {
    auto store = std::make_shared<store::FaultStore>(log_.store);
    store->Inject({.operation = store::Operation::kGet, .path_contains = ".compacted.json", .kind = kind});
    ExpectAsWithout(*MUST(Snapshot::Load(log_.context, store, std::string(TestLog::kTable), {})));
    EXPECT_EQ(store->injected(kind), 1u);
  }
}

TEST_F(LogCompaction, LeavesTheCommitInfoToTheCommit) {
  Compact();
  const SnapshotRef compacted = MUST(log_.Load());
  const auto info = compacted->state().OwnCommitInfo(log_.context);
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->txn_id, "own");
}

TEST_F(LogCompaction, CarriesProtocolAndMetadata) {
  log_.Commit(3, {AddLine("f3"), AddLine("f4"), MetadataLine(R"({"delta.appendOnly":"true"})"), Txn(4389)});
  Compact({MetadataLine(R"({"delta.appendOnly":"true"})"), AddLine("f2"), AddLine("f4"), RemoveLine("f1")});
  EXPECT_TRUE(MUST(log_.Load())->properties().append_only);
  EXPECT_FALSE(MUST(log_.Load(2))->properties().append_only);
}

// A random history, compacted in random places in the way of the protocol's text: every version reads as without.
TEST(LogCompactionRandom, ChangesNoVersion) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  TestLog log;
  log.Create();
  Executor executor(2, 64);
  const int64_t newest = store::StoreOfTests() ? 15 : 60;
  std::vector<std::map<std::string, std::string>> commits(newest + 1);  // path → line
  std::set<std::string> live;
  for (int64_t version = 1; version <= newest; version++) {
    auto& lines = commits[static_cast<size_t>(version)];
    for (uint64_t i = random() % 5; i > 0; i--) {
      const std::string path = "f" + std::to_string(random() % 20);
      if (lines.contains(path)) continue;
      lines[path] = live.contains(path) ? RemoveLine(path) : AddLine(path, version, version + 5);
      if (live.erase(path) == 0) live.insert(path);
    }
    std::vector<std::string> text = {R"({"commitInfo":{}})"};
    for (const auto& [path, line] : lines) text.push_back(line);
    log.Commit(version, text);
  }
  std::vector<std::vector<std::string>> expected;
  for (int64_t version = 0; version <= newest; version++) expected.push_back(Paths(*MUST(log.Load(version))));
  for (int i = 0; i < 12; i++) {
    const int64_t first = 1 + static_cast<int64_t>(random() % (newest - 1));
    const int64_t last = std::min<int64_t>(newest, first + 1 + static_cast<int64_t>(random() % 20));
    std::map<std::string, std::string> reconciled;
    for (int64_t version = last; version >= first; version--) {
      for (const auto& entry : commits[static_cast<size_t>(version)]) reconciled.insert(entry);
    }
    std::vector<std::string> text;
    for (const auto& [path, line] : reconciled) text.push_back(line);
    std::shuffle(text.begin(), text.end(), random);
    log.Put(CompactedName(first, last), text.empty() ? "" : Lines(text));
  }
  for (int64_t version = 0; version <= newest; version++) {
    const LoadOptions options{.version = version, .executor = &executor, .clock = &log.clock};
    const SnapshotRef snapshot = MUST(Snapshot::Load(log.context, log.store, std::string(TestLog::kTable), options));
    ASSERT_EQ(Paths(*snapshot), expected[static_cast<size_t>(version)]) << version;
  }
}

}  // namespace
}  // namespace yummy::delta
