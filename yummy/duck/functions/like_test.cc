#include "yummy/duck/functions/like.h"

#include <chrono>
#include <random>
#include <string>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/sql_testing.h"

namespace yummy::duck {
namespace {

using std::chrono::steady_clock;

bool Like(std::string_view text, std::string_view pattern, std::optional<char> escape = std::nullopt) {
  return IsLike(text, pattern, escape, [] {});
}

// By the definition, with a try of every place for every star.
bool LikeByTrying(std::string_view text, std::string_view pattern, std::optional<char> escape) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == escape && pattern.size() > 1)
    return text.starts_with(pattern[1]) && LikeByTrying(text.substr(1), pattern.substr(2), escape);
  if (pattern.front() == '%') {
    for (size_t i = 0; i <= text.size(); i++)
      if (LikeByTrying(text.substr(i), pattern.substr(1), escape)) return true;
    return false;
  }
  if (text.empty() || (pattern.front() != '_' && pattern.front() != text.front())) return false;
  size_t next = 1;
  if (pattern.front() == '_')
    while (next < text.size() && (text[next] & 0xC0) == 0x80) next++;
  return LikeByTrying(text.substr(next), pattern.substr(1), escape);
}

TEST(Like, AgreesWithItsDefinition) {
  std::minstd_rand random(9);
  const auto draw = [&](std::initializer_list<const char*> parts) {
    std::string text;
    for (size_t n = random() % 9; n > 0; n--) text += parts.begin()[random() % parts.size()];
    return text;
  };
  size_t found = 0;
  for (int i = 0; i < 100'000; i++) {
    const std::string text = draw({"a", "b", "%", "_", "é", "€"});
    const std::string pattern = draw({"a", "b", "%", "%", "_", "é", "€", "$%", "$_", "$a"});
    for (const std::optional<char> escape : {std::optional<char>(), std::optional('$')}) {
      const bool expected = LikeByTrying(text, pattern, escape);
      EXPECT_EQ(Like(text, pattern, escape), expected) << text << " LIKE " << pattern;
      found += expected ? 1 : 0;
    }
  }
  EXPECT_GT(found, 5000u);
}

TEST(Like, RefusesAnEscapeAtTheEnd) {
  EXPECT_THROW(Like("ab", "a$", '$'), duckdb::SyntaxException);
  EXPECT_FALSE(Like("ab", "b$", '$'));
}

class LikeInSql : public SqlTest {};

// As constants, and for columns with a pattern for each row.
TEST_F(LikeInSql, AnswersByEveryOperator) {
  struct Case {
    const char* condition;
    const char* value;
  };
  for (const Case& test :
       {Case{"'abc' LIKE s || 'a_c'", "true"}, Case{"'abc' NOT LIKE s || '%b%_c'", "true"},
        Case{"'ÄbC' ILIKE s || 'äB_'", "true"}, Case{"'ÄbC' NOT ILIKE s || '%B_%'", "false"},
        Case{"'İx' ILIKE s || '%X'", "true"}, Case{"'a%C' LIKE s || 'a$%_' ESCAPE '$'", "true"},
        Case{"'a%C' NOT LIKE s || 'a$_%' ESCAPE '$'", "true"}, Case{"'a%C' ILIKE s || 'A$%c' ESCAPE '$'", "true"},
        Case{"'a%C' NOT ILIKE s || 'A$%c' ESCAPE '$'", "false"}, Case{"NULL LIKE s || 'a_'", "null"},
        Case{"'a' LIKE s || NULL", "null"}, Case{"'' LIKE s || '%'", "true"}, Case{"'' LIKE s || '%_%'", "false"}}) {
    for (const char* from : {"(SELECT '' AS s)", "(SELECT repeat('', i) AS s FROM range(3000) t(i))"}) {
      auto value = Value("SELECT min(v) FROM (SELECT " + std::string(test.condition) + " AS v FROM " + from + ")");
      ASSERT_THAT(value, IsOk()) << test.condition;
      EXPECT_EQ(*value, test.value) << test.condition << from;
    }
  }
}

// Many stars, many places for what is between them: no time, no recursion, nothing that is refused.
TEST_F(LikeInSql, TakesPatternsOfManyStars) {
  const auto begin = steady_clock::now();
  for (const char* condition : {"repeat('an error was raised: ', 250) || i ILIKE '%exception%timeout%'",
                                "repeat('an error was raised: ', 250) || i LIKE '%error_%rai_ed%timeout%'",
                                "repeat('a', 20000) || i LIKE repeat('%a_', 30) || 'b'",
                                "repeat('a', 20000) || i ILIKE repeat('%a', 30) || 'b'",
                                "repeat('a', 20000) || i LIKE repeat('%a_', 30) || 'b' ESCAPE '$'"}) {
    auto found = Value("SELECT count(*) FROM range(3000) t(i) WHERE " + std::string(condition));
    ASSERT_THAT(found, IsOk()) << condition;
    EXPECT_EQ(*found, "0") << condition;
  }
  auto all =
      Value("SELECT count(*) FROM range(3) t(i) WHERE repeat('a', 200000) || i LIKE repeat('%a', 200000) || '_'");
  ASSERT_THAT(all, IsOk());
  EXPECT_EQ(*all, "3");
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(LikeInSql, EndsAtTheDeadlineWithinAValue) {
  const auto begin = steady_clock::now();
  const Context context(begin + std::chrono::milliseconds(300), {}, "test");
  EXPECT_THAT(
      Value("SELECT max(repeat('a', 30000000) || i LIKE '%' || repeat('a', 10000000) || '_b') FROM range(3) t(i)",
            context),
      IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace yummy::duck
