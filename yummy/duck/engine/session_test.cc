#include "yummy/duck/session.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "duckdb/parser/parsed_data/create_scalar_function_info.hpp"
#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "yummy/base/testing.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/database.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/duck/guard/function_lists.h"
#include "yummy/duck/guard/statement_size.h"

namespace yummy::duck {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::shared_ptr<Database> OpenDatabase(DatabaseOptions options = {}) {
  auto database = Database::Open(std::move(options), Lookup{});
  EXPECT_THAT(database, IsOk());
  return database.ok() ? *database : nullptr;
}

Context Within(milliseconds duration) { return Context(steady_clock::now() + duration, {}, "test"); }

// The number of rows, or the first error.
Result<int64_t> Drain(QueryResult& result) {
  int64_t rows = 0;
  while (true) {
    auto batch = TRY(result.Next());
    if (!batch) return rows;
    rows += batch->num_rows();
  }
}

Result<int64_t> Execute(Session& session, const std::string& sql, const Context& context = {},
                        const QueryOptions& options = {}) {
  auto result = TRY(session.Query(context, sql, options));
  return Drain(*result);
}

Result<std::string> Text(Session& session, const std::string& sql, const QueryOptions& options = {}) {
  auto result = TRY(session.Query({}, sql, options));
  auto batch = TRY(result->Next());
  if (!batch) return std::string("no rows");
  return batch->column(0)->GetScalar(0).ValueOrDie()->ToString();
}

class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = OpenDatabase();
    auto session = database_->Connect();
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
  }
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(SessionTest, StreamsBatchesOfTheAskedSize) {
  auto result = session_->Query({}, "SELECT i FROM range(10000) t(i)", {.batch_rows_max = 3000});
  ASSERT_THAT(result, IsOk());
  std::vector<int64_t> sizes;
  int64_t next = 0;
  while (true) {
    auto batch = (*result)->Next();
    ASSERT_THAT(batch, IsOk());
    if (!*batch) break;
    sizes.push_back((*batch)->num_rows());
    const auto& values = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
    for (int64_t i = 0; i < values.length(); ++i) ASSERT_EQ(values.Value(i), next++);
  }
  EXPECT_EQ(sizes, (std::vector<int64_t>{3000, 3000, 3000, 1000}));
  auto after = (*result)->Next();
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(*after, nullptr);
}

