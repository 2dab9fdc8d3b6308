#include "yummy/store/fault_store.h"

#include "yummy/base/clock.h"
#include "yummy/base/testing.h"
#include "yummy/store/memory_store.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<ObjectStore> WithoutFaults(std::shared_ptr<ObjectStore> store) {
  return std::make_shared<FaultStore>(std::move(store));
}

INSTANTIATE_TEST_SUITE_P(
    Fault, StoreConformance,
    ::testing::Values(StoreSetup{.name = "Memory", .make = [] { return WithoutFaults(MakeMemoryStore()); }},
                      StoreSetup{.name = "Local", .make = [] { return WithoutFaults(MakeTemporaryLocalStore()); }}),
    StoreSetup::Name);

class FaultStoreTest : public ::testing::Test {
 protected:
  Result<ObjectMeta> Create(std::string_view path, std::string_view bytes = "x") {
    return store_.Put(context_, path, bytes, PutMode::kCreate);
  }
  bool IsThere(std::string_view path) { return memory_->Head(context_, path).ok(); }

  const Context context_;
  ManualClock clock_{1'700'000'000'000'000};
  std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>(clock_);
  std::vector<std::chrono::milliseconds> delays_;
  FaultStore store_{memory_, {.delay = std::chrono::milliseconds(70), .on_delay = [this](const Context&, auto delay) {
                                delays_.push_back(delay);
                              }}};
};

TEST_F(FaultStoreTest, APlanHoldsForItsOperationPathAndTimes) {
  store_.Inject(
      {.operation = Operation::kPutCreate, .path_contains = "_delta_log", .kind = FaultKind::kErrorAfter, .times = 2});
  EXPECT_THAT(Create("t/data"), IsOk());
  EXPECT_THAT(store_.Put(context_, "t/_delta_log/o", "x", PutMode::kOverwrite), IsOk());
  EXPECT_THAT(Create("t/_delta_log/0"), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(Create("t/_delta_log/1"), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(Create("t/_delta_log/2"), IsOk());
  for (const char* path : {"t/_delta_log/0", "t/_delta_log/1", "t/_delta_log/2"}) EXPECT_TRUE(IsThere(path)) << path;
  EXPECT_EQ(store_.injected(FaultKind::kErrorAfter), 2U);
  EXPECT_EQ(store_.injected(), 2U);
}

TEST_F(FaultStoreTest, APlanSkipsTheCallsItIsToldTo) {
  store_.Inject(
      {.operation = Operation::kHead, .path_contains = "", .kind = FaultKind::kErrorBefore, .times = 1, .skip = 2});
  MUST(Create("a"));
  EXPECT_THAT(store_.Head(context_, "a"), IsOk());
  EXPECT_THAT(store_.Head(context_, "a"), IsOk());
  EXPECT_THAT(store_.Head(context_, "a"), IsError(ErrorCode::kUnavailable));
  EXPECT_THAT(store_.Head(context_, "a"), IsOk());
}

TEST_F(FaultStoreTest, AnErrorBeforeIsNotApplied) {
  for (const FaultKind kind : {FaultKind::kErrorBefore, FaultKind::kIoError}) {
    store_.Inject({.operation = Operation::kPutCreate, .path_contains = "", .kind = kind});
    EXPECT_THAT(Create("a"), IsError(ErrorCode::kUnavailable));
    EXPECT_FALSE(IsThere("a"));
  }
}

TEST_F(FaultStoreTest, ATimeoutIsAppliedAndTakesItsTime) {
  store_.Inject({.operation = Operation::kPutOverwrite, .path_contains = "", .kind = FaultKind::kTimeoutAfter});
  const auto put = store_.Put(context_, "a", "x", PutMode::kOverwrite);
  EXPECT_THAT(put, IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_EQ(put.error().reason_name(), "STORE_TIMEOUT");
  EXPECT_TRUE(IsThere("a"));
  EXPECT_THAT(delays_, ElementsAre(std::chrono::milliseconds(70)));
}

TEST_F(FaultStoreTest, TheLostAnswerHidesAnError) {
  MUST(Create("a", "first"));
  store_.Inject({.operation = Operation::kPutCreate, .path_contains = "", .kind = FaultKind::kErrorAfter});
  EXPECT_THAT(Create("a", "second"), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_EQ(*memory_->Get(context_, "a"), "first");
}

TEST_F(FaultStoreTest, ALatePutLandsWhenItIsTold) {
  store_.Inject({.operation = Operation::kPutCreate, .path_contains = "", .kind = FaultKind::kErrorLate, .times = 2});
  EXPECT_THAT(Create("a", "late"), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(Create("b", "late"), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_THAT(store_.Head(context_, "a"), IsError(ErrorCode::kNotFound));
  MUST(Create("b", "in time"));
  store_.LandLate(context_);
  EXPECT_EQ(*memory_->Get(context_, "a"), "late");
  EXPECT_EQ(*memory_->Get(context_, "b"), "in time");
}

TEST_F(FaultStoreTest, ADelayChangesNothing) {
  store_.Inject({.operation = Operation::kList, .path_contains = "t/", .kind = FaultKind::kDelay});
  MUST(Create("t/a"));
  EXPECT_EQ(MUST(store_.List(context_, "t/", {})).objects.size(), 1U);
  EXPECT_EQ(delays_.size(), 1U);
}

TEST_F(FaultStoreTest, ATruncatedReadLacksItsSecondHalf) {
  MUST(Create("a", "0123456789"));
  const ByteRange ranges[] = {{0, 4}, {6, 2}};
  store_.SetChance(FaultKind::kTruncatedRead, 1);
  EXPECT_EQ(*store_.Get(context_, "a"), "01234");
  EXPECT_THAT(*store_.GetRanges(context_, "a", ranges), ElementsAre("01", "6"));
  const auto reader = MUST(store_.Open(context_, "a"));
  std::byte bytes[2];
  EXPECT_THAT(reader->ReadAt(context_, 0, bytes), IsError(ErrorCode::kUnavailable));
  store_.Heal();
  EXPECT_EQ(*store_.Get(context_, "a"), "0123456789");
  EXPECT_THAT(reader->ReadAt(context_, 0, bytes), IsOk());
}

TEST_F(FaultStoreTest, AStaleListLacksTheNewestObject) {
  MUST(Create("t/b"));
  clock_.Advance(1);
  MUST(Create("t/a"));
  store_.Inject({.operation = Operation::kList, .path_contains = "", .kind = FaultKind::kStaleList});
  const ListPage stale = MUST(store_.List(context_, "t/", {}));
  ASSERT_EQ(stale.objects.size(), 1U);
  EXPECT_EQ(stale.objects.front().path, "t/b");
  EXPECT_EQ(MUST(store_.List(context_, "t/", {})).objects.size(), 2U);
}

TEST_F(FaultStoreTest, AnUploadFailsAtEachOfItsSteps) {
  store_.Inject({.operation = Operation::kStartUpload, .path_contains = "", .kind = FaultKind::kErrorBefore});
  EXPECT_THAT(store_.StartUpload(context_, "a", PutMode::kCreate), IsError(ErrorCode::kUnavailable));

  store_.Inject({.operation = Operation::kUploadWrite, .path_contains = "", .kind = FaultKind::kErrorBefore});
  const auto torn = MUST(store_.StartUpload(context_, "a", PutMode::kCreate));
  EXPECT_THAT(torn->Write(context_, "1"), IsError(ErrorCode::kUnavailable));
  EXPECT_THAT(torn->Write(context_, "2"), IsOk());
  EXPECT_THAT(torn->Finish(context_), IsError(ErrorCode::kUnavailable));
  EXPECT_FALSE(IsThere("a"));

  store_.Inject({.operation = Operation::kUploadFinish, .path_contains = "a", .kind = FaultKind::kErrorAfter});
  const auto lost = MUST(store_.StartUpload(context_, "a", PutMode::kCreate));
  EXPECT_THAT(lost->Write(context_, "1"), IsOk());
  EXPECT_THAT(lost->Finish(context_), IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_TRUE(IsThere("a"));
}

TEST_F(FaultStoreTest, ADeleteFailsForSomeOfItsPaths) {
  for (const char* path : {"a", "b", "c"}) MUST(Create(path));
  store_.Inject({.operation = Operation::kDelete, .path_contains = "b", .kind = FaultKind::kErrorBefore});
  store_.Inject({.operation = Operation::kDelete, .path_contains = "c", .kind = FaultKind::kErrorAfter});
  const std::vector<std::string> paths = {"a", "b", "c"};
  const auto results = store_.Delete(context_, paths);
  EXPECT_THAT(results[0], IsOk());
  EXPECT_THAT(results[1], IsError(ErrorCode::kUnavailable));
  EXPECT_THAT(results[2], IsError(ErrorCode::kOutcomeUnknown));
  EXPECT_FALSE(IsThere("a"));
  EXPECT_TRUE(IsThere("b"));
  EXPECT_FALSE(IsThere("c"));
  EXPECT_EQ(store_.calls(Operation::kDelete), 1U);
}

TEST_F(FaultStoreTest, CountsCallsByOperation) {
  MUST(Create("a"));
  MUST(store_.Put(context_, "a", "y", PutMode::kOverwrite));
  EXPECT_THAT(store_.Head(context_, "absent"), IsError(ErrorCode::kNotFound));
  std::byte byte{};
  const auto reader = MUST(store_.Open(context_, "a"));
  MUST(reader->ReadAt(context_, 0, std::span(&byte, 1)));
  MUST(reader->ReadAt(context_, 0, std::span(&byte, 1)));
  EXPECT_EQ(store_.calls(Operation::kPutCreate), 1U);
  EXPECT_EQ(store_.calls(Operation::kPutOverwrite), 1U);
  EXPECT_EQ(store_.calls(Operation::kHead), 1U);
  EXPECT_EQ(store_.calls(Operation::kOpen), 1U);
  EXPECT_EQ(store_.calls(Operation::kReadAt), 2U);
  EXPECT_EQ(store_.calls(), 6U);
  store_.ResetCounts();
  EXPECT_EQ(store_.calls(), 0U);
}

TEST_F(FaultStoreTest, TheSameSeedFailsTheSameCalls) {
  const auto run = [this](uint64_t seed) {
    FaultStore store(memory_, {.seed = seed});
    store.SetChance(FaultKind::kErrorBefore, 0.3);
    store.SetChance(FaultKind::kErrorAfter, 0.2);
    std::string outcomes;
    for (int i = 0; i < 200; i++) {
      const auto put = store.Put(context_, "o", "x", PutMode::kOverwrite);
      outcomes += put.ok() ? '.' : put.error().code() == ErrorCode::kUnavailable ? 'b' : 'a';
    }
    return outcomes;
  };
  EXPECT_EQ(run(7), run(7));
  EXPECT_NE(run(7), run(8));
  EXPECT_THAT(run(7),
              ::testing::AllOf(::testing::HasSubstr("."), ::testing::HasSubstr("a"), ::testing::HasSubstr("b")));
}

TEST_F(FaultStoreTest, ReplicasHaveTheirOwnFaultsOverOneStore) {
  FaultStore other(memory_);
  store_.SetChance(FaultKind::kErrorBefore, 1);
  EXPECT_THAT(Create("a"), IsError(ErrorCode::kUnavailable));
  EXPECT_THAT(other.Put(context_, "a", "x", PutMode::kCreate), IsOk());
  EXPECT_THAT(other.injected(), 0U);
}

}  // namespace
}  // namespace yummy::store
