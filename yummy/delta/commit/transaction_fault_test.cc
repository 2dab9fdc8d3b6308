// What a commit comes to when the store fails, lies low or loses its answers (docs: the rule for the ambiguous put).

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/commit/transaction_testing.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

using std::chrono::milliseconds;
using store::FaultKind;
using store::FaultStore;

constexpr size_t kAlways = 1'000'000;

enum class Verb { kAppend, kOverwrite, kCreate };
enum class Expected { kCommitted, kUnavailable, kUnknown };

struct Fault {
  std::string_view name;
  FaultKind kind;
  size_t times;
  Expected expected;
};

constexpr std::array kFaults = {
    Fault{"AfterOnce", FaultKind::kErrorAfter, 1, Expected::kCommitted},
    Fault{"AfterAlways", FaultKind::kErrorAfter, kAlways, Expected::kCommitted},  // the commit can be read
    Fault{"TimeoutOnce", FaultKind::kTimeoutAfter, 1, Expected::kCommitted},
    Fault{"TimeoutAlways", FaultKind::kTimeoutAfter, kAlways, Expected::kCommitted},
    Fault{"BeforeOnce", FaultKind::kErrorBefore, 1, Expected::kCommitted},
    Fault{"BeforeAlways", FaultKind::kErrorBefore, kAlways, Expected::kUnavailable},
    Fault{"LateOnce", FaultKind::kErrorLate, 1, Expected::kCommitted},
    Fault{"LateThrice", FaultKind::kErrorLate, 3, Expected::kCommitted},
    Fault{"LateAlways", FaultKind::kErrorLate, kAlways, Expected::kUnknown},
};

struct Case {
  std::string name;
  std::function<std::shared_ptr<store::ObjectStore>()> make_store;
  Verb verb;
  Fault fault;
};

std::vector<Case> AllCases() {
  std::vector<std::pair<std::string, std::function<std::shared_ptr<store::ObjectStore>()>>> stores = {
      {"Memory", store::MakeMemoryStore}, {"Local", store::MakeTemporaryLocalStore}};
  if (store::StoreOfTests()) stores = {{"Cloud", [] { return store::MakeEmptyStore(*store::StoreOfTests()); }}};
  const std::vector<std::pair<std::string, Verb>> verbs = {
      {"Append", Verb::kAppend}, {"Overwrite", Verb::kOverwrite}, {"Create", Verb::kCreate}};
  std::vector<Case> cases;
  for (const auto& [store_name, make] : stores) {
    for (const auto& [verb_name, verb] : verbs) {
      for (const Fault& fault : kFaults) {
        cases.push_back({fmt::format("{}{}{}", store_name, verb_name, fault.name), make, verb, fault});
      }
    }
  }
  return cases;
}

class LostAnswerTest : public ::testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Transaction> Begin() {
    TableOptions options = TestTableOptions();
    if (GetParam().fault.expected != Expected::kCommitted) options.commit_deadline = milliseconds(300);
    if (GetParam().verb == Verb::kCreate) {
      table_ = Table::Make(faults_, "t", options);
      auto create = table_->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
      create->SetProtocol({});
      create->SetMetadata(TestMetadata());
      return create;
    }
    MakeTestTable(store_, TestTableOptions(), {TestAdd("f1", "a"), TestAdd("f2", "b")});
    table_ = Table::Make(faults_, "t", options);
    auto transaction = table_->Begin(Context(), {"WRITE", {}}).value();
    if (GetParam().verb == Verb::kOverwrite) {
      transaction->ReadWholeTable();
      for (const FileId file : transaction->base()->files()) transaction->RemoveFile(file);
    }
    return transaction;
  }

  void Stage(Transaction& transaction) {
    const std::string path = transaction.StageFile({{"p", "a"}});
    ASSERT_THAT(store_->Put(Context(), "t/" + path, "rows", store::PutMode::kCreate), IsOk());
    staged_ = EncodeLogPath(path);
    Add add = TestAdd("", "a");
    add.path = staged_;
    transaction.AddFile(add);
  }

  // The log when the transaction has become a version, once, or when it has not.
  void ExpectLog(bool is_committed) {
    const size_t before = GetParam().verb == Verb::kCreate ? 0 : 2;
    const LogContent log = ReadLog(*store_);
    EXPECT_EQ(log.versions.size(), before + (is_committed ? 1 : 0));
    EXPECT_EQ(log.adds.contains(staged_) ? log.adds.at(staged_) : 0, is_committed ? 1 : 0);
    EXPECT_EQ(log.removes.size(), is_committed && GetParam().verb == Verb::kOverwrite ? 2U : 0U);
  }

  const std::shared_ptr<store::ObjectStore> store_ = GetParam().make_store();
  const std::shared_ptr<FaultStore> faults_ = std::make_shared<FaultStore>(store_);
  std::shared_ptr<Table> table_;
  std::string staged_;
};

