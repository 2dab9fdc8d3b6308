#include "yummy/duck/functions/bounded_functions.h"

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "yummy/base/testing.h"
#include "yummy/duck/database.h"
#include "yummy/duck/engine/sql_testing.h"
#include "yummy/duck/functions/function_cost.h"

namespace yummy::duck {
namespace {

using std::chrono::steady_clock;

class BoundedFunctions : public SqlTest {};

// A call of a few bytes that would run, or take memory, without end: as a constant, and for a column.
TEST_F(BoundedFunctions, RefuseArgumentsThatMultiply) {
  const std::string big = "repeat(x, 30000000), ";
  for (const std::string& call : std::vector<std::string>{
           "levenshtein(repeat(x, 300000), repeat('b', 300000))",
           "editdist3(repeat(x, 300000), repeat('b', 300000))",
           "damerau_levenshtein(repeat(x, 12000), repeat('b', 12000))",
           "jaro_similarity(repeat(x, 300000), repeat('a', 300000))",
           "repeat(x, 100000000)",
           "repeat([x], 100000000)",
           "lpad(x, 2147483647, 'bc')",
           "rpad(x, 2147483647, 'bc')",
           "bitstring('1', 2147483647 - len(x)::INT)",
           "range(len(x), 200000000)",
           "range(len(x), -200000000, -1)",
           "generate_series(200000000 + len(x))",
           "range(TIMESTAMP '2000-01-01', TIMESTAMP '2020-01-01', to_microseconds(len(x)))",
           "list_resize([x], 100000000)",
           "printf('%1000000000d', len(x))",
           "format('{:1000000000}', len(x))",
           "printf('%*d', 1000000000, len(x))",
           "printf('%*d', 1500000000::HUGEINT, len(x))",
           "format('{:{}}', x, 300000000::HUGEINT)",
           "format('{:{}}', x, 300000000::UHUGEINT)",
           "format('{:{}}', x, 300000000::UINTEGER)",
           "format(repeat('{0}', 100000), repeat(x, 100000))",
           "repeat(x, 60000000) || repeat(x, 60000000)",
           "concat(repeat(x, 60000000), repeat(x, 60000000))",
           "concat_ws(repeat(x, 30000000), x, x, x, x)",
           "replace(repeat(x, 1000000), 'a', repeat('b', 1000))",
           "string_split(repeat(x, 10000000), x)",
           "replace(repeat(x, 20000000), repeat('a', 10000000) || 'b', '')",
           "string_split(repeat('b' || repeat(x, 99), 90000), repeat('b' || repeat('a', 99), 40000) || 'c')",
           "repeat(x, 20000000) GLOB '*' || repeat('a', 10000000) || 'b*c*'",
           "repeat(x, 20000) GLOB repeat('*a', 30) || 'b'",
           "[" + big + big + "repeat(x, 50000000)]::VARCHAR",
           "list_pack(" + big + big + "repeat(x, 50000000))::VARCHAR",
           "array_value(" + big + "repeat(x, 50000000))::VARCHAR",
           "strftime(TIMESTAMP '2020-01-01' + to_days(len(x)::INT), repeat('%A', 3000000))",
           "repeat(x, 20000) SIMILAR TO repeat('(a{0,900})b', 300)",
           "x SIMILAR TO '\\Q[\\E|' || repeat('(a{0,900})b|', 300) || ']'",
           "regexp_replace(repeat(x, 100000), 'a', repeat('b', 10000), 'g')",
           "regexp_extract_all(repeat(x, 1000000), 'a.*b|a')",
           "regexp_replace(repeat(x, 1000000), '(a.*b)?a', '', 'g')",
           "regexp_split_to_array(repeat(x, 1000000), 'a.*?b|a')",
           "list_aggregate([x], repeat('a', 1000000))",
           "parse_path(repeat('a/', 1000000) || x)",
           "parse_filename(repeat('a\\', 1000000) || x)",
           "parse_dirpath(repeat('a/', 1000000) || x, x)",
           "map(range(1000000), range(1000000 * len(x)))",
           "map_concat(map(range(20000), range(20000)), map(range(20000), range(20000 * len(x))))",
           "list_intersect(range(1000000), range(1000000 * len(x)))",
           "list_zip(range(1000000), range(1000000 * len(x)))",
           "list_reduce(list_concat(range(1000000), range(40000)), lambda a, b: a + b + len(x))"}) {
    for (const std::string& from :
         {std::string("(SELECT 'a' AS x)"), std::string("(SELECT chr(97 + (i * 0)::INT) AS x FROM range(3) t(i))")}) {
      const auto begin = steady_clock::now();
      auto refused = Value("SELECT count(" + call + ") FROM " + from);
      ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument)) << call;
      EXPECT_EQ(refused.error().reason_name(), "FUNCTION_LIMIT") << call << refused.error().ToString();
      EXPECT_NE(refused.error().detail("name"), "") << call;
      EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20)) << call;
    }
  }
}

