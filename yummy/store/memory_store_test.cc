#include "yummy/store/memory_store.h"

#include "yummy/base/testing.h"
#include "yummy/store/testing.h"

namespace yummy::store {
namespace {

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
                         ::testing::Values(StoreSetup{.name = "Memory", .make = MakeMemoryStore}), StoreSetup::Name);

TEST(MemoryStore, TakesTheTimeFromItsClock) {
  ManualClock clock(1'700'000'000'000'000);
  MemoryStore store(clock);
  const Context context;
  EXPECT_EQ(MUST(store.Put(context, "a", "x", PutMode::kCreate)).modified_micros, 1'700'000'000'000'000);
  clock.Advance(5);
  EXPECT_EQ(MUST(store.Put(context, "a", "x", PutMode::kOverwrite)).modified_micros, 1'700'000'000'000'005);
}

TEST(MemoryStore, AReaderKeepsTheVersionItOpened) {
  MemoryStore store(Clock::System());
  const Context context;
  MUST(store.Put(context, "a", "first", PutMode::kCreate));
  const auto reader = MUST(store.Open(context, "a"));
  MUST(store.Put(context, "a", "2", PutMode::kOverwrite));
  std::string out(5, ' ');
  EXPECT_THAT(reader->ReadAt(context, 0, std::as_writable_bytes(std::span(out))), IsOk());
  EXPECT_EQ(out, "first");
}

}  // namespace
}  // namespace yummy::store
