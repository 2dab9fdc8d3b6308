// Plain DuckDB's faults, one test each. A test that fails has good news: docs/duckdb-faults.md says what can go then.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <duckdb/execution/operator/join/join_filter_pushdown.hpp>
#include <duckdb/planner/filter/dynamic_filter.hpp>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include "yummy/base/testing.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {
namespace {

class DuckdbFaults : public ::testing::Test {
 protected:
  std::string File(const std::string& name) const { return (folder_.path() / name).string(); }

  std::string Ask(const std::string& sql) {
    auto result = connection_.Query(sql);
    EXPECT_FALSE(result->HasError()) << sql << ": " << result->GetError();
    return result->HasError() || result->RowCount() == 0 ? "" : result->GetValue(0, 0).ToString();
  }

  using Wanted = std::function<bool(duckdb::LogicalOperator&)>;
  /// True when an operator of the plan is as wanted.
  static bool Has(duckdb::LogicalOperator& plan, const Wanted& wanted) {
    return wanted(plan) ||
           std::any_of(plan.children.begin(), plan.children.end(), [&](auto& child) { return Has(*child, wanted); });
  }
  bool OptimisedPlanHas(const std::string& sql, const Wanted& wanted) {
    return Has(*connection_.ExtractPlan(sql), wanted);
  }

  const TemporaryFolder folder_;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
};

TEST_F(DuckdbFaults, BloomFiltersAreAskedForTheTextOfABlob) {
  Ask(fmt::format("COPY (SELECT '\\xD0'::BLOB AS b FROM range(10)) TO '{}'", File("a.parquet")));
  EXPECT_EQ(Ask(fmt::format("SELECT count(*) FROM '{}' WHERE b = '\\xD0'::BLOB", File("a.parquet"))), "0");
}

TEST_F(DuckdbFaults, BloomFiltersAreAskedForTheBitsOfAZero) {
  Ask(fmt::format("COPY (SELECT if(range = 0, '-0.0'::DOUBLE, 1) AS x FROM range(10)) TO '{}'", File("a.parquet")));
  EXPECT_EQ(Ask(fmt::format("SELECT count(*) FROM '{}' WHERE x = 0", File("a.parquet"))), "0");
}

TEST_F(DuckdbFaults, ATopNHandsABoundOfAnotherTypeToTheScan) {
  Ask("CREATE TABLE t AS SELECT range AS l FROM range(100)");
  EXPECT_TRUE(
      OptimisedPlanHas("SELECT l::SMALLINT AS s FROM t ORDER BY s DESC LIMIT 5", [](duckdb::LogicalOperator& plan) {
        return plan.type == duckdb::LogicalOperatorType::LOGICAL_TOP_N &&
               plan.Cast<duckdb::LogicalTopN>().dynamic_filter &&
               plan.Cast<duckdb::LogicalTopN>().dynamic_filter->filter->constant.type() ==
                   duckdb::LogicalType::SMALLINT;
      }));
}

TEST_F(DuckdbFaults, AJoinHandsItsKeysBelowALimit) {
  Ask("CREATE TABLE t AS SELECT range AS k, range % 7 AS o FROM range(1000)");
  Ask("CREATE TABLE w AS SELECT range * 100 AS k FROM range(5)");
  EXPECT_TRUE(OptimisedPlanHas(
      "SELECT count(*) FROM (SELECT k FROM t OFFSET 10) JOIN w USING (k)", [](duckdb::LogicalOperator& plan) {
        if (plan.type != duckdb::LogicalOperatorType::LOGICAL_COMPARISON_JOIN) return false;
        const auto& pushed = plan.Cast<duckdb::LogicalComparisonJoin>().filter_pushdown;
        const auto is_limit = [](auto& below) { return below.type == duckdb::LogicalOperatorType::LOGICAL_LIMIT; };
        return pushed && !pushed->probe_info.empty() && Has(*plan.children[0], is_limit);
      }));
}

TEST_F(DuckdbFaults, NanIsLostWhereBoundsLeaveItOut) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({1, std::nan(""), 2}).ok());
  const auto rows =
      arrow::Table::Make(arrow::schema({arrow::field("x", arrow::float64())}), {builder.Finish().ValueOrDie()});
  auto file = arrow::io::FileOutputStream::Open(File("a.parquet")).ValueOrDie();
  ASSERT_TRUE(parquet::arrow::WriteTable(*rows, arrow::default_memory_pool(), file).ok());
  ASSERT_TRUE(file->Close().ok());
  EXPECT_EQ(Ask(fmt::format("SELECT count(*) FROM '{}' WHERE x > 5", File("a.parquet"))), "0");
}