TEST_F(BoundedFunctions, DoWhatTheyDidBefore) {
  ExpectValues({{"SELECT levenshtein('kitten', 'sitting')", "3"},
                {"SELECT repeat('ab', 3)", "ababab"},
                {"SELECT repeat('ab', -3)", ""},
                {"SELECT repeat(NULL, 3)", "null"},
                {"SELECT lpad('a', 3, 'bc')", "bca"},
                {"SELECT len(range(10, 0, -3))", "4"},
                {"SELECT len(generate_series(0, 10))", "11"},
                {"SELECT len(range(9223372036854775807, -9223372036854775808))", "0"},
                {"SELECT len(range(DATE '2020-01-01', DATE '2020-03-01', INTERVAL 1 MONTH))", "2"},
                {"SELECT printf('%05d %s', 42, 'x')", "00042 x"},
                {"SELECT format('{:>5}|{}', 1, 'x')", "    1|x"},
                {"SELECT parse_filename('a/b\\c.csv', true)", "c"},
                {"SELECT parse_path('/a/b.csv')[2]", "a"},
                {"SELECT parse_dirpath('a/b/c', 'forward_slash')", "a/b"},
                {"SELECT cardinality(map_concat(map([1, 2], [3, 4]), map([2, 3], [5, 6])))", "3"},
                {"SELECT len(list_intersect([1, 2, 3], [3, 2, 5])) = 2 AND [1, 2] && [2] AND [1, 2] @> [2]", "true"},
                {"SELECT concat_ws('-', 1, NULL, 'x')", "1-x"},
                {"SELECT 'abc' LIKE 'a%c' AND 'abc' NOT LIKE 'a_'", "true"},
                {"SELECT 'a%c' LIKE 'a$%c' ESCAPE '$'", "true"},
                {"SELECT 'ABC' ILIKE '%b%' AND 'abc' GLOB '[a-c]*'", "true"},
                {"SELECT repeat('an error was raised: ', 250) GLOB '*exception*timeout*'", "false"},
                {"SELECT repeat('an error was raised: ', 250) GLOB '*error*ra[i]se?*'", "true"},
                {"SELECT regexp_extract('ab12', '([a-z]+)(\\d{2})', 2)", "12"},
                {"SELECT regexp_extract('ab12', '(?P<w>[a-z]+)(\\d+)', ['w', 'n']).n", "12"},
                {"SELECT len(regexp_extract_all(repeat('a', 1000000), 'a|b')) = 1000000 AND "
                 "len(regexp_replace(repeat('<a href=\"x\">', 100000), '<[^>]*>', '', 'g')) = 0 AND "
                 "len(regexp_split_to_array(repeat('a b', 100000), '\\s+')) = 100001 AND "
                 "len(regexp_extract_all(repeat('x \"a b\" ', 2000), '\"[^\"]*\"|\\w+')) = 4000",
                 "true"},
                {"SELECT regexp_replace('aXbX', 'X', '-', 'g')", "a-b-"},
                {"SELECT from_json('{\"a\": {\"b\": [1, 2]}}', '{\"a\": {\"b\": [\"INT\"]}}').a.b[2]", "2"},
                {"SELECT json_structure('{\"a\": [1]}')", "{\"a\":[\"UBIGINT\"]}"},
                {"SELECT json_merge_patch('{\"a\": 1}', '{\"b\": 2}')", "{\"a\":1,\"b\":2}"},
                {"SELECT json_contains('{\"a\": [1, 2]}', '[2]')", "true"},
                {"SELECT json_structure(repeat('[', 200) || repeat(']', 200)) IS NOT NULL", "true"},
                {"SELECT list_sum(list_transform([1, 2], lambda x: x + 1))", "5"},
                {"SELECT list_reduce([1, 2, 3], lambda a, b: a * b)", "6"},
                {"SELECT array_to_string([1, 2], '+')", "1+2"},
                {"SELECT len(array_to_string(['', ''], repeat('x', 20000)))", "20000"}});
}

