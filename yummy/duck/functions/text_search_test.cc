#include "yummy/duck/functions/text_search.h"

#include <chrono>
#include <random>
#include <string>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/sql_testing.h"

namespace yummy::duck {
namespace {

using std::chrono::steady_clock;

TEST(TextSearch, FindsTheFirstPlace) {
  std::minstd_rand random(4);
  size_t found = 0;
  for (int i = 0; i < 20'000; i++) {
    std::string text(random() % 300, 'a');
    for (char& c : text)
      if (random() % 8 == 0) c = 'b';
    std::string part(random() % 6, 'a');
    if (random() % 2 == 0) part += 'b' + text.substr(text.size() / 2);
    EXPECT_EQ(FindPart(text, part), text.find(part)) << text << " " << part;
    found += text.find(part) != std::string::npos ? 1 : 0;
  }
  EXPECT_GT(found, 5000u);
}

class TextSearchInSql : public SqlTest {};

TEST_F(TextSearchInSql, AnswersAsBefore) {
  struct Case {
    const char* call;
    const char* value;
  };
  for (const Case& test :
       {Case{"contains('äbc' || s, 'bc')", "true"}, Case{"contains('äbc' || s, 'cb')", "false"},
        Case{"contains('' || s, '')", "true"}, Case{"contains(NULL || s, 'a')", "null"},
        Case{"contains([1, 2], 2 + length(s))", "true"}, Case{"instr('äöb' || s, 'b')", "3"},
        Case{"position('b' IN 'äöb' || s)", "3"}, Case{"strpos('abc' || s, '')", "1"},
        Case{"strpos('abc' || s, 'x')", "0"},
        Case{"instr(repeat('ä', 100) || s || repeat('b', 50), repeat('b', 50))", "101"},
        Case{"contains(repeat('a', 100) || s, repeat('a', 99) || 'b')", "false"},
        Case{"repeat('a', 100) || s LIKE '%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%'", "true"},
        Case{"repeat('a', 100) || s NOT LIKE '%aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "false"},
        Case{"regexp_matches(repeat('a', 100) || s, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')", "false"}}) {
    for (const char* from : {"(SELECT '' AS s)", "(SELECT repeat('', i) AS s FROM range(3000) t(i))"}) {
      auto value = Value("SELECT min(v) FROM (SELECT " + std::string(test.call) + " AS v FROM " + from + ")");
      ASSERT_THAT(value, IsOk()) << test.call;
      EXPECT_EQ(*value, test.value) << test.call << from;
    }
  }
}

// Compared at each place to their ends, these would take hours.
TEST_F(TextSearchInSql, TakesLongPartsOfLongTexts) {
  const auto begin = steady_clock::now();
  const std::string text = "repeat('a', 20000000) || i";
  const std::string part = "repeat('a', 10000000) || 'b'";
  for (const std::string& call :
       {"contains(" + text + ", " + part + ")", "instr(" + text + ", " + part + ") > 0",
        "position(" + part + " IN " + text + ") > 0", "contains(repeat('a', 20000000), " + part + ")"}) {
    auto found = Value("SELECT count(*) FROM range(3) t(i) WHERE " + call);
    ASSERT_THAT(found, IsOk()) << call;
    EXPECT_EQ(*found, "0") << call;
  }
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20));
}

// The optimiser knows searches of its own for these.
TEST_F(TextSearchInSql, SeesTheDeadlineWithinPatterns) {
  for (const char* condition :
       {"s LIKE '%' || repeat('a', 10000000) || 'b%'", "s NOT LIKE '%' || repeat('a', 10000000) || 'b%'",
        "s LIKE 'a%' || repeat('a', 10000000) || 'b%a'", "s LIKE '%a' || repeat('a', 10000000) || 'b%'"}) {
    const auto begin = steady_clock::now();
    const Context context(begin + std::chrono::milliseconds(500), {}, "test");
    EXPECT_THAT(Value("SELECT count(*) FROM (SELECT repeat('a', 20000000) || i AS s FROM range(3) t(i)) WHERE " +
                          std::string(condition),
                      context),
                IsError(ErrorCode::kDeadlineExceeded))
        << condition;
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(10)) << condition;
  }
  const auto begin = steady_clock::now();
  EXPECT_THAT(Value("SELECT count(*) FROM (SELECT repeat('a', 20000000) || i AS s FROM range(3) t(i)) "
                    "WHERE regexp_matches(s, repeat('a', 9000) || 'b')"),
              IsError(ErrorCode::kInvalidArgument));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace yummy::duck