TEST_F(SessionTest, GivesEveryTypeAnArrowForm) {
  struct Case {
    const char* sql;
    const char* type;
    const char* value;
  };
  for (const Case& test :
       {Case{"SELECT 1::HUGEINT", "decimal128(38, 0)", "1"}, Case{"SELECT 7::UHUGEINT", "decimal128(38, 0)", "7"},
        Case{"SELECT '6f9619ff-8b86-d011-b42d-00cf4fc964ff'::UUID", "string", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"},
        Case{"SELECT INTERVAL 3 DAY", "string", "3 days"}, Case{"SELECT 'a'::ENUM('a', 'b')", "string", "a"},
        Case{"SELECT '101'::BIT", "string", "101"}, Case{"SELECT union_value(x := 1)", "string", "1"},
        Case{"SELECT '{\"a\": 1}'::JSON", "string", "{\"a\": 1}"},
        Case{"SELECT TIME '01:02:03'", "time64[us]", "01:02:03.000000"},
        Case{"SELECT '01:02:03+02'::TIMETZ", "string", "01:02:03+02"},
        Case{"SELECT 1.50::DECIMAL(4, 2)", "decimal128(4, 2)", "1.50"},
        Case{"SELECT TIMESTAMP_S '2020-01-01 00:00:00'", "timestamp[us]", "2020-01-01 00:00:00.000000"},
        Case{"SELECT TIMESTAMPTZ '2020-01-01 02:00:00+02'", "timestamp[us, tz=UTC]", "2020-01-01 00:00:00.000000Z"},
        Case{"SELECT 'a'::BLOB", "binary", "a"}, Case{"SELECT 1::UTINYINT", "uint8", "1"},
        Case{"SELECT NULL::INT", "int32", "null"},
        Case{"SELECT [INTERVAL 1 DAY]", "list<item: string>", "list<item: string>[1 day]"}}) {
    auto result = session_->Query({}, test.sql, {});
    ASSERT_THAT(result, IsOk()) << test.sql;
    EXPECT_EQ((*result)->schema()->field(0)->type()->ToString(), test.type) << test.sql;
    auto batch = (*result)->Next();
    ASSERT_THAT(batch, IsOk()) << test.sql;
    EXPECT_EQ((*batch)->column(0)->GetScalar(0).ValueOrDie()->ToString(), test.value) << test.sql;
  }
}

TEST_F(SessionTest, RefusesAnIntegerThatArrowCannotHold) {
  EXPECT_THAT(Execute(*session_, "SELECT 170141183460469231731687303715884105727::HUGEINT"),
              IsError(ErrorCode::kInvalidArgument));
}

TEST_F(SessionTest, RefusesAMapWithANullKey) {
  auto refused = Execute(*session_, "SELECT TRY_CAST(MAP {'a': 1} AS MAP(INTEGER, INTEGER))");
  ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(refused.error().reason_name(), "VALUE_OUT_OF_RANGE");
}

TEST_F(SessionTest, BindsParameters) {
  QueryOptions options;
  options.parameters = {int64_t{40}, int64_t{2}};
  auto positional = Text(*session_, "SELECT ? + ?", options);
  ASSERT_THAT(positional, IsOk());
  EXPECT_EQ(*positional, "42");
  QueryOptions named;
  named.named_parameters = {{"x", std::string("'; DROP TABLE t; --")}};
  auto text = Text(*session_, "SELECT $x", named);
  ASSERT_THAT(text, IsOk());
  EXPECT_EQ(*text, "'; DROP TABLE t; --");
  EXPECT_THAT(Execute(*session_, "SELECT ?"), IsError(ErrorCode::kInvalidArgument));
}

TEST_F(SessionTest, FailsARowInTheMiddleOfTheStream) {
  auto result = session_->Query({}, "SELECT CASE WHEN i = 999999 THEN 'x' ELSE '1' END::INT FROM range(1000000) t(i)",
                                {.batch_rows_max = 1024});
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(Drain(**result), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Execute(*session_, "SELECT 1"), IsOk());
}

TEST_F(SessionTest, RefusesViewsThatReadTheServersInside) {
  for (const char* sql : {"SELECT * FROM duckdb_tables", "SELECT * FROM sqlite_master", "SELECT * FROM pg_tables",
                          "SELECT * FROM duckdb_databases", "SELECT * FROM pragma_database_list",
                          "SELECT * FROM duckdb_logs", "SELECT has_table_privilege('a', 'b') FROM duckdb_schemas"}) {
    EXPECT_THAT(Execute(*session_, sql), IsError(ErrorCode::kPermissionDenied)) << sql;
  }
}

TEST_F(SessionTest, NamesWhatIsUnknown) {
  auto column = Execute(*session_, "SELECT 1,\n nam FROM (SELECT 1 AS name)");
  ASSERT_THAT(column, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(column.error().reason_name(), "UNKNOWN_COLUMN");
  EXPECT_EQ(column.error().detail("line"), "2");
  EXPECT_EQ(column.error().detail("column"), "2");
  EXPECT_NE(column.error().detail("hint").find("name"), std::string_view::npos);
  auto function = Execute(*session_, "SELECT flor(1)");
  ASSERT_THAT(function, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(function.error().reason_name(), "UNKNOWN_FUNCTION");
  for (const char* sql : {"SELECT * FROM nothing", "SELECT * FROM pg_enun", "DESCRIBE main.duckdb_tablez"}) {
    auto table = Execute(*session_, sql);
    ASSERT_THAT(table, IsError(ErrorCode::kNotFound)) << sql;
    EXPECT_EQ(table.error().reason_name(), "TABLE_NOT_FOUND") << sql;
    EXPECT_EQ(table.error().detail("hint"), "") << sql;  // what the server has inside is no answer
  }
}

TEST_F(SessionTest, SaysThatANameHasTooManyParts) {
  for (const char* sql : {"SELECT * FROM a.b.c.d", "DESCRIBE a.b.c.d.e", "SUMMARIZE a.b.c.d"}) {
    auto refused = Execute(*session_, sql);
    ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument)) << sql;
    EXPECT_EQ(refused.error().reason_name(), "SQL_SYNTAX") << sql;
    // The library's own text for it, which has to be known, speaks of a function.
    EXPECT_NE(refused.error().message().find("store.schema.table"), std::string::npos) << sql;
  }
}

// Each of these ended the process, or the queries of all others, by an error of the engine itself.
TEST_F(SessionTest, OutlivesWhatBringsTheEngineDown) {
  const std::string deep = "repeat('{\"a\":', 20000) || '1' || repeat('}', 20000)";
  const std::string structure = "repeat('{\"a\":', 20000) || '\"INT\"' || repeat('}', 20000)";
  const std::string list = "repeat('[', 200000) || repeat(']', 200000)";
  for (const std::string& sql :
       {std::string("SELECT variant_normalize({'a': [1, 2]}::VARIANT) FROM range(3000)"),
        std::string("SELECT DISTINCT from_json('{\"a\": 1}', '{\"a\": \"VARIANT\"}')"),
        std::string("SELECT DISTINCT json_transform('{\"a\": 1}', '{\"a\": [\"VARIANT\"]}')"),
        std::string("SELECT reservoir_quantile(i::TINYINT, 'nan'::DOUBLE) OVER () FROM range(9) t(i)"),
        std::string("SELECT reservoir_quantile(1::DECIMAL(38, 0), []) FROM range(3000)"),
        std::string("SELECT equi_width_bins(0::DOUBLE, 5e-324::DOUBLE, 64, true)"),
        std::string("SELECT list_aggregate([1], 'reservoir' || '_quantile', 0.5)"),
        "SELECT json_structure(" + deep + ")",
        "SELECT json_structure(x) FROM (SELECT " + deep + " || i AS x FROM range(3) t(i))",
        "SELECT json_group_structure((" + deep + ")::JSON)", "SELECT json_transform('{}', " + structure + ")",
        "SELECT json_transform_strict('{}', " + structure + ")", "SELECT from_json('{}', " + structure + ")",
        "SELECT from_json_strict('{}', " + structure + ")", "SELECT (" + list + ")::JSON::VARIANT",
        "SELECT json_merge_patch('{}', " + deep + ")", "SELECT json_contains(" + list + ", " + list + ")"}) {
    auto result = Execute(*session_, sql);
    ASSERT_FALSE(result.ok()) << sql;
    const std::string_view reason = result.error().reason_name();
    EXPECT_TRUE(reason == "SQL_NOT_ALLOWED" || reason == "FUNCTION_LIMIT") << sql << result.error().ToString();
    EXPECT_THAT(Execute(*session_, "SELECT 1"), IsOk());
  }
  EXPECT_EQ(database_->generation(), 1);
}

// Statements that would run for hours end at their deadline, and the next one on the session works.
TEST_F(SessionTest, EndsEveryQueryAtItsDeadline) {
  for (const char* sql : {"SELECT count(*) FROM range(10000000000) a",
                          "SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)",
                          "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
                          "SELECT * FROM generate_series(1, 1000000000000000000)"}) {
    auto begin = steady_clock::now();
    auto result = Execute(*session_, sql, Within(milliseconds(200)));
    ASSERT_THAT(result, IsError(ErrorCode::kDeadlineExceeded)) << sql;
    EXPECT_EQ(result.error().reason_name(), "QUERY_TIMEOUT");
    EXPECT_LT(steady_clock::now() - begin, std::chrono::seconds(20)) << sql;
    EXPECT_THAT(Execute(*session_, "SELECT 1"), IsOk());
  }
}

TEST_F(SessionTest, EndsACancelledQuery) {
  std::stop_source stop;
  auto result = session_->Query(Context(Context::Time::max(), stop.get_token(), "test"),
                                "SELECT * FROM range(1000000000000)", {});
  ASSERT_THAT(result, IsOk());
  ASSERT_THAT((*result)->Next(), IsOk());
  stop.request_stop();
  EXPECT_THAT((*result)->Next(), IsError(ErrorCode::kCancelled));
  result->reset();
  EXPECT_THAT(Execute(*session_, "SELECT 1"), IsOk());
}

TEST_F(SessionTest, EndsAQueryThatIsCancelledFromAnotherThread) {
  std::stop_source stop;
  auto result = session_->Query(Context(Context::Time::max(), stop.get_token(), "test"),
                                "SELECT sum(a.i * b.i) FROM range(1000000) a(i), range(1000000) b(i)", {});
  ASSERT_THAT(result, IsOk());
  std::jthread canceller([&] { stop.request_stop(); });
  EXPECT_THAT(Drain(**result), IsError(ErrorCode::kCancelled));
}

TEST_F(SessionTest, RefusesAStoppedContextAtOnce) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(Execute(*session_, "SELECT 1", Context(Context::Time::max(), stop.get_token(), "test")),
              IsError(ErrorCode::kCancelled));
}