// A batch that takes long is done in slices: each row has its own result, also beside nulls, constants and longer
// lists.
TEST_F(BoundedFunctions, GiveEveryRowItsOwnResultInSlices) {
  for (const char* sql :
       {"SELECT count(*) FROM (SELECT i, levenshtein(CASE WHEN i % 7 > 0 THEN repeat('a', i) END, repeat('b', 900)) AS "
        "d "
        "FROM range(1, 3000) t(i)) WHERE d IS DISTINCT FROM CASE WHEN i % 7 > 0 THEN greatest(i, 900) END",
        "SELECT count(*) FROM (SELECT i, list_sort(list_transform(range(1 + i % 1000), lambda x: -x)) AS l "
        "FROM range(5000) t(i)) WHERE l[1] <> -(i % 1000) OR len(l) <> 1 + i % 1000",
        "SELECT count(*) FROM (SELECT i, repeat(s, n) GLOB repeat('*' || s, 3) AS g FROM (SELECT i, 'a' || i % 10 AS "
        "s, "
        "i % 5 AS n FROM range(5000) t(i))) WHERE g <> (i % 5 >= 3)"}) {
    auto wrong = Value(sql);
    ASSERT_THAT(wrong, IsOk()) << sql;
    EXPECT_EQ(*wrong, "0") << sql;
  }
}

// A call with constants, which the optimiser has not folded, is made once for all rows of a batch.
TEST_F(BoundedFunctions, CallConstantsOnce) {
  auto wrong = Value(
      "SELECT count(*) FILTER (u <> 100000 OR r <> 'aaa' OR j.a <> 1) FROM (SELECT list_unique(l) AS u, repeat(s, 3) "
      "AS r, "
      "from_json(t, '{\"a\": \"INT\"}') AS j FROM (SELECT i, range(100000) AS l, 'a' AS s, '{\"a\": 1}' AS t "
      "FROM range(3000) t(i) LIMIT 3000))");
  ASSERT_THAT(wrong, IsOk());
  EXPECT_EQ(*wrong, "0");
}

// A batch in which one row is too much is not taken for the small ones beside it.
TEST_F(BoundedFunctions, FindTheLargeRowAmongSmallOnes) {
  const auto total = [this](const std::string& call, const char* large_row) {
    return Value("SELECT sum(len(" + call +
                 ")) FROM (SELECT CASE WHEN i % 7 > 0 THEN repeat('a', n) END AS s, n FROM "
                 "(SELECT i, CASE WHEN i = " +
                 large_row + " THEN 40000000 ELSE 1 END AS n FROM range(3000) t(i)))");
  };
  for (const char* call :
       {"repeat(s, 64)", "repeat('abcdefgh', n)", "s || s", "concat(s, 'a', s)", "concat_ws(s, 'a', 'b', 'c')",
        "replace(s, 'a', repeat('b', 100))", "replace('aaaaaaaa', 'a', s)", "lpad('a', n, 'b')", "to_base64(s::BLOB)",
        "string_split(s, 'a')", "json_structure(repeat('[', 1 + n // 40000) || repeat(']', 1 + n // 40000))",
        "printf('%s%s', s, s)", "regexp_replace('a', 'a', s || s)"}) {
    EXPECT_THAT(total(call, "2998"), IsError(ErrorCode::kInvalidArgument)) << call;
    EXPECT_THAT(total(call, "-1"), IsOk()) << call;
  }
}

// Columns of long texts: what a call may make at most is far from what it makes.
TEST_F(BoundedFunctions, TakeColumnsOfLongTexts) {
  for (const std::string& call : std::vector<std::string>{
           "len(regexp_replace(b, 'x', '[removed]'))", "len(regexp_replace(b, 'x[0-9]+', '[removed]', 'g'))",
           "len(replace(b, 'x', '[removed]'))", "len(array_to_string(regexp_split_to_array(b, ' x'), ' x'))",
           "len(array_to_string(regexp_extract_all(b, '[^x]+'), ''))", "len(to_base64(b::BLOB))", "len(b || b || i)",
           "len(array_to_string(string_split(b, 'word'), ''))", "len([b, b])"}) {
    auto wrong = Value("SELECT count(*) FILTER (b IS NULL OR (" + call +
                       ") IS NULL) FROM (SELECT i, repeat('word ', 4000 + i) || 'x' || i AS b FROM range(3000) t(i))");
    ASSERT_THAT(wrong, IsOk()) << call;
    EXPECT_EQ(*wrong, "0") << call;
  }
}

