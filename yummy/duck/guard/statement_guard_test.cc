#include "yummy/duck/guard/statement_guard.h"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/duck/guard/sql_nesting.h"

namespace yummy::duck {
namespace {

GuardOptions Options() {
  GuardOptions options;
  options.parser.max_expression_depth = kExpressionDepthMax;
  options.is_store = [](const std::string& name) { return duckdb::StringUtil::CIEquals(name, "local"); };
  options.list_tables = [](const std::string&, const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"a", "b"};
  };
  return options;
}

Result<GuardedStatement> Guard(const std::string& sql) { return GuardStatement(sql, Options()); }

std::string ReasonOf(const std::string& sql) {
  auto result = Guard(sql);
  return result.ok() ? "" : std::string(result.error().reason_name());
}

std::string Repeated(const std::string& text, size_t times) {
  std::string repeated;
  for (size_t i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(StatementGuard, AllowsQueries) {
  for (const char* sql : {"SELECT 1",
                          "SELECT 1;",
                          "-- c\nSELECT 1",
                          "FROM t",
                          "VALUES (1), (2)",
                          "WITH a AS (SELECT 1) SELECT * FROM a",
                          "SELECT * FROM t WHERE a IN (SELECT b FROM local.u)",
                          "SELECT * FROM local.main.t",
                          "SELECT * FROM LOCAL.t",
                          "SELECT * FROM \"~'()!,@$*?;%\"",
                          "SELECT * FROM local.\"a:b\"",
                          "SELECT * FROM s.t",
                          "SELECT * FROM t AT (VERSION => 3)",
                          "SELECT * FROM range(10)",
                          "SELECT unnest([1, 2])",
                          "SELECT * FROM unnest([1, 2]) u(x)",
                          "SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t",
                          "EXPLAIN SELECT 1",
                          "EXPLAIN ANALYZE SELECT 1",
                          "DESCRIBE t",
                          "DESCRIBE SELECT 1",
                          "SHOW TABLES",
                          "SHOW TABLES FROM local",
                          "SUMMARIZE t",
                          "SELECT list_transform([1], lambda x: x + 1)",
                          "SELECT * FROM a JOIN b USING (i) LEFT JOIN c ON a.i = c.i",
                          "SELECT * FROM t PIVOT (sum(v) FOR k IN ('a', 'b'))",
                          "SELECT * FROM t UNPIVOT (v FOR k IN (a, b))",
                          "SELECT COLUMNS('a.*') FROM t",
                          "SELECT * EXCLUDE (a) REPLACE (b + 1 AS b) FROM t",
                          "SELECT ?",
                          "SELECT $name",
                          "SELECT histogram(a) FROM t",
                          "SELECT a FROM t GROUP BY ROLLUP (a) HAVING count(*) > 1 QUALIFY true LIMIT 3",
                          "SELECT 'SELECT * FROM read_csv(1); DROP TABLE t'",
                          "SELECT 1 /* ; DROP TABLE t */"}) {
    EXPECT_THAT(Guard(sql), IsOk()) << sql;
  }
}

TEST(StatementGuard, RefusesFilesAndUrls) {
  for (const char* sql : {"SELECT * FROM read_csv('/etc/passwd')",
                          "SELECT * FROM read_csv_auto('/etc/passwd')",
                          "SELECT * FROM read_text('/etc/passwd')",
                          "SELECT * FROM read_blob('/etc/passwd')",
                          "SELECT * FROM read_parquet('x.parquet')",
                          "SELECT * FROM parquet_scan('x')",
                          "SELECT * FROM read_json('x')",
                          "SELECT * FROM read_ndjson_auto('x')",
                          "SELECT * FROM read_duckdb('x')",
                          "SELECT * FROM sniff_csv('/etc/passwd')",
                          "SELECT * FROM glob('/etc/*')",
                          "SELECT * FROM parquet_metadata('x')",
                          "SELECT * FROM parquet_schema('x')",
                          "SELECT * FROM parquet_file_metadata('x')",
                          "SELECT * FROM parquet_full_metadata('x')",
                          "SELECT * FROM parquet_kv_metadata('x')",
                          "SELECT * FROM parquet_bloom_probe('x', 'a', 1)",
                          "SELECT * FROM '/etc/passwd'",
                          "SELECT * FROM \"/etc/passwd\"",
                          "SELECT * FROM 's3://x/y'",
                          "SELECT * FROM 'https://x/y.parquet'",
                          "SELECT * FROM 'yummy://0/t/a.parquet'",
                          "SELECT * FROM read_parquet('yummy://0/t/a.parquet')",
                          "FROM '../x.csv'",
                          "FROM './*.parquet'",
                          "SELECT (SELECT count(*) FROM read_text('/etc/passwd'))",
                          "WITH a AS (SELECT * FROM read_text('/etc/passwd')) SELECT * FROM a",
                          "WITH a AS MATERIALIZED (FROM glob('*')) SELECT 1",
                          "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n FROM r, glob('*')) SELECT * FROM r",
                          "SELECT * FROM t, LATERAL (SELECT * FROM read_text(t.a))",
                          "SELECT * FROM t JOIN read_text('x') r ON true",
                          "SELECT * FROM t WHERE EXISTS (FROM glob('*'))",
                          "SELECT 1 UNION ALL SELECT content FROM read_text('x')",
                          "SELECT 1 ORDER BY (SELECT count(*) FROM glob('*'))",
                          "SELECT 1 LIMIT (SELECT count(*) FROM glob('*'))",
                          "SELECT CASE WHEN true THEN (SELECT count(*) FROM glob('*')) END",
                          "SELECT list_transform([1], lambda x: (SELECT count(*) FROM glob('*')))",
                          "SELECT sum(1) FILTER ((SELECT count(*) FROM glob('*')) > 0)",
                          "SELECT sum(1) OVER (ORDER BY (SELECT count(*) FROM glob('*')))",
                          "SELECT * FROM (VALUES ((SELECT count(*) FROM glob('*'))))",
                          "SELECT * FROM range((SELECT count(*) FROM glob('*')))",
                          "SELECT * FROM t AT (VERSION => (SELECT count(*) FROM glob('*')))",
                          "DESCRIBE SELECT * FROM read_text('x')",
                          "SUMMARIZE SELECT * FROM read_text('x')",
                          "EXPLAIN SELECT * FROM read_text('x')",
                          "SELECT * FROM (DESCRIBE SELECT * FROM read_text('x'))",
                          "SELECT * FROM system.main.read_text('x')",
                          "SELECT * FROM READ_TEXT('x')",
                          "SELECT * FROM \"read_text\"('x')",
                          "SELECT * REPLACE ((SELECT 1 FROM glob('*')) AS a) FROM t",
                          "SELECT * FROM read_text(['a', 'b'])",
                          "SELECT DISTINCT ON ((SELECT count(*) FROM glob('*'))) 1"}) {
    EXPECT_EQ(ReasonOf(sql), "SQL_NOT_ALLOWED") << sql;
  }
}

TEST(StatementGuard, RefusesTheServersInside) {
  for (const char* sql : {"SELECT getenv('HOME')",
                          "SELECT GETENV('HOME')",
                          "SELECT \"getenv\"('HOME')",
                          "SELECT system.main.getenv('HOME')",
                          "SELECT current_setting('threads')",
                          "SELECT getvariable('x')",
                          "SELECT nextval('s')",
                          "SELECT currval('s')",
                          "SELECT txid_current()",
                          "SELECT write_log('x')",
                          "SELECT sleep_ms(1000)",
                          "SELECT pg_sleep(1)",
                          "SELECT setseed(0.5)",
                          "SELECT json_serialize_sql('SELECT 1')",
                          "SELECT json_serialize_plan('SELECT 1')",
                          "SELECT json_deserialize_sql('{}')",
                          "SELECT * FROM json_execute_serialized_sql('{}')",
                          "SELECT current_query()",
                          "SELECT __internal_decompress_string(1)",
                          "SELECT vector_type(1)",
                          "SELECT sum(1) OVER (ORDER BY getenv('x'))",
                          "SELECT list_transform(['x'], lambda x: getenv(x))",
                          "SELECT * FROM query('SELECT 1')",
                          "SELECT * FROM query_table('t')",
                          "SELECT * FROM duckdb_settings()",
                          "SELECT * FROM duckdb_secrets()",
                          "SELECT * FROM duckdb_functions()",
                          "SELECT * FROM duckdb_tables()",
                          "SELECT * FROM duckdb_databases()",
                          "SELECT * FROM pragma_database_size()",
                          "SELECT * FROM pragma_table_info('t')",
                          "SELECT * FROM pragma_show('t')",
                          "SELECT * FROM duckdb_variables()",
                          "SELECT * FROM duckdb_external_file_cache()",
                          "SELECT * FROM which_secret('s3://x', 's3')",
                          "SELECT * FROM seq_scan('t')",
                          "SELECT * FROM arrow_scan(1, 2, 3)",
                          "SELECT * FROM pandas_scan(1)",
                          "SELECT * FROM checkpoint()",
                          "SELECT * FROM enable_logging()",
                          "SELECT * FROM enable_profiling()",
                          "SELECT * FROM histogram('t', 'a')",
                          "SELECT * FROM summary(TABLE t)",
                          "SELECT * FROM test_all_types()",
                          "SELECT * FROM information_schema.tables",
                          "SELECT * FROM pg_catalog.pg_class",
                          "SELECT * FROM system.information_schema.tables",
                          "SELECT * FROM memory.main.t",
                          "SELECT * FROM temp.t",
                          "SELECT * FROM SYSTEM.main.duckdb_tables",
                          "SHOW DATABASES",
                          "SHOW ALL TABLES",
                          "SHOW SCHEMAS",
                          "SHOW VARIABLES",
                          "SELECT * FROM (SHOW DATABASES)",
                          "SELECT sum(1) EXPORT_STATE"}) {
    auto result = Guard(sql);
    ASSERT_FALSE(result.ok()) << sql;
    EXPECT_TRUE(result.error().reason_name() == "SQL_NOT_ALLOWED" || result.error().reason_name() == "SQL_SYNTAX")
        << sql << result.error().ToString();
  }
}

// Their comparison, their conversion or their mere presence can bring the engine down.
TEST(StatementGuard, RefusesTypesThatAreNotListed) {
  for (const char* sql :
       {"SELECT 1::VARIANT", "SELECT CAST(1 AS variant)", "SELECT TRY_CAST(1 AS \"VARIANT\")",
        "SELECT DISTINCT v FROM (SELECT {'a': [1, 2]}::VARIANT v FROM range(3000))", "SELECT [1]::VARIANT[]",
        "SELECT {'a': 1}::STRUCT(a VARIANT)", "SELECT {'a': 1}::STRUCT(a STRUCT(b INT, c VARIANT)[])",
        "SELECT MAP {1: 2}::MAP(INT, VARIANT)", "SELECT ?::VARIANT", "SELECT 1 ORDER BY 1::VARIANT",
        "SELECT list_transform([1], lambda x: x::VARIANT)", "SELECT * FROM t WHERE a::VARIANT = 1",
        "SELECT '9'::BIGNUM", "SELECT 'POINT (1 2)'::GEOMETRY"}) {
    EXPECT_EQ(ReasonOf(sql), "SQL_NOT_ALLOWED") << sql;
  }
  for (const char* sql : {"SELECT 1::JSON", "SELECT 1::DECIMAL(10, 2)", "SELECT 'a'::ENUM('a', 'VARIANT')",
                          "SELECT '1'::BIT, 1::UHUGEINT, NULL::UUID", "SELECT {'variant': 1}::STRUCT(variant INT)"}) {
    EXPECT_THAT(Guard(sql), IsOk()) << sql;
  }
}

TEST(StatementGuard, RefusesDistinctInAWindowWithExclusions) {
  EXPECT_EQ(ReasonOf("SELECT sum(DISTINCT a) OVER (ORDER BY b ROWS 5 PRECEDING EXCLUDE TIES) FROM t"),
            "SQL_NOT_ALLOWED");
  EXPECT_THAT(Guard("SELECT sum(DISTINCT a) OVER (ORDER BY b ROWS 5 PRECEDING) FROM t"), IsOk());
  EXPECT_THAT(Guard("SELECT sum(a) OVER (ORDER BY b ROWS 5 PRECEDING EXCLUDE TIES) FROM t"), IsOk());
}

TEST(StatementGuard, SaysWhyAFunctionIsRefusedAndWhatWorks) {
  auto refused = Guard("SELECT reservoir_quantile(a, 0.5) FROM t");
  ASSERT_THAT(refused, IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(refused.error().reason_name(), "SQL_NOT_ALLOWED");
  EXPECT_EQ(refused.error().detail("name"), "reservoir_quantile");
  EXPECT_NE(refused.error().detail("hint").find("quantile_cont"), std::string_view::npos);
  auto unknown = Guard("SELECT regexp_match(a, 'b') FROM t");
  ASSERT_THAT(unknown, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(unknown.error().reason_name(), "UNKNOWN_FUNCTION");
  EXPECT_NE(unknown.error().detail("hint").find("regexp_matches"), std::string_view::npos);
}

std::string Joins(size_t count) { return "SELECT * FROM t" + Repeated(" JOIN t USING (a)", count); }

// A select list, a clause, an argument: wherever a sub-query may stand.
std::vector<std::string> WithinQueries(const std::string& query) {
  std::vector<std::string> queries;
  for (const std::string text : {"SELECT {}",
                                 "SELECT * FROM (VALUES ({}))",
                                 "VALUES (1), ({})",
                                 "SELECT * FROM unnest([{}])",
                                 "SELECT * FROM range(1), range({})",
                                 "SELECT * FROM t AT (VERSION => {})",
                                 "SELECT * FROM t x JOIN t y ON {} = 1",
                                 "SELECT 1 WHERE {} = 1",
                                 "SELECT 1 WHERE 1 IN {}",
                                 "SELECT 1 WHERE 1 > ALL {}",
                                 "SELECT 1 WHERE EXISTS {}",
                                 "SELECT 1 FROM t GROUP BY {}",
                                 "SELECT 1 FROM t GROUP BY ROLLUP ({}, a)",
                                 "SELECT 1 FROM t HAVING {} = 1",
                                 "SELECT 1 FROM t QUALIFY {} = 1",
                                 "SELECT 1 ORDER BY {}",
                                 "SELECT 1 LIMIT {}",
                                 "SELECT 1 LIMIT {} %",
                                 "SELECT 1 OFFSET {}",
                                 "SELECT DISTINCT ON ({}) 1",
                                 "SELECT sum({}) FROM t",
                                 "SELECT sum(a) FILTER ({} = 1) FROM t",
                                 "SELECT list(a ORDER BY {}) FROM t",
                                 "SELECT sum({}) OVER () FROM t",
                                 "SELECT sum(a) OVER (PARTITION BY {}) FROM t",
                                 "SELECT sum(a) OVER (ORDER BY {}) FROM t",
                                 "SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY {})",
                                 "SELECT sum(a) OVER (ORDER BY a ROWS {} PRECEDING) FROM t",
                                 "SELECT lag(a, {}) OVER () FROM t",
                                 "SELECT lag(a, 1, {}) OVER () FROM t",
                                 "SELECT sum(a) FILTER ({} = 1) OVER () FROM t",
                                 "SELECT CASE WHEN {} = 1 THEN 1 END",
                                 "SELECT CASE WHEN true THEN {} END",
                                 "SELECT CASE {} WHEN 1 THEN 1 END",
                                 "SELECT {} BETWEEN 1 AND 2",
                                 "SELECT 1 BETWEEN {} AND 2",
                                 "SELECT {}::INT",
                                 "SELECT [{}]",
                                 "SELECT {'a': {}}",
                                 "SELECT MAP {1: {}}",
                                 "SELECT list_transform([1], lambda x: x + {})",
                                 "SELECT [{} FOR x IN [1]]",
                                 "SELECT ARRAY({})",
                                 "SELECT * REPLACE ({} AS a) FROM t",
                                 "SELECT COLUMNS(*) + {} FROM t",
                                 "SELECT {} COLLATE de",
                                 "SELECT 1 UNION ALL SELECT {}",
                                 "SELECT 1 EXCEPT (SELECT {})",
                                 "EXPLAIN SELECT {}",
                                 "DESCRIBE SELECT {}",
                                 "SUMMARIZE SELECT {}",
                                 "SELECT * FROM (DESCRIBE SELECT {})",
                                 "WITH c AS (SELECT {}) SELECT 1",
                                 "WITH c AS MATERIALIZED (SELECT {}) FROM c",
                                 "SELECT (WITH c AS (SELECT {}) FROM c)",
                                 "WITH RECURSIVE r AS (SELECT {} AS i UNION ALL SELECT i FROM r) FROM r",
                                 "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i FROM r WHERE {} = 1) FROM r",
                                 "SELECT * FROM t, LATERAL (SELECT {})",
                                 "SELECT * FROM (SELECT {})",
                                 "FROM t x JOIN (SELECT {}) y USING (a)",
                                 "SELECT * FROM t TABLESAMPLE 10% WHERE {} = 1",
                                 "PIVOT (SELECT {}) ON a IN (1) USING sum(b)",
                                 "PIVOT t ON a IN (1) USING sum({})",

                                 "SELECT * FROM t PIVOT (sum({}) FOR a IN (1))",
                                 "SELECT * FROM t UNPIVOT (v FOR k IN (a, b + {}))",
                                 "UNPIVOT (SELECT {}) ON a, b",
                                 "UNPIVOT t ON a + {}"}) {
    const size_t place = text.find("{}");
    queries.push_back(text.substr(0, place) + "(" + query + ")" + text.substr(place + 2));
  }
  return queries;
}

TEST(StatementGuard, FindsWhatIsTooLargeWhereverItStands) {
  for (const std::string& sql : WithinQueries("SELECT count(*) FROM t" + Repeated(" JOIN t USING (a)", 51))) {
    const std::string reason = ReasonOf(sql);
    EXPECT_EQ(reason, "STATEMENT_TOO_LARGE") << sql;
  }
}

std::string ChainOfCtes(const char* materialized, size_t count) {
  std::string sql = "WITH c0 AS (SELECT a FROM t)";
  for (size_t i = 1; i < count; ++i) {
    const std::string before = "c" + std::to_string(i - 1);
    sql += ", c" + std::to_string(i) + " AS " + materialized + " (FROM " + before + " UNION ALL FROM " + before + ")";
  }
  return sql + " SELECT * FROM c" + std::to_string(count - 1);
}

std::string NestedAggregates(size_t count) {
  return Repeated("SELECT max(x.a) AS a FROM t x JOIN (", count) + "FROM t" +
         Repeated(") y USING (a) GROUP BY y.a", count);
}

std::string NestedValues(size_t count) {
  return Repeated("SELECT max(a) FROM t WHERE a = (", count) + "SELECT 1" + Repeated(")", count);
}

std::string ChainOfAggregates(size_t count) {
  std::string sql = "WITH c0 AS (SELECT a FROM t)";
  for (size_t i = 1; i < count; ++i)
    sql += fmt::format(", c{} AS (SELECT max(t.a) AS a FROM t JOIN c{} USING (a) GROUP BY c{}.b)", i, i - 1, i - 1);
  return sql + fmt::format(" SELECT * FROM c{}", count - 1);
}

std::string ChainOfAliases(size_t count) {
  std::string sql = "SELECT a + a AS a0";
  for (size_t i = 1; i < count; ++i) sql += fmt::format(", a{} + a{} AS a{}", i - 1, i - 1, i);
  return sql + " FROM t";
}

// What binder and optimiser would work on without a look at the deadline.
TEST(StatementGuard, RefusesWhatIsTooLarge) {
  std::string keys = "a";
  for (size_t i = 0; i < 1000; ++i) keys += ", a + " + std::to_string(i);
  const std::string half = "(" + Joins(25) + ")";
  for (const std::string& sql :
       {Joins(51),
        "SELECT * FROM " + half + " x JOIN " + half + " y USING (a)",
        "SELECT (" + Joins(51) + ")",
        "SELECT 1 UNION ALL " + Joins(51),
        "WITH c AS NOT MATERIALIZED (" + Joins(25) + ") SELECT * FROM c x JOIN c y USING (a)",
        "WITH c AS (" + Joins(25) + "), d AS (FROM c) SELECT * FROM d JOIN (" + Joins(25) + ") USING (a)",
        "WITH c AS MATERIALIZED (" + Joins(51) + ") SELECT 1",
        "WITH c AS (FROM t) SELECT * FROM c" + Repeated(", c", 51),
        ChainOfCtes("NOT MATERIALIZED", 40),
        "SELECT 1" + Repeated(", 1", 10'000),
        "SELECT 1 FROM t GROUP BY " + keys,
        "SELECT 1 FROM t ORDER BY " + keys,
        "SELECT 1 FROM t GROUP BY GROUPING SETS (a" + Repeated(", a", 256) + ")",
        "SELECT 1" + Repeated(", sum(a) OVER (ORDER BY a)", 251) + " FROM t",
        Joins(50) + Repeated(" UNION ALL " + Joins(50), 9),
        NestedAggregates(20),
        NestedValues(12),
        "SELECT COLUMNS(*) + (" + Joins(20) + ") FROM t",
        "SELECT 1 FROM t ORDER BY COLUMNS(*) + (" + Joins(20) + ")",
        "SELECT " + Repeated("fmod(", 8) + "COLUMNS(*)" + Repeated(", 3)", 8) + " FROM t",
        ChainOfAliases(16),
        "SELECT nullif((" + Joins(50) + "), 1), nullif((" + Joins(50) + "), 1) FROM t"}) {
    EXPECT_EQ(ReasonOf(sql), "STATEMENT_TOO_LARGE") << sql.substr(0, 60);
  }
  for (const std::string& sql :
       {Joins(50), "WITH c AS (" + Joins(10) + ") SELECT * FROM c" + Repeated(" JOIN c USING (a)", 50),
        "WITH c AS MATERIALIZED (" + Joins(50) + ") SELECT * FROM c" + Repeated(" JOIN c USING (a)", 50),
        "WITH c AS (" + Joins(50) + "), d AS (SELECT * FROM c x, c y) SELECT * FROM c x, c y, d v, d w LIMIT 1",
        NestedAggregates(10), NestedValues(6), ChainOfAliases(8), ChainOfAggregates(100),
        std::string("SELECT max(COLUMNS(*)) - (SELECT min(a) FROM t JOIN t USING (a)) FROM t"),
        "SELECT fmod(1, 7)" + Repeated(", nullif(fmod(a, 7), 0)", 1000) + " FROM t", ChainOfCtes("", 40),
        ChainOfCtes("MATERIALIZED", 40), ChainOfCtes("NOT MATERIALIZED", 8), "SELECT 1" + Repeated(", 1", 9'000),
        std::string("SELECT 1 FROM t GROUP BY CUBE (a, b, c, d, e, f, g, h)"),
        "SELECT 1 FROM t WHERE a IN (1" + Repeated(", 1", 100'000) + ")"}) {
    EXPECT_THAT(Guard(sql), IsOk()) << sql.substr(0, 60);
  }
}

// Under a LIMIT the engine would write each of the chain out for both of its readers, and so on down to the first.
TEST(StatementGuard, HasCtesMadeOnceThatWouldGrow) {
  auto guarded = Guard(ChainOfCtes("", 20) + " LIMIT 1");
  ASSERT_THAT(guarded, IsOk());
  const auto& ctes = guarded->statement->Cast<duckdb::SelectStatement>().node->cte_map.map;
  EXPECT_EQ(ctes.find("c1")->second->materialized, duckdb::CTEMaterialize::CTE_MATERIALIZE_DEFAULT);
  EXPECT_EQ(ctes.find("c3")->second->materialized, duckdb::CTEMaterialize::CTE_MATERIALIZE_ALWAYS);
  EXPECT_EQ(ctes.find("c19")->second->materialized, duckdb::CTEMaterialize::CTE_MATERIALIZE_DEFAULT);
}

TEST(StatementGuard, KnowsWhatHasTheSameResultAgain) {
  for (const char* sql :
       {"SELECT * FROM t WHERE id = 7", "SELECT count(*), sum(a) FROM local.t GROUP BY b ORDER BY c LIMIT 3",
        "WITH a AS (SELECT b FROM t) SELECT * FROM a JOIN u USING (b)", "SELECT * FROM t WHERE day > DATE '2026-01-01'",
        "SELECT row_number() OVER (ORDER BY a), lag(a) OVER (ORDER BY a) FROM t", "DESCRIBE t", "SUMMARIZE t",
        "VALUES (1)", "SELECT list_transform([1], lambda x: x + 1)", "SELECT * FROM range(3)",
        "SELECT date_trunc('day', a), a::DATE, a + INTERVAL 1 DAY FROM t"}) {
    auto result = Guard(sql);
    ASSERT_THAT(result, IsOk()) << sql;
    EXPECT_TRUE(result->is_repeatable) << sql;
  }
}

// Wherever in the statement it stands; also a column that only has the name of such a function.
TEST(StatementGuard, KnowsWhatMayHaveAnotherResult) {
  for (const char* sql :
       {"SELECT random()",
        "SELECT UUID()",
        "SELECT now()",
        "SELECT today()",
        "SELECT current_date",
        "SELECT Current_Timestamp",
        "SELECT current_time",
        "SELECT localtime, localtimestamp",
        "SELECT current_date - a FROM t",
        "SELECT age(a) FROM t",
        "SELECT ago(INTERVAL 1 DAY)",
        "SELECT 1 ORDER BY random()",
        "SELECT 1 LIMIT (1 + random()::INT)",
        "SELECT 1 OFFSET (random()::INT)",
        "SELECT a FROM t GROUP BY a, now()",
        "SELECT a FROM t GROUP BY a HAVING max(b) > now()",
        "SELECT a FROM t QUALIFY row_number() OVER (ORDER BY random()) = 1",
        "SELECT sum(a) FILTER (b < now()) FROM t",
        "SELECT DISTINCT ON (random()) 1",
        "SELECT CASE WHEN true THEN now() END",
        "SELECT list_transform([1], lambda x: random())",
        "SELECT * REPLACE (now() AS a) FROM t",
        "SELECT * FROM (SELECT now())",
        "SELECT * FROM (VALUES (now()))",
        "SELECT * FROM t JOIN u ON t.a < now()",
        "SELECT * FROM range((random() * 10)::INT)",
        "SELECT * FROM t WHERE a IN (SELECT now())",
        "SELECT 1 UNION ALL SELECT random()",
        "WITH a AS (SELECT now()) SELECT * FROM a",
        "WITH RECURSIVE a AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM a WHERE random() < 0.5) FROM a",
        "DESCRIBE SELECT now()",
        "PIVOT t ON a IN (1) USING max(now())",
        "SELECT system.main.random()",
        "SELECT * FROM t USING SAMPLE 3",
        "SELECT * FROM t TABLESAMPLE 10%",
        "SELECT * FROM (SELECT 1) TABLESAMPLE 10%",
        "SELECT * FROM t AT (VERSION => 3)",
        "SELECT * FROM t AT (TIMESTAMP => '2026-01-01')",
        "SELECT (SELECT a FROM t AT (VERSION => 3))",
        "SHOW TABLES",
        "SHOW TABLES FROM local",
        "SELECT * FROM (SHOW TABLES)",
        "EXPLAIN SELECT 1",
        "EXPLAIN ANALYZE SELECT 1"}) {
    auto result = Guard(sql);
    ASSERT_THAT(result, IsOk()) << sql;
    EXPECT_FALSE(result->is_repeatable) << sql;
  }
}

TEST(StatementGuard, RefusesStatementsThatAreNoQueries) {
  for (const char* sql : {"COPY t TO '/tmp/x'",
                          "COPY (SELECT 1) TO '/tmp/x'",
                          "COPY t FROM '/tmp/x'",
                          "EXPORT DATABASE '/tmp/x'",
                          "IMPORT DATABASE '/tmp/x'",
                          "ATTACH 'x.db'",
                          "ATTACH ':memory:' AS x",
                          "DETACH local",
                          "USE memory",
                          "INSTALL httpfs",
                          "LOAD httpfs",
                          "FORCE INSTALL httpfs FROM 'http://x'",
                          "SET threads = 1",
                          "SET VARIABLE x = 1",
                          "SET search_path = 'a'",
                          "RESET threads",
                          "PRAGMA enable_profiling",
                          "PRAGMA database_list",
                          "CALL pragma_version()",
                          "CREATE SECRET s (TYPE s3)",
                          "CREATE PERSISTENT SECRET s (TYPE s3)",
                          "DROP SECRET s",
                          "PREPARE p AS SELECT 1",
                          "EXECUTE p",
                          "DEALLOCATE p",
                          "BEGIN",
                          "COMMIT",
                          "ROLLBACK",
                          "VACUUM",
                          "ANALYZE",
                          "CHECKPOINT",
                          "FORCE CHECKPOINT",
                          "EXPLAIN INSERT INTO t VALUES (1)",
                          "EXPLAIN ANALYZE DELETE FROM t",
                          "EXPLAIN ANALYZE COPY t TO 'x'",
                          "COPY FROM DATABASE a TO b",
                          "UPDATE EXTENSIONS",
                          "PIVOT t ON a USING sum(b)"}) {
    EXPECT_EQ(ReasonOf(sql), "SQL_NOT_ALLOWED") << sql;
  }
}

TEST(StatementGuard, AsksForTheValuesOfAPivot) {
  for (const char* sql : {"PIVOT t ON a USING sum(b)", "PIVOT t ON a USING count(*) GROUP BY d",
                          "EXPLAIN PIVOT t ON a USING sum(b)", "FROM (PIVOT t ON a USING sum(b))",
                          "WITH c AS (PIVOT t ON a USING sum(b)) FROM c", "PIVOT t ON a IN an_enum USING sum(b)"}) {
    auto result = Guard(sql);
    ASSERT_FALSE(result.ok()) << sql;
    EXPECT_NE(result.error().detail("hint").find("IN (…)"), std::string_view::npos) << sql << result.error().ToString();
  }
}

TEST(StatementGuard, NamesTheRouteOfAStatementThatWrites) {
  struct Case {
    const char* sql;
    const char* hint;
  };
  for (const Case& test :
       {Case{"INSERT INTO t VALUES (1)", "POST"}, Case{"UPDATE t SET a = 1", "PATCH"}, Case{"DELETE FROM t", "DELETE"},
        Case{"TRUNCATE t", "DELETE"}, Case{"MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE", "/merge"},
        Case{"CREATE TABLE t (a INT)", "POST"}, Case{"CREATE OR REPLACE TABLE t AS SELECT 1", "POST"},
        Case{"CREATE MACRO m(x) AS x", "POST"}, Case{"CREATE VIEW v AS SELECT 1", "POST"},
        Case{"CREATE TEMP TABLE t (a INT)", "POST"}, Case{"DROP TABLE t", "drop=true"},
        Case{"ALTER TABLE t ADD COLUMN b INT", "PATCH"}}) {
    auto result = Guard(test.sql);
    ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument)) << test.sql;
    EXPECT_EQ(result.error().reason_name(), "READ_ONLY_ENDPOINT") << test.sql;
    EXPECT_NE(result.error().detail("hint").find(test.hint), std::string_view::npos) << test.sql;
  }
}

TEST(StatementGuard, WantsOneStatement) {
  EXPECT_EQ(ReasonOf(""), "SQL_SYNTAX");
  EXPECT_EQ(ReasonOf(" ;; "), "SQL_SYNTAX");
  EXPECT_EQ(ReasonOf("-- nothing"), "SQL_SYNTAX");
  EXPECT_EQ(ReasonOf("/* nothing */"), "SQL_SYNTAX");
  EXPECT_EQ(ReasonOf("SELECT 'x"), "SQL_SYNTAX");
  EXPECT_EQ(ReasonOf("SELECT 1; SELECT 2"), "ONE_STATEMENT");
  EXPECT_EQ(ReasonOf("SELECT 1; DROP TABLE t"), "ONE_STATEMENT");
  EXPECT_EQ(ReasonOf(std::string("SELECT 1\0; DROP TABLE t", 23)), "SQL_SYNTAX");
}

TEST(StatementGuard, RefusesNullQuantiles) {
  for (const char* sql : {"SELECT quantile_cont(a, NULL::DOUBLE[] ORDER BY a DESC) FROM t",
                          "SELECT percentile_disc(CAST(NULL AS DOUBLE[])) WITHIN GROUP (ORDER BY a) FROM t",
                          "SELECT mode(a, NULL::BIGINT[] ORDER BY a) FROM t"}) {
    EXPECT_EQ(ReasonOf(sql), "SQL_INVALID") << sql;
  }
  EXPECT_THAT(Guard("SELECT quantile_cont(a, [0.5, NULL] ORDER BY a DESC), max(NULL ORDER BY a) FROM t"), IsOk());
}

TEST(StatementGuard, TellsWhereTheErrorIs) {
  auto result = Guard("SELECT 1,\n  'ü', FROM WHERE");
  ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(result.error().detail("line"), "2");
  auto denied = Guard("SELECT 'ü',\n  'ü', getenv('x')");
  ASSERT_THAT(denied, IsError(ErrorCode::kPermissionDenied));
  EXPECT_EQ(denied.error().detail("line"), "2");
  EXPECT_EQ(denied.error().detail("column"), "8");
}

TEST(StatementGuard, RefusesWhatIsTooLong) {
  EXPECT_EQ(ReasonOf("SELECT '" + std::string(1 << 20, 'x') + "'"), "SQL_TOO_LONG");
}

TEST(StatementGuard, RefusesDeepBracketsBeforeParsing) {
  EXPECT_EQ(ReasonOf("SELECT " + Repeated("(", 10'000) + "1" + Repeated(")", 10'000)), "TOO_DEEP");
  EXPECT_EQ(ReasonOf("SELECT " + Repeated("[", 10'000)), "TOO_DEEP");
  EXPECT_EQ(ReasonOf(Repeated("SELECT * FROM (", 10'000)), "TOO_DEEP");
  EXPECT_THAT(Guard("SELECT " + Repeated("(", 100) + "1" + Repeated(")", 100)), IsOk());
}

std::string NestedCases(size_t count, const std::string& value) {
  return "SELECT " + Repeated("CASE ", count) + value + Repeated(" WHEN 1 THEN 1 WHEN 2 THEN 2 END", count);
}

// The parser copies the value of a CASE for each WHEN, and what is inside of it twice as often.
TEST(StatementGuard, RefusesCasesThatGrow) {
  for (const std::string& sql :
       {NestedCases(30, "1"), NestedCases(30, "t.end"), NestedCases(30, "t /**/ . /**/ END"),
        NestedCases(30, "(SELECT end FROM (SELECT 1 AS end))"),
        "SELECT CASE [1" + Repeated(", 1", 10'000) + "]" + Repeated(" WHEN 1 THEN 1", 1000) + " END"}) {
    EXPECT_EQ(ReasonOf(sql), "TOO_DEEP") << sql.substr(0, 60);
  }
  for (const std::string& sql :
       {NestedCases(8, "1"), "SELECT CASE a" + Repeated(" WHEN 1 THEN 1", 10'000) + " END FROM t",
        "SELECT " + Repeated("CASE WHEN a = 1 THEN 1 ELSE ", 100) + "1" + Repeated(" END", 100) + " FROM t",
        std::string("SELECT CASE a WHEN 1 THEN 'END' END AS end, t.case FROM t")}) {
    EXPECT_THAT(Guard(sql), IsOk()) << sql.substr(0, 60);
  }
}

// What nests without brackets must end in an error or a result, never in an overflow of the stack.
TEST(StatementGuard, SurvivesLongChains) {
  for (const std::string& sql :
       {"SELECT " + Repeated("NOT ", 200'000) + "true", "SELECT " + Repeated("- ", 200'000) + "1",
        "SELECT 1" + Repeated(" + 1", 200'000), "SELECT 1" + Repeated("::int", 150'000),
        "SELECT true" + Repeated(" AND true", 90'000), "SELECT a" + Repeated(".a", 200'000),
        "SELECT a" + Repeated("[1]", 200'000), "SELECT 1" + Repeated(" UNION ALL SELECT 1", 50'000),
        "SELECT * FROM t" + Repeated(", t", 200'000), "SELECT * FROM t" + Repeated(" JOIN t USING (a)", 50'000),
        Repeated("EXPLAIN ", 100'000) + "SELECT 1",
        "SELECT " + Repeated("CASE WHEN true THEN ", 40'000) + "1" + Repeated(" END", 40'000),
        "SELECT 1" + Repeated(" COLLATE a", 90'000), "SELECT 'a'" + Repeated(" || 'a'", 90'000),
        "SELECT 1" + Repeated(" IS NULL", 90'000), "SELECT 1 WHERE 1 IN (1" + Repeated(", 1", 200'000) + ")"}) {
    ASSERT_LE(sql.size(), size_t{1} << 20);
    auto result = Guard(sql);
    if (!result.ok()) {
      EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument) << sql.substr(0, 40);
    }
  }
}

std::optional<size_t> TooDeepAt(std::string_view sql, size_t depth_max) {
  auto excess = FindExcess(sql, {.depth_max = depth_max});
  return excess && excess->kind == NestingExcess::kDepth ? std::optional(excess->position) : std::nullopt;
}

TEST(SqlNesting, SkipsWhatIsNoBracket) {
  for (const char* sql : {"'((('", "\"(((\"", "'it''s((('", "E'\\'((('", "$$((($$", "$tag$((($$(($tag$", "-- (((\n",
                          "/* ((( /* ((( */ ((( */", "$1"}) {
    EXPECT_EQ(TooDeepAt(sql, 2), std::nullopt) << sql;
  }
  EXPECT_EQ(TooDeepAt("((()))", 2), std::optional<size_t>(2));
  EXPECT_EQ(TooDeepAt("'a' ((( ", 2), std::optional<size_t>(6));
  EXPECT_EQ(TooDeepAt("'a\\' ((( ", 2), std::optional<size_t>(7));
  EXPECT_EQ(TooDeepAt("()()()()", 1), std::nullopt);
  EXPECT_EQ(TooDeepAt("'((((", 1), std::nullopt);
}

TEST(SqlNesting, CountsConnectives) {
  NestingLimits limits{.connectives_max = 2};
  EXPECT_FALSE(FindExcess("a AND b or c", limits).has_value());
  EXPECT_FALSE(FindExcess("'and' AND \"or\" or band /* and */ -- and", limits).has_value());
  auto excess = FindExcess("a AND b or c Union d", limits);
  ASSERT_TRUE(excess.has_value());
  EXPECT_EQ(excess->position, 13u);
  EXPECT_EQ(excess->kind, NestingExcess::kConnectives);
}

class ChangeGuard : public testing::Test {
 protected:
  static Result<GuardedStatement> Guard(const std::string& sql) {
    GuardOptions options = Options();
    options.may_write = true;
    return GuardStatement(sql, options);
  }
};

TEST_F(ChangeGuard, AllowsChangesOfTables) {
  for (const char* sql :
       {"INSERT INTO a VALUES (1), (DEFAULT)", "INSERT INTO local.a (x) SELECT y FROM local.b",
        "INSERT INTO a BY NAME SELECT 1 AS x", "WITH s AS (SELECT 1 AS x) INSERT INTO a SELECT * FROM s",
        "UPDATE a SET x = y + 1 WHERE z IN (SELECT 1)", "UPDATE a SET x = b.x FROM b WHERE a.i = b.i",
        "DELETE FROM local.main.a USING b WHERE a.i = b.i", "DELETE FROM a", "TRUNCATE a",
        "MERGE INTO a USING (SELECT 1 AS i) s ON a.i = s.i WHEN MATCHED THEN UPDATE SET x = s.i WHEN NOT MATCHED THEN "
        "INSERT VALUES (s.i)"}) {
    const auto guarded = Guard(sql);
    ASSERT_THAT(guarded, IsOk()) << sql;
    EXPECT_TRUE(guarded->writes);
    EXPECT_FALSE(guarded->is_repeatable);
  }
  EXPECT_FALSE(MUST(Guard("SELECT 1")).writes);
}

TEST_F(ChangeGuard, RefusesFilesAndTheServersInsideEverywhere) {
  for (const char* sql :
       {"INSERT INTO a SELECT * FROM read_csv('/etc/passwd')", "INSERT INTO a SELECT * FROM '/etc/passwd'",
        "INSERT INTO system.main.a VALUES (1)", "INSERT INTO a VALUES (getenv('HOME'))",
        "UPDATE a SET x = getenv('HOME')",
        "UPDATE a SET x = 1 WHERE y = (SELECT content FROM read_text('/etc/passwd'))",
        "UPDATE a SET x = s.x FROM read_csv('/x') s", "UPDATE information_schema.tables SET x = 1",
        "DELETE FROM '/etc/passwd'", "DELETE FROM a USING glob('/*') g WHERE true",
        "DELETE FROM a WHERE x = getenv('HOME')", "WITH s AS (SELECT * FROM read_text('/x')) DELETE FROM a USING s",
        "MERGE INTO a USING read_csv('/x') s ON true WHEN MATCHED THEN DELETE",
        "MERGE INTO a USING b s ON getenv('x') = s.i WHEN MATCHED THEN DELETE",
        "MERGE INTO a USING b s ON a.i = s.i WHEN MATCHED AND getenv('x') = 'y' THEN DELETE",
        "MERGE INTO a USING b s ON a.i = s.i WHEN MATCHED THEN UPDATE SET x = getenv('x')",
        "MERGE INTO a USING b s ON a.i = s.i WHEN NOT MATCHED THEN INSERT VALUES (getenv('x'))"}) {
    EXPECT_THAT(Guard(sql), IsError(ErrorCode::kPermissionDenied)) << sql;
  }
}

TEST_F(ChangeGuard, RefusesOtherStatementsAndWhatIsNotSupported) {
  for (const char* sql : {"CREATE TABLE a (x INT)", "DROP TABLE a", "ALTER TABLE a ADD COLUMN x INT"})
    EXPECT_THAT(Guard(sql), IsError(ErrorCode::kInvalidArgument)) << sql;
  for (const char* sql : {"COPY a TO '/tmp/x'", "BEGIN", "SET threads = 1", "ATTACH 'x'", "CALL pragma_version()"})
    EXPECT_THAT(Guard(sql), IsError(ErrorCode::kPermissionDenied)) << sql;
  for (const char* sql :
       {"DELETE FROM a RETURNING x", "INSERT INTO a VALUES (1) RETURNING x", "UPDATE a SET x = 1 RETURNING x",
        "MERGE INTO a USING b s ON a.i = s.i WHEN MATCHED THEN DELETE RETURNING a.i",
        "MERGE INTO a USING b s ON a.i = s.i WHEN MATCHED AND a.i IN (SELECT 1) THEN DELETE"})
    EXPECT_THAT(Guard(sql), IsError(ErrorCode::kUnsupported)) << sql;
}

TEST_F(ChangeGuard, BoundsTheSizeOfAllParts) {
  const std::string joins = "SELECT 1 FROM b" + Repeated(", b", 60);
  std::string tables = "b t0";
  for (int i = 1; i < 60; i++) tables += ", b t" + std::to_string(i);
  for (const std::string& sql :
       {"INSERT INTO a " + joins, "UPDATE a SET x = (" + joins + ")", "UPDATE a SET x = 1 WHERE y IN (" + joins + ")",
        "UPDATE a SET x = 1 FROM " + tables, "DELETE FROM a USING " + tables,
        "DELETE FROM a WHERE y IN (" + joins + ")", "WITH s AS (" + joins + ") DELETE FROM a USING s",
        "MERGE INTO a USING (" + joins + ") s ON true WHEN MATCHED THEN DELETE"}) {
    const auto guarded = Guard(sql);
    ASSERT_THAT(guarded, IsError(ErrorCode::kInvalidArgument)) << sql.substr(0, 80);
    EXPECT_EQ(guarded.error().reason(), Reason::kStatementTooLarge) << sql.substr(0, 80);
  }
}

}  // namespace
}  // namespace yummy::duck