TEST_P(LostAnswerTest, HasTheOneRightOutcome) {
  auto transaction = Begin();
  Stage(*transaction);
  const Fault& fault = GetParam().fault;
  faults_->Inject(
      {.operation = store::Operation::kPutCreate, .path_contains = ".json", .kind = fault.kind, .times = fault.times});
  const auto outcome = transaction->Commit(Context());
  transaction.reset();
  switch (fault.expected) {
    case Expected::kCommitted:
      ASSERT_THAT(outcome, IsOk());
      ASSERT_TRUE(std::holds_alternative<Committed>(*outcome));
      EXPECT_EQ(std::get<Committed>(*outcome).version, GetParam().verb == Verb::kCreate ? 0 : 2);
      ExpectLog(true);
      EXPECT_EQ(DataFiles(*store_).size(), 1U);
      faults_->LandLate(Context());
      ExpectLog(true);
      break;
    case Expected::kUnavailable:
      EXPECT_THAT(outcome, IsError(ErrorCode::kUnavailable));
      ExpectLog(false);
      EXPECT_TRUE(DataFiles(*store_).empty());
      break;
    case Expected::kUnknown:
      ASSERT_THAT(outcome, IsOk());
      ASSERT_TRUE(std::holds_alternative<Unknown>(*outcome));
      EXPECT_EQ(DataFiles(*store_).size(), 1U);
      ExpectLog(false);
      faults_->LandLate(Context());
      ExpectLog(true);
      EXPECT_EQ(ReadLog(*store_).infos.back().txn_id, std::get<Unknown>(*outcome).txn_id);
      break;
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, LostAnswerTest, ::testing::ValuesIn(AllCases()),
                         [](const auto& parameter) { return parameter.param.name; });

// Another writer's commit, by hand.
void PutOther(store::ObjectStore& store, int64_t version, const Action& action) {
  CommitInfo info;
  info.json = R"({"timestamp":1,"operation":"OTHER","isBlindAppend":true,"txnId":"other"})";
  const std::vector<Action> actions = {info, action};
  ASSERT_THAT(store.Put(Context(), CommitPath("t", version), WriteActions(actions), store::PutMode::kCreate), IsOk());
}

// A store whose next creating put waits until `during_put` has run.
class RaceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MakeTestTable(store_, TestTableOptions(), {TestAdd("f1", "a")});
    table_ = Table::Make(faults_, "t", TestTableOptions());
  }
  void Inject(FaultKind kind, size_t times = 1) {
    faults_->Inject(
        {.operation = store::Operation::kPutCreate, .path_contains = ".json", .kind = kind, .times = times});
  }
  std::unique_ptr<Transaction> BeginAppend() {
    auto transaction = table_->Begin(Context(), {"WRITE", {}}).value();
    transaction->AddFile(TestAdd("ours", "a"));
    return transaction;
  }

  std::function<void()> during_put_ = [] {};
  bool hangs_ = false;  // what is delayed from now on does not end before its deadline
  const std::shared_ptr<store::ObjectStore> store_ = store::MakeMemoryStore();
  const std::shared_ptr<FaultStore> faults_ = std::make_shared<FaultStore>(
      store_, store::FaultOptions{.on_delay = [this](const Context& context, milliseconds) {
        if (hangs_) (void)context.Sleep(std::chrono::hours(1));
        during_put_();
      }});
  std::shared_ptr<Table> table_;
};

TEST_F(RaceTest, TakesTheNextVersionAfterALostRace) {
  during_put_ = [&] { PutOther(*store_, 2, TestAdd("other", "a")); };
  Inject(FaultKind::kDelay);
  const auto outcome = BeginAppend()->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  const auto& committed = std::get<Committed>(*outcome);
  EXPECT_EQ(committed.version, 3);
  EXPECT_EQ(committed.attempts, 2);
  EXPECT_EQ(committed.snapshot->file_count(), 3U);
}

TEST_F(RaceTest, ConflictsWhenTheWinnerChangedTheMetadata) {
  during_put_ = [&] { PutOther(*store_, 2, TestMetadata({{"k", "v"}})); };
  Inject(FaultKind::kDelay);
  const auto outcome = BeginAppend()->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<Conflict>(*outcome).error.detail("winner"), "OTHER");
  EXPECT_EQ(ReadLog(*store_).versions.size(), 3U);
}

TEST_F(RaceTest, TellsACreateThatTheTableExists) {
  const auto late = Table::Make(faults_, "u", TestTableOptions());
  const auto create = late->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
  create->SetProtocol({});
  create->SetMetadata(TestMetadata());
  during_put_ = [&] {
    const auto bytes = store_->Get(Context(), CommitPath("t", 0)).value();
    ASSERT_THAT(store_->Put(Context(), CommitPath("u", 0), bytes, store::PutMode::kCreate), IsOk());
  };
  Inject(FaultKind::kDelay);
  const auto outcome = create->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<Conflict>(*outcome).error.code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(std::get<Conflict>(*outcome).error.reason_name(), "TABLE_EXISTS");
}

