#include "yummy/fetch/read_plan.h"

#include <gmock/gmock.h>

namespace yummy::fetch {
namespace {

using store::ByteRange;

std::vector<std::pair<uint64_t, uint64_t>> RangesOf(const std::vector<PlannedFetch>& fetches) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& fetch : fetches) ranges.emplace_back(fetch.range.offset, fetch.range.length);
  return ranges;
}

TEST(ReadPlan, FetchesNeighboursTogether) {
  // Over a small gap always; over a larger one when it is no more than what is wanted before it.
  const auto fetches = Coalesce({{300'000, 10}, {0, 1000}, {60'000, 200'000}});
  EXPECT_THAT(RangesOf(fetches), testing::ElementsAre(std::pair(0U, 300'010U)));
  EXPECT_EQ(fetches[0].wanted_bytes, 201'010U);
  EXPECT_EQ(Coalesce({{0, 10}, {200'000, 10}}).size(), 2U);
  EXPECT_EQ(Coalesce({{0, 4 << 20}, {6 << 20, 10}}).size(), 2U) << "a gap above 1 MiB";
}

TEST(ReadPlan, BoundsTheSizeOfARequest) {
  const auto fetches = Coalesce({{5, 40 << 20}});
  ASSERT_EQ(fetches.size(), 3U);
  uint64_t position = 5;
  uint64_t wanted = 0;
  for (const auto& fetch : fetches) {
    EXPECT_EQ(fetch.range.offset, position);
    EXPECT_LE(fetch.range.length, kRequestBytesMax);
    position = EndOf(fetch.range);
    wanted += fetch.wanted_bytes;
  }
  EXPECT_EQ(position, 5U + (40 << 20));
  EXPECT_LE(wanted, 40U << 20) << "more would wait for bytes that nobody reads";
}

TEST(ReadPlan, NeverWaitsForMoreThanAFetchHolds) {
  // Chunks that overlap stand in corrupt footers only.
  for (const auto& fetch : Coalesce({{0, 100}, {0, 100}, {10, 90}})) EXPECT_LE(fetch.wanted_bytes, fetch.range.length);
}

TEST(ReadPlan, FindsWhatIsMissing) {
  const std::vector<ByteRange> present = {{10, 10}, {40, 20}};
  const auto missing = [&](uint64_t offset, uint64_t length) {
    const ByteRange range = Missing({offset, length}, present);
    return std::pair(range.offset, range.length);
  };
  EXPECT_EQ(missing(12, 5).second, 0U);
  EXPECT_EQ(missing(0, 12), std::pair(uint64_t{0}, uint64_t{10}));
  EXPECT_EQ(missing(15, 30), std::pair(uint64_t{20}, uint64_t{20}));
  EXPECT_EQ(missing(5, 60), std::pair(uint64_t{5}, uint64_t{60})) << "from the first gap to the last";
  EXPECT_EQ(missing(60, 5), std::pair(uint64_t{60}, uint64_t{5}));
}

TEST(ReadPlan, OpensACarefulWindowSlowly) {
  const ReadWindow eager{.threads = 2};
  EXPECT_EQ(eager.AllowedAfter(0, 32), 32U);
  const ReadWindow careful{.threads = 2, .careful = true};
  std::vector<size_t> ahead;
  for (size_t begun = 0; begun < 10; begun++) ahead.push_back(careful.AllowedAfter(begun, 32) - begun);
  EXPECT_THAT(ahead, testing::ElementsAre(1, 0, 0, 1, 3, 7, 15, 31, 32, 32));
}

}  // namespace
}  // namespace yummy::fetch
