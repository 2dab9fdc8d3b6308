#include "yummy/delta/protocol/file_key.h"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

using ::testing::ElementsAre;

const DeletionVectorDescriptor kVector{.path_or_inline = "x", .offset = 1};

TEST(FileKey, IsTheSameForEveryFormOfAPath) {
  for (const std::string_view path : {"p=a b/f", "p=a%20b/f", "./p=a%20b/%66", "p=a b//f"}) {
    EXPECT_EQ(MUST(MakeFileKey(path, nullptr)), "p=a b/f") << path;
    EXPECT_EQ(MUST(MakeFileKey(path, &kVector)), std::string("p=a b/f\0ux@1", 12)) << path;
  }
}

TEST(FileKey, IsOneForAddsAndRemovesOfAFile) {
  const Add add{.path = "a%20b", .deletion_vector = kVector};
  const Remove remove{.path = "a b", .deletion_vector = kVector};
  EXPECT_EQ(MUST(MakeFileKey(add)), MUST(MakeFileKey(remove)));
  EXPECT_NE(MUST(MakeFileKey(add)), MUST(MakeFileKey(Remove{.path = "a b"})));
}

TEST(FileKey, KnowsThePathsThatAreKeysThemselves) {
  for (const std::string_view path : {"a", "p=x/f", "a b", "a..b", "%", "a%20b", "/a", "./a", "a//b", "s3://b/a", ""}) {
    const auto key = MakeFileKey(path, nullptr);
    EXPECT_TRUE(!IsFileKey(path) || (key.ok() && *key == path)) << path;
  }
  EXPECT_TRUE(IsFileKey("p=x/f"));
  EXPECT_FALSE(IsFileKey("a%20b"));
}

TEST(FileKey, IsFoundByItsPathWhenSorted) {
  std::vector<std::string> keys = {"a b", MUST(MakeFileKey("a", &kVector)), "a", "a\x01", "B"};
  std::ranges::sort(keys);
  EXPECT_THAT(keys, ElementsAre("B", "a", MUST(MakeFileKey("a", &kVector)), "a\x01", "a b"));
  for (const std::string& key : keys) {
    EXPECT_EQ(PathOfFileKey(*std::ranges::lower_bound(keys, PathOfFileKey(key))), PathOfFileKey(key));
  }
}

TEST(FileKey, RefusesPathsThatCannotBeDecoded) {
  EXPECT_THAT(MakeFileKey("", nullptr), IsError(ErrorCode::kCorrupt));
  EXPECT_THAT(MakeFileKey("a%zz", nullptr), IsError(ErrorCode::kCorrupt));
}

}  // namespace
}  // namespace yummy::delta
