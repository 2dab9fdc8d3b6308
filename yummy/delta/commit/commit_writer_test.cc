#include "yummy/delta/commit/commit_writer.h"

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

using std::chrono::milliseconds;
using store::FaultKind;
using store::Operation;

constexpr size_t kAlways = 1'000'000;

std::string BytesOf(std::string_view txn_id, std::string_view operation) {
  return fmt::format("{{\"commitInfo\":{{\"timestamp\":1,\"operation\":\"{}\",\"txnId\":\"{}\"}}}}\n", operation,
                     txn_id);
}

class CommitWriterTest : public ::testing::Test {
 protected:
  Result<PutOutcome> Put() {
    CommitWriter writer(*faults_, "t", {.first = milliseconds(1), .max = milliseconds(1)}, random_);
    return writer.Put(context_, ours_);
  }
  void Fail(FaultKind kind, size_t times, Operation operation = Operation::kPutCreate) {
    faults_->Inject({.operation = operation, .path_contains = "_delta_log", .kind = kind, .times = times});
  }
  void PutByOther(std::string_view bytes) {
    ASSERT_THAT(memory_->Put(Context(), path_, bytes, store::PutMode::kCreate), IsOk());
  }
  std::string Stored() { return memory_->Get(Context(), path_).value(); }
  void EndSoon() { context_ = Context().WithDeadline(std::chrono::steady_clock::now() + milliseconds(30)); }

  Random random_{7};
  const std::shared_ptr<store::ObjectStore> memory_ = store::MakeTestStore();
  const std::shared_ptr<store::FaultStore> faults_ = std::make_shared<store::FaultStore>(memory_);
  const std::string path_ = CommitPath("t", 3);
  const CommitBytes ours_{3, "id-ours", BytesOf("id-ours", "WRITE")};
  const std::string theirs_ = BytesOf("id-theirs", "DELETE");
  Context context_;
};

TEST_F(CommitWriterTest, WinsAFreeVersionWithOnePut) {
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<PutWon>(*outcome).tries, 1);
  EXPECT_EQ(faults_->calls(), 1U);
  EXPECT_EQ(Stored(), ours_.bytes);
}

TEST_F(CommitWriterTest, LosesATakenVersionAndTellsTheWinner) {
  PutByOther(theirs_);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  const WinningCommit& winner = std::get<PutLost>(*outcome).winner;
  EXPECT_EQ(winner.version, 3);
  ASSERT_EQ(winner.actions.size(), 1U);
  EXPECT_EQ(std::get<CommitInfo>(winner.actions[0]).operation, "DELETE");
  EXPECT_EQ(Stored(), theirs_);
}

TEST_F(CommitWriterTest, WinsWhenTheAnswerToAnAppliedPutIsLost) {
  for (const FaultKind kind : {FaultKind::kErrorAfter, FaultKind::kTimeoutAfter}) {
    ASSERT_THAT(memory_->Delete(Context(), std::vector{path_}).at(0), IsOk());
    Fail(kind, 1);
    const auto outcome = Put();
    ASSERT_THAT(outcome, IsOk());
    EXPECT_EQ(std::get<PutWon>(*outcome).tries, 2);
    EXPECT_EQ(Stored(), ours_.bytes);
  }
}

TEST_F(CommitWriterTest, WinsWhenEveryAnswerIsLostAndTheCommitCanBeRead) {
  Fail(FaultKind::kErrorAfter, kAlways);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutWon>(*outcome));
}

TEST_F(CommitWriterTest, LosesWhenEveryAnswerIsLostAndAnotherCommitCanBeRead) {
  PutByOther(theirs_);
  Fail(FaultKind::kErrorAfter, kAlways);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutLost>(*outcome));
}

TEST_F(CommitWriterTest, WinsWhenTheStoreClientsOwnSecondTryFindsTheFirst) {
  // One put of ours, "exists" for an answer, and yet the object is ours.
  PutByOther(ours_.bytes);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutWon>(*outcome));
}

TEST_F(CommitWriterTest, SendsThePutAgainWhenItWasNotApplied) {
  Fail(FaultKind::kErrorBefore, 2);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<PutWon>(*outcome).tries, 3);
}

TEST_F(CommitWriterTest, FailsForGoodWhenNothingWasEverApplied) {
  EndSoon();
  Fail(FaultKind::kErrorBefore, kAlways);
  EXPECT_THAT(Put(), IsError(ErrorCode::kUnavailable));
  EXPECT_THAT(memory_->Head(Context(), path_), IsError(ErrorCode::kNotFound));
}

TEST_F(CommitWriterTest, StaysUndecidedWhenAPutMayStillBeOnItsWay) {
  EndSoon();
  Fail(FaultKind::kErrorLate, 1);
  Fail(FaultKind::kErrorBefore, kAlways);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutUndecided>(*outcome));
  faults_->LandLate(Context());
  EXPECT_EQ(Stored(), ours_.bytes);
}

TEST_F(CommitWriterTest, SettlesALatePutWithTheSamePut) {
  Fail(FaultKind::kErrorLate, 1);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_EQ(std::get<PutWon>(*outcome).tries, 2);
  faults_->LandLate(Context());
  EXPECT_EQ(Stored(), ours_.bytes);
}

TEST_F(CommitWriterTest, StaysUndecidedWhenTheWinnerCannotBeRead) {
  EndSoon();
  PutByOther(theirs_);
  Fail(FaultKind::kErrorBefore, kAlways, Operation::kGet);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutUndecided>(*outcome));
}

TEST_F(CommitWriterTest, TakesAnAnswerCutShortForNoAnswer) {
  Fail(FaultKind::kErrorAfter, 1);
  Fail(FaultKind::kTruncatedRead, 2, Operation::kGet);
  const auto outcome = Put();
  ASSERT_THAT(outcome, IsOk());
  EXPECT_TRUE(std::holds_alternative<PutWon>(*outcome));
}

TEST_F(CommitWriterTest, RefusesAWinnerThatCannotBeUnderstood) {
  PutByOther("{\"add\":");
  EXPECT_THAT(Put(), IsError(ErrorCode::kCorrupt));
}

TEST_F(CommitWriterTest, ReturnsARefusalOfTheStoreAtOnce) {
  CommitWriter writer(*faults_, "..", {.first = milliseconds(1), .max = milliseconds(1)}, random_);
  EXPECT_THAT(writer.Put(context_, ours_), IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(faults_->calls(Operation::kPutCreate), 1U);
}

}  // namespace
}  // namespace yummy::delta