TEST_F(SessionTest, TakesTheNextQueryAfterAnAbandonedOne) {
  for (int i = 0; i < 20; ++i) {
    auto result = session_->Query({}, "SELECT * FROM range(100000000)", {});
    ASSERT_THAT(result, IsOk());
    ASSERT_THAT((*result)->Next(), IsOk());
  }
  EXPECT_THAT(Execute(*session_, "SELECT 1"), IsOk());
}

// function_lists.cc was written with these functions of the library at hand. Another set wants another look at each
// that is new.
TEST(Database, HasNoFunctionThatWasNotReviewed) {
  auto database = OpenDatabase();
  duckdb::Connection connection(database->state().instance->database());
  constexpr const char* kNames =
      "FROM (SELECT DISTINCT function_name AS name FROM duckdb_functions() "
      "WHERE function_type IN ('scalar', 'aggregate', 'macro'))";
  auto result = connection.Query(std::string("SELECT count(*), bit_xor(md5_number_lower(name)) ") + kNames);
  ASSERT_FALSE(result->HasError()) << result->GetError();
  EXPECT_EQ(result->GetValue(0, 0).ToString(), "818");
  EXPECT_EQ(result->GetValue(1, 0).ToString(), "7896543770215142312");

  auto names = connection.Query(std::string("SELECT name ") + kNames);
  ASSERT_FALSE(names->HasError()) << names->GetError();
  for (size_t i = 0; i < names->RowCount(); ++i) {
    const std::string name = names->GetValue(0, i).ToString();
    auto checked = CheckFunction(name);
    EXPECT_TRUE(checked.ok() || checked.error().code() == ErrorCode::kPermissionDenied) << name << " is on no list";
  }
}

