#include "yummy/store/probe_store.h"

#include <thread>

#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Promises nothing; without honesty it takes the condition of a put and overwrites all the same.
class UnprovenStore final : public WrapperStore {
 public:
  UnprovenStore(std::shared_ptr<ObjectStore> store, bool is_honest)
      : WrapperStore(std::move(store)), is_honest_(is_honest) {}

  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override {
    return store().Put(context, path, bytes, is_honest_ ? mode : PutMode::kOverwrite);
  }
  Capabilities capabilities() const override { return {.create_is_atomic = false}; }

 private:
  const bool is_honest_;
};

std::shared_ptr<ObjectStore> MakeProbedStore() { return std::make_shared<ProbeStore>(MakeMemoryStore()); }

INSTANTIATE_TEST_SUITE_P(Probed, StoreConformance,
                         ::testing::Values(StoreSetup{.name = "Probed", .make = MakeProbedStore}), StoreSetup::Name);

class ProbeTest : public ::testing::Test {
 protected:
  void Make(bool is_honest) {
    faults_ = std::make_shared<FaultStore>(std::make_shared<UnprovenStore>(below_, is_honest));
    probed_ = std::make_unique<ProbeStore>(faults_);
  }

  Result<ObjectMeta> Commit(std::string_view path = "t/_delta_log/00000000000000000000.json") {
    return probed_->Put(context_, path, "{}", PutMode::kCreate);
  }

  std::vector<std::string> AllPaths() {
    std::vector<std::string> paths;
    for (const ObjectMeta& object : MUST(below_->List(context_, "", {})).objects) paths.push_back(object.path);
    return paths;
  }

  const Context context_;
  const std::shared_ptr<ObjectStore> below_ = MakeMemoryStore();
  std::shared_ptr<FaultStore> faults_;
  std::unique_ptr<ProbeStore> probed_;
};

TEST_F(ProbeTest, AsksAnHonestStoreOnceAndLeavesNothing) {
  Make(true);
  EXPECT_FALSE(probed_->capabilities().create_is_atomic);
  EXPECT_THAT(Commit(), IsOk());
  EXPECT_TRUE(probed_->capabilities().create_is_atomic);
  EXPECT_EQ(faults_->calls(Operation::kPutCreate), 3U);
  EXPECT_EQ(faults_->calls(Operation::kDelete), 1U);
  EXPECT_THAT(Commit("t/_delta_log/00000000000000000001.json"), IsOk());
  EXPECT_EQ(faults_->calls(Operation::kPutCreate), 4U);
  EXPECT_THAT(AllPaths(),
              ElementsAre("t/_delta_log/00000000000000000000.json", "t/_delta_log/00000000000000000001.json"));
}

TEST_F(ProbeTest, RefusesEveryWriteToAStoreThatOverwrites) {
  Make(false);
  const auto refused = Commit();
  ASSERT_THAT(refused, IsError(ErrorCode::kUnsupported));
  EXPECT_EQ(refused.error().reason_name(), "STORE_UNSAFE_FOR_WRITES");
  EXPECT_THAT(probed_->StartUpload(context_, "t/a.parquet", PutMode::kCreate), IsError(ErrorCode::kUnsupported));
  EXPECT_THAT(probed_->Put(context_, "t/b", "x", PutMode::kOverwrite), IsError(ErrorCode::kUnsupported));
  EXPECT_EQ(faults_->calls(Operation::kPutCreate), 2U);  // asked once
  EXPECT_THAT(AllPaths(), IsEmpty());
  EXPECT_THAT(probed_->List(context_, "", {}), IsOk());
}

TEST_F(ProbeTest, FindsOutWhenAnswersAreLost) {
  for (const bool is_honest : {true, false}) {
    for (const FaultKind kind : {FaultKind::kErrorBefore, FaultKind::kErrorAfter}) {
      for (size_t skip = 0; skip < 3; skip++) {
        Make(is_honest);
        faults_->Inject({.operation = Operation::kPutCreate, .path_contains = ".probe-", .kind = kind, .skip = skip});
        const auto put = Commit("t/" + std::to_string(AllPaths().size()));
        EXPECT_EQ(put.ok() ? "" : put.error().reason_name(), is_honest ? "" : "STORE_UNSAFE_FOR_WRITES") << skip;
      }
    }
  }
}

TEST_F(ProbeTest, AsksAgainWhenNothingCouldBeFoundOut) {
  Make(true);
  faults_->Inject({.operation = Operation::kPutCreate, .kind = FaultKind::kErrorBefore, .times = 100});
  const Context hurried = context_.WithDeadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  EXPECT_THAT(probed_->Put(hurried, "t/a", "x", PutMode::kCreate), IsError(ErrorCode::kDeadlineExceeded));
  faults_->Heal();
  EXPECT_THAT(Commit(), IsOk());
}

TEST_F(ProbeTest, AsksOnceForManyWritesAtOnce) {
  Make(true);
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 16; i++) {
      writers.emplace_back([this, i] { EXPECT_THAT(Commit("t/" + std::to_string(i)), IsOk()); });
    }
  }
  EXPECT_EQ(faults_->calls(Operation::kPutCreate), 2U + 16);
  EXPECT_EQ(faults_->calls(Operation::kDelete), 1U);
}

TEST_F(ProbeTest, TakesBackWhatItPutWhenTheWriteIsOutOfTime) {
  Make(true);
  faults_->Inject({.operation = Operation::kPutCreate, .kind = FaultKind::kErrorAfter, .times = 100});
  const Context hurried = context_.WithDeadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
  EXPECT_FALSE(probed_->Put(hurried, "t/a", "x", PutMode::kCreate).ok());
  EXPECT_THAT(AllPaths(), IsEmpty());
}

TEST_F(ProbeTest, AsksNothingOfAStoreThatPromises) {
  const auto counted = std::make_shared<FaultStore>(below_);
  ProbeStore probed(counted);
  EXPECT_THAT(probed.Put(context_, "a", "x", PutMode::kCreate), IsOk());
  EXPECT_EQ(counted->calls(), 1U);
}

}  // namespace
}  // namespace yummy::store
