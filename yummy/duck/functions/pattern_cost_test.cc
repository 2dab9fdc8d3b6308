#include "yummy/duck/functions/pattern_cost.h"

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

TEST(PatternCost, MeasuresRegularExpressions) {
  EXPECT_LT(PatternSize(R"(^[a-z]+@[a-z]+\.(com|org)$)"), 100u);
  EXPECT_LT(PatternSize(R"(\d{4}-\d{2}-\d{2})"), 20u);
  EXPECT_GE(PatternSize("(abc){100}"), 300u);
  EXPECT_GE(PatternSize("((a{30}){30}){2,40}"), 30u * 30 * 40);
  EXPECT_GE(PatternSize("[a-z]{900}"), 900u);
  EXPECT_GE(PatternSize(R"(\pL{50})"), 5000u);
  EXPECT_GE(PatternSize("(((a{1000}"), 1000u);
  EXPECT_GE(PatternSize(R"(\p{Greek}{50})"), 5000u);
  EXPECT_LT(PatternSize(R"(a{,}{x}\p{\)"), 300u);
  EXPECT_LT(PatternSize("[]a]b)c"), 20u);
  EXPECT_GE(PatternSize(R"(\Q[(\E|(a{0,900})b])"), 900u);
  EXPECT_EQ(PatternSize(R"(\Q(a{900}\E)"), 7u);
  EXPECT_EQ(PatternSize(R"(\Qab\E{9})"), 10u);
  EXPECT_EQ(PatternSize(R"(\Qa\)"), 2u);
}

TEST(PatternCost, KnowsWhatLooksBeyondItsMatch) {
  for (const char* pattern :
       {"a.*b|a", "a|a.*b", "(a.*b)?a", "(?:a.*?b)*a", "((a.*)b|a)", "((a.*)b)+", R"("[^"]*"|.)", R"(/\*.*?\*/|.)",
        R"(\w+@\w+|\w)", "(?m)^\\s+|\\s+$", "a{2,}b|c", "a+?b|c", "x(a*b|c)y", R"(\Qa\E*b|a)", "[|]*b|c", "a*^b|c"}) {
    EXPECT_TRUE(MayLookFar(pattern)) << pattern;
  }
  for (const char* pattern : {"",
                              "a",
                              "a*b",
                              "a.*b.*c",
                              "[a-z]+",
                              R"(\w+|\d+)",
                              R"(^\s+|\s+$)",
                              R"((\w+\s?)+)",
                              "<[^>]*>",
                              "(a|b)+c",
                              R"(https?://\S+|www\.\S+)",
                              R"((\d{3})-(\d{4}))",
                              "x[0-9]+",
                              "a{2,9}b|c",
                              R"(\Qa*b|\E|c)",
                              "[a*]b|c",
                              "a{,}b|c",
                              "(?i)select|from",
                              "(?P<w>[a-z]+)(\\d+)",
                              "a\\*b|c",
                              ")a|b(",
                              "*a|b"}) {
    EXPECT_FALSE(MayLookFar(pattern)) << pattern;
  }
}

}  // namespace
}  // namespace yummy::duck