// By the library's own marks. A macro varies when one that it calls does.
TEST(Database, HasNoVaryingFunctionThatIsNotKnown) {
  auto database = OpenDatabase();
  duckdb::Connection connection(database->state().instance->database());
  auto marked = connection.Query(
      "SELECT DISTINCT function_name FROM duckdb_functions() "
      "WHERE function_type IN ('scalar', 'aggregate') AND stability <> 'CONSISTENT'");
  ASSERT_FALSE(marked->HasError()) << marked->GetError();
  ASSERT_GT(marked->RowCount(), 10U);
  const auto known = [](const std::string& name) { return IsVaryingFunction(name) || !CheckFunction(name).ok(); };
  for (size_t i = 0; i < marked->RowCount(); ++i) EXPECT_TRUE(known(marked->GetValue(0, i).ToString())) << i;

  auto macros = connection.Query(
      "SELECT function_name, unnest(regexp_extract_all(macro_definition, '[a-zA-Z_0-9]+')) FROM duckdb_functions() "
      "WHERE function_type = 'macro'");
  ASSERT_FALSE(macros->HasError()) << macros->GetError();
  for (size_t i = 0; i < macros->RowCount(); ++i) {
    const std::string macro = macros->GetValue(0, i).ToString();
    const std::string called = macros->GetValue(1, i).ToString();
    EXPECT_TRUE(!IsVaryingFunction(called) || known(macro)) << macro << " calls " << called;
  }
}

TEST(Database, HasNoMacroThatCopiesMoreThanIsKnown) {
  auto database = OpenDatabase();
  duckdb::Connection connection(database->state().instance->database());
  // Of its own, and of one that it calls.
  auto macros = connection.Query(
      "WITH macros AS (SELECT function_name AS name, unnest(parameters) AS parameter, macro_definition AS body FROM "
      "duckdb_functions() WHERE function_type = 'macro'), copies AS (SELECT name, any_value(body) AS body, "
      "max(len(regexp_extract_all(body, '\\b' || parameter || '\\b'))) AS own FROM macros GROUP BY 1) "
      "SELECT name, own * coalesce((SELECT max(c.own) FROM copies c WHERE c.name <> m.name AND "
      "c.own > 1 AND contains(m.body, c.name || '(')), 1) FROM copies m WHERE own > 0");
  ASSERT_FALSE(macros->HasError()) << macros->GetError();
  ASSERT_GT(macros->RowCount(), 50U);
  for (size_t i = 0; i < macros->RowCount(); ++i) {
    const std::string macro = macros->GetValue(0, i).ToString();
    if (!CheckFunction(macro).ok()) continue;
    EXPECT_GE(CopiesOfArguments(macro), macros->GetValue(1, i).GetValue<uint64_t>()) << macro;
  }
}

