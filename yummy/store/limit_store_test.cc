#include "yummy/store/limit_store.h"

#include <atomic>
#include <latch>
#include <thread>

#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<ObjectStore> MakeLimitedStore() {
  return std::make_shared<LimitStore>(MakeMemoryStore(), RequestLimits{1, 1, 1});
}

INSTANTIATE_TEST_SUITE_P(Limited, StoreConformance,
                         ::testing::Values(StoreSetup{.name = "Limited", .make = MakeLimitedStore}), StoreSetup::Name);

class LimitTest : public ::testing::Test {
 protected:
  // Every call below waits until it is let go.
  void SetUp() override { faults_->SetChance(FaultKind::kDelay, 1); }

  void WaitFor(RequestClass request_class, size_t in_flight, size_t waiting) {
    while (limited_.in_flight(request_class) != in_flight || limited_.waiting(request_class) != waiting)
      std::this_thread::yield();
  }

  std::atomic<size_t> below_ = 0;  // calls under way
  std::atomic<size_t> below_max_ = 0;
  std::latch go_{1};
  const std::shared_ptr<FaultStore> faults_ = std::make_shared<FaultStore>(
      MakeMemoryStore(), FaultOptions{.on_delay = [this](const Context&, milliseconds) {
        const size_t now = ++below_;
        for (size_t max = below_max_; now > max && !below_max_.compare_exchange_weak(max, now);) continue;
        go_.wait();
        below_--;
      }});
  LimitStore limited_{faults_, {2, 2, 1}};
};

TEST_F(LimitTest, LetsNoMoreThroughThanTheClassHasPlaces) {
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; i++) threads.emplace_back([&] { (void)limited_.Head(Context(), "t/data"); });
    WaitFor(RequestClass::kData, 2, 6);
    go_.count_down();
  }
  EXPECT_EQ(below_max_, 2U);
  EXPECT_EQ(faults_->calls(Operation::kHead), 8U);
  EXPECT_EQ(limited_.in_flight(RequestClass::kData), 0U);
}

TEST_F(LimitTest, KeepsNoClassWaitingForAnother) {
  const std::vector<std::string> paths = {"t/data"};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; i++) threads.emplace_back([&] { (void)limited_.Get(Context(), "t/data"); });
  for (int i = 0; i < 2; i++) threads.emplace_back([&] { (void)limited_.Delete(Context(), paths); });
  WaitFor(RequestClass::kData, 2, 1);
  WaitFor(RequestClass::kBackground, 1, 1);
  threads.emplace_back(
      [&] { (void)limited_.Put(Context(), "t/_delta_log/00000000000000000000.json", "x", PutMode::kCreate); });
  threads.emplace_back([&] { (void)limited_.List(Context(), "t/_delta_log/", {}); });
  WaitFor(RequestClass::kLog, 2, 0);
  threads.emplace_back(
      [&] { (void)limited_.Put(Context(), "t/_delta_log/00000000000000000000.crc", "x", PutMode::kCreate); });
  WaitFor(RequestClass::kBackground, 1, 2);
  go_.count_down();
}

TEST_F(LimitTest, WaitsNoLongerThanTheRequest) {
  std::stop_source stop;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; i++) threads.emplace_back([&] { (void)limited_.Get(Context(), "t/data"); });
  WaitFor(RequestClass::kData, 2, 0);
  const Context hurried = Context().WithDeadline(std::chrono::steady_clock::now() + milliseconds(20));
  EXPECT_THAT(limited_.Get(hurried, "t/data"), IsError(ErrorCode::kDeadlineExceeded));
  const Context soon = Context().WithDeadline(std::chrono::steady_clock::now() + milliseconds(20));
  const auto late = limited_.Put(soon, "t/new", "x", PutMode::kCreate);
  ASSERT_THAT(late, IsError(ErrorCode::kUnavailable));
  EXPECT_EQ(late.error().reason_name(), "STORE_BUSY");
  threads.emplace_back([&] {
    EXPECT_THAT(limited_.Get(Context(Context::Time::max(), stop.get_token(), ""), "t/data"),
                IsError(ErrorCode::kCancelled));
  });
  WaitFor(RequestClass::kData, 2, 1);
  stop.request_stop();
  WaitFor(RequestClass::kData, 2, 0);
  go_.count_down();
}

}  // namespace
}  // namespace yummy::store
