// What each verb costs on a store where requests cost: these figures may fall, never rise.
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/testing.h"
#include "yummy/delta/checkpoint/checkpoint.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/commit/transaction_testing.h"
#include "yummy/delta/log/checkpoint_input.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

using std::chrono::milliseconds;
using store::FaultStore;
using store::Operation;

// Two names: delta has an Operation of its own.
using Commit = delta::Operation;

class RequestCount : public ::testing::Test {
 protected:
  static std::shared_ptr<FaultStore> Remote(std::shared_ptr<store::ObjectStore> below) {
    return std::make_shared<FaultStore>(std::move(below), store::FaultOptions{.is_remote = true});
  }

  // Commits `appends` versions after the first two, from another process.
  void Write(int appends, const StringMap& configuration = {}) {
    const auto table = MakeTestTable(below_, TestTableOptions(), {TestAdd("first", "a")}, configuration);
    for (int i = 0; i < appends; i++) Append(*table, fmt::format("f{}", i));
  }

  static void Append(Table& table, std::string_view name, const Context& context = Context()) {
    auto transaction = table.Begin(context, Commit{"WRITE", {}});
    ASSERT_THAT(transaction, IsOk());
    (*transaction)->AddFile(TestAdd(name, "a"));
    const auto outcome = (*transaction)->Commit(context);
    ASSERT_THAT(outcome, IsOk());
    ASSERT_TRUE(std::holds_alternative<Committed>(*outcome));
  }

  std::shared_ptr<Table> Open(Executor* background = nullptr) {
    TableOptions options = TestTableOptions();
    options.executor = &executor_;
    options.background = background;
    return Table::Make(remote_, "t", options);
  }

  // What was asked since the last call, as "List 1, Get 2".
  std::string Requests() {
    std::string text;
    const std::pair<Operation, std::string_view> kinds[] = {{Operation::kList, "List"},
                                                            {Operation::kGet, "Get"},
                                                            {Operation::kGetRanges, "GetRanges"},
                                                            {Operation::kReadAt, "ReadAt"},
                                                            {Operation::kHead, "Head"},
                                                            {Operation::kPutCreate, "Put"},
                                                            {Operation::kPutOverwrite, "Replace"},
                                                            {Operation::kDelete, "Delete"}};
    for (const auto& [operation, name] : kinds) {
      const uint64_t calls = remote_->calls(operation);
      if (calls > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, calls);
    }
    remote_->ResetCounts();
    return text;
  }

  Executor executor_{8, 1024};
  std::shared_ptr<store::ObjectStore> below_ = store::MakeMemoryStore();
  std::shared_ptr<FaultStore> remote_ = Remote(below_);
};