TEST(Database, EndsAQueryThatNeedsTooMuchMemory) {
  DatabaseOptions options;
  options.memory_max_bytes = 100 << 20;
  auto database = OpenDatabase(options);
  auto session = *database->Connect();
  auto other = *database->Connect();
  auto result = Execute(*session, "SELECT list(i) FROM range(200000000) t(i)");
  ASSERT_THAT(result, IsError(ErrorCode::kResourceExhausted));
  EXPECT_EQ(result.error().reason_name(), "QUERY_MEMORY");
  EXPECT_THAT(Execute(*other, "SELECT 1"), IsOk());
  EXPECT_EQ(database->generation(), 1);
}

TEST(Database, SpillsIntoItsOwnFolderAndRemovesIt) {
  TemporaryFolder folder;
  DatabaseOptions options;
  options.memory_max_bytes = 64 << 20;
  options.temporary_folder = folder.path();
  auto database = OpenDatabase(options);
  auto session = *database->Connect();
  auto rows = Execute(*session, "SELECT i, md5(i::VARCHAR) AS m FROM range(1000000) t(i) ORDER BY m");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(*rows, 1000000);
  EXPECT_FALSE(std::filesystem::is_empty(folder.path()));
  session.reset();
  database.reset();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(Database, RunsSessionsSideBySide) {
  auto database = OpenDatabase();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&database, &right, t] {
        auto session = *database->Connect();
        for (int i = 0; i < 10; ++i) {
          auto rows = Execute(*session, "SELECT * FROM range(" + std::to_string(10000 * (t + 1)) + ")");
          if (rows.ok() && *rows == 10000 * (t + 1)) ++right;
        }
      });
    }
  }
  EXPECT_EQ(right, 40);
}

void ThrowInternal(duckdb::DataChunk&, duckdb::ExpressionState&, duckdb::Vector&) {
  throw duckdb::InternalException("thrown by a test");
}

// Makes a function that brings the instance down, past the lock, as only this program can; its name passes the lists.
void AddThrowingFunction(Database& database) {
  duckdb::Connection connection(database.state().instance->database());
  duckdb::ScalarFunction function("icu_collate_throw_internal", {duckdb::LogicalType::BIGINT},
                                  duckdb::LogicalType::BIGINT, ThrowInternal);
  duckdb::CreateScalarFunctionInfo info(function);
  connection.context->RegisterFunction(info);
}

TEST(Database, OutlivesAnInternalError) {
  auto database = OpenDatabase();
  AddThrowingFunction(*database);
  auto bystander = *database->Connect();
  auto running = bystander->Query({}, "SELECT * FROM range(1000000000000)", {});
  ASSERT_THAT(running, IsOk());
  ASSERT_THAT((*running)->Next(), IsOk());

  auto session = *database->Connect();
  auto result = Execute(*session, "SELECT icu_collate_throw_internal(i) FROM range(10) t(i)");
  ASSERT_THAT(result, IsError(ErrorCode::kInternal));
  EXPECT_EQ(result.error().detail("retryable"), "true");

  auto interrupted = Drain(**running);
  ASSERT_THAT(interrupted, IsError(ErrorCode::kInternal));
  EXPECT_EQ(interrupted.error().detail("retryable"), "true");

  auto next = database->Connect();
  ASSERT_THAT(next, IsOk());
  EXPECT_THAT(Execute(**next, "SELECT 1"), IsOk());
  EXPECT_EQ(database->generation(), 2);
}

TEST(Database, RefusesTheFileThatBroughtItDown) {
  auto database = OpenDatabase();
  auto& state = database->state();
  state.Retire(*state.instance, DataFile{.path = "yummy://0/t/a.parquet", .size_bytes = 7});
  ASSERT_THAT(database->Connect(), IsOk());
  EXPECT_EQ(database->generation(), 2);
  auto refused = state.instance->info().refused_files->Check("yummy://0/t/a.parquet", 7);
  ASSERT_THAT(refused, IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(refused.error().reason_name(), "CORRUPT_DATA_FILE");
  EXPECT_THAT(state.instance->info().refused_files->Check("yummy://0/t/a.parquet", 8), IsOk());
}

}  // namespace
}  // namespace yummy::duck
