#include "yummy/lake/name.h"

#include "yummy/base/testing.h"

namespace yummy::lake {
namespace {

TEST(Name, AcceptsWhatOthersMayHaveMade) {
  for (const char* name : {"t", "dash-name", "with space", "a.b", "日本", "_x", "1", "it's", "per%20cent", "100%",
                           "semi;x", "q?x", "star*x", "a..b", "a+b", "[x]"})
    EXPECT_THAT(CheckName(name), IsOk()) << name;
  EXPECT_THAT(CheckName(std::string(255, 'a')), IsOk());
}

TEST(Name, RefusesWhatLeavesTheFolder) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"), std::string("..\\"),
        std::string("a\\b"), std::string("_delta_log"), std::string("a\nb"), std::string("a\0b", 3),
        std::string(256, 'a'), std::string("\xed\xa0\x80"), std::string("\xc0\xae"), std::string("..;"),
        std::string("%2e"), std::string("%2E%2e"), std::string("%252e%252e"), std::string("a%2fb"),
        std::string("a%0Ab"), std::string("%ff")}) {
    const auto checked = CheckName(name);
    ASSERT_THAT(checked, IsError(ErrorCode::kInvalidArgument)) << name;
    EXPECT_EQ(checked.error().reason_name(), "INVALID_NAME");
  }
}

TEST(Name, NewNamesAreNarrower) {
  for (const char* name : {"t", "T_1", "a b", "dash-name", "_x", "9lives"})
    EXPECT_THAT(CheckNewName(name), IsOk()) << name;
  for (const char* name : {"a.b", "a ", " a", "-a", "日本", "a'b", "a:b", ""})
    EXPECT_THAT(CheckNewName(name), IsError(ErrorCode::kInvalidArgument)) << name;
}

TEST(Name, StoresMayNotTakeTheEnginesNames) {
  EXPECT_THAT(CheckStoreName("s3.eu-west"), IsOk());
  for (const char* name : {"main", "TEMP", "memory", "information_schema", "health", "a/b"})
    EXPECT_THAT(CheckStoreName(name), IsError(ErrorCode::kInvalidArgument)) << name;
}

}  // namespace
}  // namespace yummy::lake