TEST_F(RequestCount, OpensByTheHintOneListTheCheckpointAndWhatCameAfterIt) {
  Write(2'000 - 1);  // up to version 2000, a checkpoint each ten
  const auto table = Open();
  EXPECT_EQ(MUST(table->Current(Context()))->version(), 2'000);
  EXPECT_EQ(Requests(), "List 1, Get 2");
  const auto writer = Table::Make(below_, "t", TestTableOptions());
  for (int i = 0; i < 9; i++) Append(*writer, fmt::format("late{}", i));
  EXPECT_EQ(MUST(Open()->Current(Context()))->version(), 2'009);
  EXPECT_EQ(Requests(), "List 1, Get 11");
}

TEST_F(RequestCount, RefreshesByOneList) {
  Write(3);
  const auto table = Open();
  MUST(table->Current(Context()));
  Requests();
  MUST(table->Current(Context()));
  EXPECT_EQ(Requests(), "List 1");
  const auto writer = Table::Make(below_, "t", TestTableOptions());
  for (int i = 0; i < 5; i++) Append(*writer, fmt::format("late{}", i));
  EXPECT_EQ(MUST(table->Current(Context()))->version(), 9);
  EXPECT_EQ(Requests(), "List 1, Get 5");
}

TEST_F(RequestCount, RefreshesByOneListWhenTheOwnCommitWasCleanedUp) {
  Write(9);  // version 10 has a checkpoint
  for (int64_t version = 0; version <= 10; version++) {
    const std::string path = CommitPath("t", version);
    ASSERT_THAT(below_->Delete(Context(), std::span(&path, 1)).front(), IsOk());
  }
  const auto table = Open();
  const SnapshotRef snapshot = MUST(table->Current(Context()));
  Requests();
  EXPECT_EQ(MUST(table->Current(Context())), snapshot);
  EXPECT_EQ(Requests(), "List 1");
}

TEST_F(RequestCount, AsksOnceARequest) {
  Write(1);
  const auto table = Open();
  const Context request = Context().WithStart(std::chrono::steady_clock::now());
  MUST(table->Current(request));
  Requests();
  MUST(table->Current(request));
  EXPECT_EQ(Requests(), "");
  // A later one does not take what an earlier one was told.
  const auto writer = Table::Make(below_, "t", TestTableOptions());
  Append(*writer, "late");
  EXPECT_EQ(MUST(table->Current(request))->version(), 2);
  EXPECT_EQ(MUST(table->Current(Context().WithStart(std::chrono::steady_clock::now())))->version(), 3);
  EXPECT_EQ(Requests(), "List 1, Get 1");
}

TEST_F(RequestCount, AppendsByOneListAndOnePut) {
  Write(1);
  const auto table = Open();
  MUST(table->Current(Context()));
  Requests();
  for (int i = 0; i < 3; i++) {
    Append(*table, fmt::format("ours{}", i), Context().WithStart(std::chrono::steady_clock::now()));
    EXPECT_EQ(Requests(), "List 1, Put 1");
  }
  EXPECT_EQ(MUST(table->Current(Context()))->file_count(), 5U);
  EXPECT_EQ(Requests(), "List 1");
}

TEST_F(RequestCount, WritesACheckpointWithoutReadingItsOwnCommits) {
  Write(1);
  const auto table = Open();
  for (int i = 0; i < 7; i++) Append(*table, fmt::format("ours{}", i));  // version 9
  Requests();
  Append(*table, "tenth");
  // One list and put for the commit, then for checksum and checkpoint: is the version still there, twice; the log by
  // hint and list; the hint once more; three puts.
  EXPECT_EQ(Requests(), "List 2, Get 2, Head 2, Put 3, Replace 1");
}

TEST_F(RequestCount, FollowsAWinnerByOneListAndReadsItOnce) {
  Write(1);
  const auto table = Open();
  auto transaction = MUST(table->Begin(Context(), Commit{"WRITE", {}}));
  transaction->AddFile(TestAdd("ours", "a"));
  const auto other = Table::Make(below_, "t", TestTableOptions());
  Append(*other, "theirs");
  Requests();
  EXPECT_EQ(std::get<Committed>(MUST(transaction->Commit(Context()))).version, 4);
  // The put that lost, the winner, the list that shows it, what the version needs of it, the put that won.
  EXPECT_EQ(Requests(), "List 1, Get 2, Put 2");
}

TEST_F(RequestCount, ReadsOfALargeCheckpointTheFooterAndTheWantedColumns) {
  // Statistics that do not compress, more than a file that is read whole.
  const auto table = MakeTestTable(below_, TestTableOptions());
  auto transaction = MUST(table->Begin(Context(), Commit{"WRITE", {}}));
  Random random(1);
  for (int i = 0; i < 20'000; i++) {
    Add add = TestAdd(fmt::format("{}", i), "a");
    std::string text;
    while (text.size() < 700) text += random.Uuid();
    add.stats = fmt::format(R"({{"numRecords":10,"minValues":{{"id":0,"x":"{}"}},"maxValues":{{"id":9}}}})", text);
    transaction->AddFile(add);
  }
  const SnapshotRef snapshot = std::get<Committed>(MUST(transaction->Commit(Context()))).snapshot;
  ASSERT_THAT(WriteCheckpoint(Context(), *snapshot, Clock::System()), IsOk());
  const uint64_t size_bytes =
      MUST(below_->Head(Context(), "t/_delta_log/00000000000000000001.checkpoint.parquet")).size_bytes;
  ASSERT_GT(size_bytes, CheckpointInput::kWholeBytesMax);
  EXPECT_EQ(MUST(Open()->Current(Context()))->file_count(), 20'000U);
  // The hint, the end of the file, and its columns in pieces of 8 MiB.
  const uint64_t pieces = (size_bytes + (8 << 20) - 1) / (8 << 20);
  EXPECT_EQ(Requests(), fmt::format("List 1, Get {}", 2 + pieces));
}

TEST_F(RequestCount, WritersOfOneProcessShareListsAndReadNoWinner) {
  constexpr size_t kWriters = 32;
  constexpr size_t kAppends = 8;
  remote_ = std::make_shared<FaultStore>(
      below_,
      store::FaultOptions{.delay = milliseconds(20),
                          .is_remote = true,
                          .on_delay = [](const Context& context, milliseconds delay) { (void)context.Sleep(delay); }});
  Executor background(1, 1024);
  Write(0);
  const auto table = Open(&background);
  MUST(table->Current(Context()));
  remote_->SetChance(store::FaultKind::kDelay, 1);
  remote_->ResetCounts();
  const auto began = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> writers;
    for (size_t writer = 0; writer < kWriters; writer++) {
      writers.emplace_back([&, writer] {
        for (size_t i = 0; i < kAppends; i++) {
          Append(*table, fmt::format("w{}-{}", writer, i), Context().WithStart(std::chrono::steady_clock::now()));
        }
      });
    }
  }
  constexpr size_t kCommits = kWriters * kAppends;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const uint64_t lists = remote_->calls(Operation::kList);
  const uint64_t reads = remote_->calls(Operation::kGet);
  // Each put waits for the one before it, so one a delay is the most there can be; a busy machine makes it fewer.
  RecordProperty("commits_per_second", fmt::format("{:.1f}", kCommits / took.count()));
  RecordProperty("lists", std::to_string(lists));
  // Behind them a checkpoint each ten versions: hint, list, the checkpoint before, the hint again. On a busy machine a
  // writer may once read what the others do not keep any more.
  constexpr size_t kCheckpoints = kCommits / 10 + 1;
  EXPECT_LE(reads, 3 * kCheckpoints + kWriters);
  EXPECT_LE(lists, kCommits + kCheckpoints);
  EXPECT_EQ(MUST(table->Current(Context()))->file_count(), kCommits + 1);
}

TEST_F(RequestCount, NoticesATableMadeAnewAroundItsOwnCommit) {
  Write(1);
  const auto table = Open();
  Append(*table, "ours");  // version 3
  // As if the table had been dropped and made anew between the question and the put.
  ASSERT_THAT(below_->Put(Context(), CommitPath("t", 2), MUST(below_->Get(Context(), CommitPath("t", 2))) + "\n",
                          store::PutMode::kOverwrite),
              IsOk());
  Requests();
  MUST(table->Current(Context()));
  EXPECT_NE(Requests(), "List 1");
}

}  // namespace
}  // namespace yummy::delta