TEST_F(RaceTest, SettlesWhatWasSentWhenTheRequestIsCancelled) {
  std::stop_source stop;
  during_put_ = [&] { stop.request_stop(); };
  Inject(FaultKind::kTimeoutAfter);
  const auto outcome = BeginAppend()->Commit(Context(Context::Time::max(), stop.get_token(), ""));
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<Committed>(*outcome));
  EXPECT_EQ(ReadLog(*store_).adds.at("p=a/ours"), 1);
}

TEST_F(RaceTest, IsCancelledBetweenTwoPuts) {
  std::stop_source stop;
  during_put_ = [&] {
    PutOther(*store_, 2, TestAdd("other", "a"));
    stop.request_stop();
  };
  Inject(FaultKind::kDelay);
  EXPECT_THAT(BeginAppend()->Commit(Context(Context::Time::max(), stop.get_token(), "")),
              IsError(ErrorCode::kCancelled));
  EXPECT_EQ(ReadLog(*store_).adds.count("p=a/ours"), 0U);
}

TEST_F(RaceTest, ReadsNothingToKnowItsOwnCommit) {
  const auto transaction = BeginAppend();
  during_put_ = [&] {
    for (const auto operation : {store::Operation::kGet, store::Operation::kList, store::Operation::kHead}) {
      faults_->Inject({.operation = operation, .kind = FaultKind::kErrorBefore, .times = kAlways});
    }
  };
  Inject(FaultKind::kDelay);
  const auto outcome = transaction->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  const SnapshotRef snapshot = std::get<Committed>(*outcome).snapshot;
  ASSERT_NE(snapshot, nullptr);
  EXPECT_EQ(snapshot->version(), 2);
  EXPECT_TRUE(snapshot->FindFile("p=a/ours"));
}

TEST_F(RaceTest, StandsWhenTheCommittedVersionCannotBeRead) {
  const auto transaction = BeginAppend();
  // The put passes, its answer is lost, and from then on nothing can be asked but what is at the version.
  during_put_ = [&] {
    for (const auto operation : {store::Operation::kList, store::Operation::kHead}) {
      faults_->Inject({.operation = operation, .kind = FaultKind::kErrorBefore, .times = kAlways});
    }
  };
  Inject(FaultKind::kTimeoutAfter);
  const auto outcome = transaction->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<Committed>(*outcome).version, 2);
  EXPECT_EQ(std::get<Committed>(*outcome).snapshot, nullptr);
  EXPECT_EQ(ReadLog(*store_).adds.at("p=a/ours"), 1);
}

TEST_F(RaceTest, GivesUpNamingTheWinnerWhenOthersAreAlwaysFaster) {
  TableOptions options = TestTableOptions();
  options.commit_deadline = milliseconds(300);
  table_ = Table::Make(faults_, "t", options);
  int64_t next = 2;
  during_put_ = [&] { PutOther(*store_, next, TestAdd(fmt::format("other{}", next), "a")), next++; };
  Inject(FaultKind::kDelay, kAlways);
  const auto outcome = BeginAppend()->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<Conflict>(*outcome).error.reason_name(), "CONCURRENT_MODIFICATION");
  EXPECT_EQ(std::get<Conflict>(*outcome).winning_version, next - 1);
}

TEST_F(RaceTest, GivesUpNamingTheWinnerWhenItsTimeEndsWhileTheStoreIsAsked) {
  TableOptions options = TestTableOptions();
  options.commit_deadline = milliseconds(500);
  table_ = Table::Make(faults_, "t", options);
  during_put_ = [&] {
    if (std::exchange(hangs_, true)) return;
    PutOther(*store_, 2, TestAdd("other", "a"));
    for (const auto operation : {store::Operation::kList, store::Operation::kHead})
      faults_->Inject({.operation = operation, .kind = FaultKind::kDelay, .times = kAlways});
  };
  Inject(FaultKind::kDelay);
  const auto outcome = BeginAppend()->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<Conflict>(*outcome).winning_version, 2);
}

TEST_F(RaceTest, LeavesAnUndecidedVersionToWhoeverTakesItFirst) {
  TableOptions options = TestTableOptions();
  options.commit_deadline = milliseconds(500);
  const auto hasty = Table::Make(faults_, "t", options);
  auto lost = hasty->Begin(Context(), {"WRITE", {}}).value();
  lost->AddFile(TestAdd("lost", "a"));
  Inject(FaultKind::kErrorLate, kAlways);
  const auto outcome = lost->Commit(Context());
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<Unknown>(*outcome));
  EXPECT_THAT(RequireCommitted(*outcome), IsError(ErrorCode::kOutcomeUnknown));
  faults_->Heal();
  const auto next = BeginAppend()->Commit(Context());
  ASSERT_THAT(next, IsOk());
  EXPECT_EQ(std::get<Committed>(*next).version, 2);
  faults_->LandLate(Context());
  const LogContent log = ReadLog(*store_);
  EXPECT_EQ(log.versions.size(), 3U);
  EXPECT_EQ(log.adds.count("p=a/lost"), 0U);
}

}  // namespace
}  // namespace yummy::delta
