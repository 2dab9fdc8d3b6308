#include "yummy/format/json/json_check.h"

#include <string>

#include "yummy/base/testing.h"

namespace yummy::format {
namespace {

TEST(CheckJson, TakesEveryKindOfValue) {
  for (const std::string text : {"null", " [] ", "{}", "\"\"", "-0", "1.5e-300", "[1,[2,{\"a\":[]}],true,false,null]",
                                 R"({"a":"\u00e9\ud83d\ude00\n\"","b":{"a":1}})", "\t\r\n\"x\""}) {
    EXPECT_THAT(CheckJson(text, 8), IsOk()) << text;
  }
}

TEST(CheckJson, RefusesWhatIsNoJson) {
  for (const std::string text :
       {"",    " ",         "nul",  "nulll",          "01",          "-",        "1.",    ".5",
        "+1",  "1e",        "[1,]", "[1 2]",          "{\"a\"}",     "{\"a\":}", "{a:1}", "{\"a\":1,}",
        "[1}", "{\"a\":[1", "\"a",  "\"\\x\"",        "\"\\u12g4\"", "\"a\nb\"", "1 2",   "[]]",
        "NaN", "-Infinity", "'a'",  "\xEF\xBB\xBF{}", "[1]\x01",     "tru\"e\""}) {
    const auto result = CheckJson(text, 8);
    ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument)) << text;
    EXPECT_EQ(result.error().reason_name(), "INVALID_JSON") << text;
  }
}

TEST(CheckJson, TellsLineAndColumnInCharacters) {
  const auto result = CheckJson("{\n  \"żółw\": NaN\n}", 8);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().detail("location_line"), "2");
  EXPECT_EQ(result.error().detail("location_column"), "11");
  EXPECT_EQ(result.error().detail("pointer"), "/żółw");
}

TEST(CheckJson, TakesTheDepthThatIsAllowedAndNotOneMore) {
  EXPECT_THAT(CheckJson("[[[]]]", 3), IsOk());
  const auto result = CheckJson("[[[[]]]]", 3);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason_name(), "JSON_TOO_DEEP");
}

TEST(CheckJson, StandsAMillionLevels) {
  const auto result = CheckJson(std::string(1'000'000, '['), 64);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason_name(), "JSON_TOO_DEEP");
}

TEST(CheckJson, FindsAKeyThatStandsTwiceInAnySpelling) {
  for (const std::string text : {R"({"a":1,"a":2})", R"([{"x":{"a":1,"b":2,"\u0061":3}}])"}) {
    const auto result = CheckJson(text, 8);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().reason_name(), "DUPLICATE_KEY") << text;
  }
  std::string many = "{";
  for (int i = 0; i < 1000; i++) many += "\"k" + std::to_string(i) + "\":0,";
  EXPECT_THAT(CheckJson(many + "\"z\":0}", 8), IsOk());
  const auto result = CheckJson(many + "\"k77\":0}", 8);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().reason_name(), "DUPLICATE_KEY");
  EXPECT_EQ(result.error().detail("pointer"), "/k77");
}

TEST(CheckJson, RefusesStringsThatAreNotUnicode) {
  for (const std::string text : {"[\"a\xFF\"]", "[\"\xC3\"]", "[\"\xED\xA0\x80\"]", R"(["\ud800"])", R"(["\udc00"])",
                                 R"(["\ud800\ud800"])", R"(["\ud800x"])"}) {
    const auto result = CheckJson(text, 8);
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().reason_name(), "INVALID_UTF8") << text;
    EXPECT_EQ(result.error().detail("pointer"), "/0") << text;
  }
}

}  // namespace
}  // namespace yummy::format