TEST_F(DuckdbFaults, ADictionaryKeepsOneOfTwoZeros) {
  Ask(fmt::format("COPY (SELECT if(range < 5, '-0.0'::DOUBLE, 0) AS x FROM range(10)) TO '{}'", File("a.parquet")));
  EXPECT_EQ(Ask(fmt::format("SELECT count(*) FROM '{}' WHERE signbit(x)", File("a.parquet"))), "10");
}

TEST_F(DuckdbFaults, IsDistinctFromWithinAnOrLosesTheNullsOfAMissingColumn) {
  Ask(fmt::format("COPY (SELECT 'A' AS k, 1 AS x) TO '{}'", File("with.parquet")));
  Ask(fmt::format("COPY (SELECT 2 AS x) TO '{}'", File("without.parquet")));
  EXPECT_EQ(Ask(fmt::format("SELECT count(*) FROM read_parquet(['{}', '{}'], union_by_name = true) "
                            "WHERE k = 'zz' OR k IS DISTINCT FROM 'A'",
                            File("with.parquet"), File("without.parquet"))),
            "0");
}

TEST_F(DuckdbFaults, AnAntiJoinOfOrderedPairsIsEmptyThoughItsRightSideIs) {
  Ask("CREATE TABLE l AS SELECT 1 AS x");
  Ask("CREATE TABLE r AS SELECT 10 AS x");
  EXPECT_EQ(Ask("SELECT count(*) FROM l ANTI JOIN (SELECT x FROM r WHERE x % 10 = 7) r ON l.x < r.x"), "0");
}

TEST_F(DuckdbFaults, AJoinWithoutMatchesOverAnotherCannotBePlanned) {
  Ask("CREATE TABLE l AS SELECT 1 AS id, 'a' AS name, -1 AS other");
  Ask("CREATE TABLE r AS SELECT 10 AS id");
  auto result = connection_.Query(
      "SELECT min(l.name) FROM l ANTI JOIN r ON l.id = r.id JOIN (SELECT id AS x FROM r) s ON l.other = s.x");
  ASSERT_TRUE(result->HasError());
  EXPECT_EQ(result->GetErrorType(), duckdb::ExceptionType::INTERNAL);
}

TEST_F(DuckdbFaults, ATimeCutToAUnitDiffersFromATimeWithinOneThoughItIsNull) {
  EXPECT_EQ(Ask("SELECT date_trunc('hour', t) <> TIMESTAMP '2024-02-29 12:00:01' FROM (SELECT NULL::TIMESTAMP AS t "
                "FROM range(1))"),
            "true");
}

TEST_F(DuckdbFaults, ATimeAsTextIsComparedWithNullWhereATextIsNoTime) {
  Ask("CREATE TABLE t AS SELECT TIMESTAMPTZ '2024-02-29 12:00:00+00' AS z");
  EXPECT_EQ(Ask("SELECT count(*) FROM t WHERE CAST(z AS VARCHAR) <> 'never'"), "0");
}

TEST_F(DuckdbFaults, BinsOfATinyWidthEndTheInstance) {
  auto result = connection_.Query("SELECT equi_width_bins(0::DOUBLE, 5e-324::DOUBLE, 64, true)");
  ASSERT_TRUE(result->HasError());
  EXPECT_EQ(result->GetErrorType(), duckdb::ExceptionType::INTERNAL);
}

TEST_F(DuckdbFaults, ReservoirQuantileEndsTheInstance) {
  auto result = connection_.Query("SELECT reservoir_quantile(1::DECIMAL(38, 0), []) FROM range(3000)");
  ASSERT_TRUE(result->HasError());
  EXPECT_EQ(result->GetErrorType(), duckdb::ExceptionType::INTERNAL);
}

TEST_F(DuckdbFaults, LikeWithAPrefixWhoseLastByteHasNoNextIsRefused) {
  Ask("CREATE TABLE t AS SELECT 'пима' AS s");
  EXPECT_TRUE(connection_.Query("SELECT count(*) FROM t WHERE s LIKE 'п%а'")->HasError());
}

}  // namespace
}  // namespace yummy::duck