// The values that slices have made count as memory: they are refused for what they take, and not for what they might.
TEST_F(BoundedFunctions, CountWhatSlicesMake) {
  auto database = Database::Open({.memory_max_bytes = 256 << 20}, Lookup{});
  ASSERT_THAT(database, IsOk());
  auto session = (*database)->Connect();
  ASSERT_THAT(session, IsOk());
  const auto run = [&](const std::string& sql) -> Result<void> {
    auto result = TRY((*session)->Query({}, sql, {}));
    TRY(result->Next());
    return {};
  };
  EXPECT_THAT(run("SELECT sum(len(repeat('a', 300000 + i))) FROM range(2000) t(i)"),
              IsError(ErrorCode::kResourceExhausted));
  EXPECT_THAT(run("SELECT sum(len(regexp_replace(repeat('a', 1000) || i, 'b', repeat('c', 1000), 'g'))) "
                  "FROM range(2000) t(i)"),
              IsOk());
}

// Of the process, since clear_refs was written.
uint64_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  return 0;
}

// The keys of a batch are made at once: of long lists they took 20 times the memory that the query may have.
TEST_F(BoundedFunctions, CountTheKeysOfASort) {
  auto database = Database::Open({.memory_max_bytes = 256 << 20}, Lookup{});
  ASSERT_THAT(database, IsOk());
  auto session = (*database)->Connect();
  ASSERT_THAT(session, IsOk());
  std::ofstream("/proc/self/clear_refs") << "5";
  const uint64_t before = PeakBytes();
  auto result = (*session)->Query(
      {}, "SELECT max(i) OVER (ORDER BY c) FROM (SELECT i, range(300000) AS c FROM range(3000) t(i))", {});
  EXPECT_THAT(result.ok() ? (*result)->Next() : result.error(), IsError(ErrorCode::kResourceExhausted));
  EXPECT_LT(PeakBytes() - before, uint64_t{2} << 30);
}

// Constant arguments do not make a constant result where the body of a lambda has another value for each row.
TEST_F(BoundedFunctions, CallLambdasThatAreVolatileForEachRow) {
  for (const char* call :
       {"list_transform([1, 2], lambda x: random())", "list_transform([1], lambda x: uuid()::VARCHAR)",
        "list_filter(range(100), lambda x: random() < 0.5)",
        "list_transform([1], lambda x: printf('%d', CASE WHEN x > 0 THEN (random() * 1e15)::BIGINT END))"}) {
    auto different = Value("SELECT count(DISTINCT r) FROM (SELECT " + std::string(call) + " AS r FROM range(3000))");
    ASSERT_THAT(different, IsOk()) << call;
    EXPECT_EQ(*different, "3000") << call;
  }
}

// Without slices a batch of 2,048 calls would not look at the deadline.
TEST_F(BoundedFunctions, EndAtTheDeadlineWithinABatch) {
  const auto begin = steady_clock::now();
  const Context context(begin + std::chrono::milliseconds(300), {}, "test");
  EXPECT_THAT(
      Value("SELECT max(levenshtein(repeat('a', 10000) || i, repeat('b', 10000))) FROM range(2000) t(i)", context),
      IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20));
}

TEST(FunctionCost, MeasuresHowDeepJsonNests) {
  EXPECT_EQ(JsonDepth(""), 0u);
  EXPECT_EQ(JsonDepth("1"), 0u);
  EXPECT_EQ(JsonDepth(R"([[], {"a": [1]}])"), 3u);
  EXPECT_EQ(JsonDepth(R"(["[[[", "\"[["])"), 1u);
  EXPECT_EQ(JsonDepth(R"(["\\", [1]])"), 2u);
  EXPECT_EQ(JsonDepth("]]]["), 1u);
  EXPECT_EQ(JsonDepth(R"("[[)"), 0u);
  EXPECT_EQ(JsonDepth(R"(["\)"), 1u);
}

}  // namespace
}  // namespace yummy::duck
