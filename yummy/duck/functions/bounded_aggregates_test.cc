#include "yummy/duck/functions/bounded_aggregates.h"

#include <chrono>
#include <string>
#include <utility>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/sql_testing.h"

namespace yummy::duck {
namespace {

using std::chrono::steady_clock;

class BoundedAggregates : public SqlTest {};

// Each of them went on for many seconds after its deadline, in one batch of rows.
TEST_F(BoundedAggregates, EndAtTheDeadlineWithinABatch) {
  for (const std::string& aggregate : {std::string("histogram(k)"), std::string("list(k)"), std::string("entropy(k)"),
                                       std::string("mode(k ORDER BY k % 7)"), std::string("list(k ORDER BY k % 7)"),
                                       std::string("approx_top_k(k, 1000)")}) {
    for (const std::string& frame :
         {std::string("ORDER BY k"), std::string("ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING "
                                                 "AND CURRENT ROW EXCLUDE TIES")}) {
      const auto begin = steady_clock::now();
      const Context context(begin + std::chrono::milliseconds(500), {}, "test");
      EXPECT_THAT(Value("SELECT count(r) FROM (SELECT " + aggregate + " OVER (" + frame +
                            ") AS r FROM (SELECT i AS k FROM range(300000) t(i)))",
                        context),
                  IsError(ErrorCode::kDeadlineExceeded))
          << aggregate << frame;
      EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(10)) << aggregate << frame;
    }
  }
}

// A state takes so much for each group, and no bound of memory sees it.
TEST_F(BoundedAggregates, RefuseWhatTakesMuchForEachGroup) {
  for (const char* call :
       {"approx_top_k(k, 999999)", "approx_top_k(k, 1001)", "approx_top_k(k, k)", "histogram(k, range(2000))",
        "histogram_exact(k, range(2000))", "quantile_cont(k, list_transform(range(2000), lambda x: x / 2000))",
        "quantile_disc(k, [0.5 FOR x IN range(2000)])", "approx_quantile(k, [0.5 FOR x IN range(2000)])",
        "list_aggregate([k], 'approx_top_k', 999999)", "approx_top_k(k, 999999) OVER ()"}) {
    auto value = Value(std::string("SELECT ") + call + " FROM range(3) t(k)");
    ASSERT_FALSE(value.ok()) << call;
    EXPECT_EQ(value.error().reason_name(), "FUNCTION_LIMIT") << call << value.error().ToString();
  }
  for (const char* call :
       {"approx_top_k(k, 1000)", "histogram(k, range(1000))", "quantile_cont(k, [0.5 FOR x IN range(1000)])",
        "quantile_cont(k, 0.5)", "approx_quantile(k, 0.5)", "max(k, 100000)", "arg_max(k, k, 100000)"}) {
    EXPECT_THAT(Value(std::string("SELECT ") + call + " FROM range(3) t(k)"), IsOk()) << call;
  }
}

// Rows of long lists are gone through in slices.
TEST_F(BoundedAggregates, EndAtTheDeadlineWithinLongLists) {
  const auto begin = steady_clock::now();
  const Context context(begin + std::chrono::milliseconds(500), {}, "test");
  EXPECT_THAT(
      Value("SELECT count(r) FROM (SELECT arg_max(k, range(1000000)) OVER (ORDER BY k RANGE BETWEEN 5 PRECEDING "
            "AND 5 FOLLOWING) AS r FROM (SELECT i AS k FROM range(3000) t(i)))",
            context),
      IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20));
}

// Threads that build the tree of a window wait for each other: one of them must not leave because of an error.
TEST_F(BoundedAggregates, FailInAWindow) {
  for (const auto& [call, value] :
       {std::pair("sum(coalesce(x, 1))", "170141183460469231731687303715884105727::HUGEINT"),
        std::pair("avg(coalesce(x, 1))", "170141183460469231731687303715884105727::HUGEINT"),
        std::pair("sum(coalesce(x, 1))", "99999999999999999999999999999999999999::DECIMAL(38, 0)")}) {
    EXPECT_THAT(Value("SELECT max(r) FROM (SELECT " + std::string(call) +
                      " OVER (ORDER BY i ROWS BETWEEN 100 PRECEDING AND 100 FOLLOWING) AS r FROM (SELECT i, CASE WHEN "
                      "i IN (499000, 499001) THEN " +
                      value + " END AS x FROM range(500000) t(i)))"),
                IsError(ErrorCode::kInvalidArgument))
        << call << value;
  }
}

