#include "yummy/store/object_store.h"

#include "yummy/base/clock.h"
#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/memory_store.h"

namespace yummy::store {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST(CheckPath, AdmitsNamesOfAllKinds) {
  for (const char* path :
       {"a", "a/b/c", "...", "a..b/..c/d..", ".hidden", "a b%20#?+'", "\xC3\xA9/\xFF\xFE", "a:b", "~"}) {
    EXPECT_THAT(CheckPath(path), IsOk()) << path;
  }
}

TEST(CheckPath, RefusesWhatCouldLeaveTheRoot) {
  for (const std::string path :
       {"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a\\b", "a\n", "\x7F"}) {
    const auto checked = CheckPath(path);
    ASSERT_THAT(checked, IsError(ErrorCode::kPermissionDenied)) << path;
    EXPECT_EQ(checked.error().reason_name(), "PATH_OUTSIDE_TABLE");
  }
  EXPECT_FALSE(CheckPath(std::string_view("a\0b", 3)).ok());
}

TEST(CheckPrefix, AdmitsTheBeginOfAName) {
  for (const char* prefix : {"", "a", "a/", "a/b", "a/b/", "..", "a/..", "."})
    EXPECT_THAT(CheckPrefix(prefix), IsOk()) << prefix;
  for (const char* prefix : {"/", "/a", "../", "../a", "a//", "a/../b", "a\\", "a\n/b", "a/\n"}) {
    EXPECT_THAT(CheckPrefix(prefix), IsError(ErrorCode::kPermissionDenied)) << prefix;
  }
}

/// How many reads the ranges cost, and whether each buffer has the right bytes.
class GetRanges : public ::testing::Test {
 protected:
  GetRanges() {
    for (size_t i = 0; i < bytes_.size(); i++) bytes_[i] = static_cast<char>(i >> 8);
    EXPECT_THAT(store_.Put(context_, "o", bytes_, PutMode::kCreate), IsOk());
  }

  uint64_t ReadsOf(const std::vector<ByteRange>& ranges) {
    store_.ResetCounts();
    // The default of the interface, on top of Get.
    const auto buffers = store_.ObjectStore::GetRanges(context_, "o", ranges);
    EXPECT_THAT(buffers, IsOk());
    for (size_t i = 0; i < ranges.size(); i++) {
      const bool is_behind = ranges[i].offset >= bytes_.size();
      const std::string expected = is_behind ? "" : bytes_.substr(ranges[i].offset, ranges[i].length);
      EXPECT_TRUE((*buffers)[i] == expected) << "range " << i;
    }
    return store_.calls(Operation::kGet);
  }

  const Context context_;
  std::string bytes_ = std::string(8 * kMiB, ' ');
  FaultStore store_{std::make_shared<MemoryStore>(Clock::System())};
};

TEST_F(GetRanges, ReadsNeighboursTogetherUpToAGapOfOneMebibyte) {
  EXPECT_EQ(ReadsOf({{0, 10}, {10 + kMiB, 10}}), 1U);
  EXPECT_EQ(ReadsOf({{0, 10}, {11 + kMiB, 10}}), 2U);
  EXPECT_EQ(ReadsOf({{5 * kMiB, 10}, {0, 10}, {5 * kMiB + 100, 10}, {20, 1}}), 2U);
}

TEST_F(GetRanges, MergesRangesThatOverlap) {
  EXPECT_EQ(ReadsOf({{0, 100}, {50, 100}, {10, 5}, {0, 100}}), 1U);
  EXPECT_EQ(ReadsOf({{0, UINT64_MAX}, {5, 5}, {7 * kMiB, UINT64_MAX}, {9 * kMiB, 5}}), 1U);
}

TEST_F(GetRanges, AsksNothingForEmptyRanges) {
  EXPECT_EQ(ReadsOf({}), 0U);
  EXPECT_EQ(ReadsOf({{5, 0}, {100 * kMiB, 0}}), 0U);
}

TEST_F(GetRanges, EndsAMergedReadBeforeItGrowsWithoutBound) {
  std::vector<ByteRange> ranges(200);
  for (size_t i = 0; i < ranges.size(); i++) ranges[i] = {.offset = i * kMiB, .length = 1};
  EXPECT_EQ(ReadsOf(ranges), 4U);
}

TEST_F(GetRanges, PassesTheErrorOn) {
  store_.Inject({.operation = Operation::kGet, .path_contains = "", .kind = FaultKind::kErrorBefore});
  const ByteRange range{.offset = 0, .length = 1};
  EXPECT_THAT(store_.ObjectStore::GetRanges(context_, "o", std::span(&range, 1)), IsError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace yummy::store