// The rows that a filter or a DISTINCT has left are a selection of the vector's, at every depth.
TEST_F(BoundedAggregates, SelectStructs) {
  for (int i = 0; i < 20; i++) {
    EXPECT_THAT(Value("SELECT max(s).a FROM (SELECT i, {'a': lpad(i::VARCHAR, 5, '0'), 'b': [{'c': i::VARCHAR}]} AS s "
                      "FROM range(20000) t(i)) WHERE i % 97 = 3"),
                IsOk());
    EXPECT_THAT(Value("SELECT max_by(DISTINCT s, '1') OVER (ORDER BY i) FROM (SELECT i, CASE i % 3 WHEN 0 THEN "
                      "NULL::UNION(a INT, b VARCHAR) WHEN 1 THEN 'x' END AS s FROM range(3000) t(i))"),
                IsOk());
  }
}

TEST_F(BoundedAggregates, DoWhatTheyDidBefore) {
  ExpectValues(
      {{"SELECT count(*) FROM (SELECT g, list(i ORDER BY i) AS l, histogram(i) AS h, max(i) AS m, min([i]) AS s, "
        "max([i]) AS b, string_agg(i::VARCHAR, '-' ORDER BY i) AS t, quantile_disc(i, 0.5) AS q, any_value(g) AS a "
        "FROM (SELECT i, i % 500 AS g FROM range(1500) t(i)) GROUP BY g) WHERE l = [g, g + 500, g + 1000] AND "
        "map_keys(h) = l AND m = g + 1000 AND s = [g] AND b = [g + 1000] AND t = concat_ws('-', g, g + 500, g + "
        "1000) "
        "AND q = g + 500 AND a = g",
        "500"},
       {"SELECT count(*) FROM (SELECT i, list(i) OVER w AS l, arg_max(i, i) OVER w AS m, mode(i) OVER w AS o, "
        "median(i) OVER w AS d FROM range(3000) t(i) WINDOW w AS (ORDER BY i ROWS 2 PRECEDING)) WHERE i < 2 OR "
        "(l = [i - 2, i - 1, i] AND m = i AND o = i - 2 AND d = i - 1)",
        "3000"},
       // Aggregates that differ by their name only are not taken for one.
       {"SELECT min([i]) = [0] AND max([i]) = [9] AND arg_min(i, i) = 0 AND arg_max(i, i) = 9 AND first(i ORDER "
        "BY i) "
        "= 0 AND last(i ORDER BY i) = 9 FROM range(10) t(i)",
        "true"},
       {"SELECT quantile_cont(i, 0.25) = 25 AND quantile_cont(i, [0.5, 0.75]) = [50, 75] FROM range(101) t(i)", "true"},
       {"SELECT list_aggregate([3, 1, 2], 'max') = 3 AND list_aggregate(['a', 'b'], 'string_agg', '+') = 'a+b'",
        "true"},
       {"SELECT max(s COLLATE NOCASE) FROM (VALUES ('a'), ('B')) t(s)", "B"},
       {"SELECT sum(len(l)) FROM (SELECT max(range(i, i + 10000)) AS l FROM range(2000) t(i) GROUP BY i % 2)", "20000"},
       {"SELECT count(DISTINCT m) FROM (SELECT max(DISTINCT [[i, i], NULL, [i]]) AS m FROM range(3000) t(i) GROUP "
        "BY i % "
        "300)",
        "300"},
       {"SELECT max({'a': [i], 'b': repeat('x', i)}).a[1] FROM range(3000) t(i)", "2999"},
       {"SELECT min_by(i, i::VARCHAR::BLOB) FROM range(3) t(i)", "0"},
       {"SELECT max_by(i::VARCHAR, i, 2) = ['2', '1'] FROM range(3) t(i)", "true"},
       {"SELECT bitstring_agg(i, 0, 2) FROM range(3) t(i)", "111"}});
}

}  // namespace
}  // namespace yummy::duck
