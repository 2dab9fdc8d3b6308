// INSERT as a statement: what a session refuses strangers runs the same operator as Session::Insert.
#include <functional>

#include <arrow/api.h>

#include "yummy/base/testing.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/engine/connection_session.h"
#include "yummy/store/memory_store.h"

namespace yummy::duck {
namespace {

using testing::ElementsAre;

delta::Field Long(std::string name, bool nullable) {
  delta::Field field;
  field.name = std::move(name);
  field.type.kind = delta::TypeKind::kLong;
  field.nullable = nullable;
  return field;
}

class SqlInsert : public testing::Test {
 protected:
  void SetUp() override {
    Lookup lookup;
    lookup.stores.push_back({.name = "s", .object_store = store_});
    lookup.find_table = [this](const Context&, const std::string&, const std::string&,
                               const std::string& name) -> Result<std::shared_ptr<delta::Table>> {
      if (name == "t") return table_;
      if (name == "u") return other_;
      if (name == "serial") return serial_;
      return Error(ErrorCode::kNotFound, "no table " + name).WithReason(Reason::kTableNotFound);
    };
    lookup.list_schemas = [](const Context&, const std::string&) -> Result<std::vector<std::string>> {
      return std::vector<std::string>{"main"};
    };
    lookup.list_tables = [](const Context&, const std::string&,
                            const std::string&) -> Result<std::vector<std::string>> {
      return std::vector<std::string>{"t", "u"};
    };
    Create(*table_);
    Create(*other_);
    Create(*serial_, {{"delta.isolationLevel", "Serializable"}}, {"value"});
    database_ = MUST(Database::Open({}, std::move(lookup)));
    session_ = MUST(database_->Connect());
  }

  void Create(delta::Table& table, const delta::StringMap& configuration = {},
              const std::vector<std::string>& partition_columns = {}) {
    const delta::Schema schema = {Long("id", false), Long("value", true)};
    auto transaction = MUST(table.BeginCreate(context_, {"CREATE TABLE", {}}));
    delta::Metadata metadata;
    metadata.id = table.path();
    metadata.schema_string = delta::WriteSchema(schema);
    metadata.configuration = configuration;
    metadata.partition_columns = partition_columns;
    transaction->SetProtocol(MUST(delta::ProtocolForNewTable(schema, {})));
    transaction->SetMetadata(std::move(metadata));
    MUST(delta::RequireCommitted(MUST(transaction->Commit(context_))));
  }

  static SessionParts& PartsOf(Session& session) { return static_cast<ConnectionSession&>(session).parts(); }

  /// Runs trusted statements, and `meanwhile` between them and `last`; the rows that the last one changed.
  Result<int64_t> Run(const std::string& sql, const std::function<void()>& meanwhile = {},
                      const std::string& last = {}) {
    SessionParts& parts = PartsOf(*session_);
    parts.request.Start(context_, {});
    auto result = parts.connection.Query(sql);
    if (meanwhile) {
      meanwhile();
      if (!result->HasError()) result = parts.connection.Query(last);
    }
    if (result->HasError()) {
      Error error = parts.Explain(result->GetErrorObject(), sql);
      parts.EndStatement();
      return error;
    }
    const int64_t changed = result->RowCount() == 0 ? 0 : result->GetValue(0, 0).GetValue<int64_t>();
    result.reset();
    parts.EndStatement();
    return changed;
  }

  /// What another session does.
  void RunElsewhere(const std::string& sql) {
    const auto other = MUST(database_->Connect());
    SessionParts& parts = PartsOf(*other);
    parts.request.Start(context_, {});
    auto result = parts.connection.Query(sql);
    ASSERT_FALSE(result->HasError()) << result->GetError();
    result.reset();
    parts.EndStatement();
  }

  std::vector<std::string> RowsOf(const std::string& table) {
    auto result =
        MUST(session_->Query(context_, "SELECT concat_ws(' ', id, value) FROM s.main." + table + " ORDER BY 1", {}));
    std::vector<std::string> rows;
    while (const auto batch = MUST(result->Next())) {
      for (int64_t i = 0; i < batch->num_rows(); i++) rows.push_back((*batch->column(0)->GetScalar(i))->ToString());
    }
    return rows;
  }
  int64_t Version(delta::Table& table) { return MUST(table.Current(context_))->version(); }

  const Context context_;
  std::shared_ptr<store::MemoryStore> store_ = std::make_shared<store::MemoryStore>(Clock::System());
  std::shared_ptr<delta::Table> table_ = delta::Table::Make(store_, "t", {});
  std::shared_ptr<delta::Table> other_ = delta::Table::Make(store_, "u", {});
  std::shared_ptr<delta::Table> serial_ = delta::Table::Make(store_, "serial", {});
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(SqlInsert, CommitsOneVersion) {
  EXPECT_EQ(MUST(Run("INSERT INTO s.t VALUES (1, 10), (2, NULL)")), 2);
  EXPECT_EQ(MUST(Run("INSERT INTO s.t (value, id) VALUES (30, 3)")), 1);
  EXPECT_EQ(MUST(Run("INSERT INTO s.t (id) SELECT i FROM range(4, 6) AS r(i)")), 2);
  EXPECT_THAT(RowsOf("t"), ElementsAre("1 10", "2", "3 30", "4", "5"));
  EXPECT_EQ(Version(*table_), 3);
}

TEST_F(SqlInsert, ReadsOneTableAndWritesAnother) {
  MUST(Run("INSERT INTO s.t VALUES (1, 10)"));
  EXPECT_EQ(MUST(Run("INSERT INTO s.u SELECT id + 1, value FROM s.t")), 1);
  EXPECT_THAT(RowsOf("u"), ElementsAre("2 10"));
  EXPECT_EQ(MUST(Run("INSERT INTO s.t SELECT id + 1, value FROM s.t")), 1);
  EXPECT_THAT(RowsOf("t"), ElementsAre("1 10", "2 10"));
}

TEST_F(SqlInsert, LeavesNothingBehindWhenARowIsRefused) {
  EXPECT_THAT(Run("INSERT INTO s.t VALUES (1, 1), (NULL, 2)"), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Run("INSERT INTO s.t SELECT i, CAST(i AS VARCHAR) || 'x' FROM range(10) AS r(i)"),
              IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(Version(*table_), 0);
  EXPECT_THAT(MUST(store_->List(context_, "t/part-", {})).objects, testing::IsEmpty());
  MUST(Run("INSERT INTO s.t VALUES (1, 1)"));
  EXPECT_EQ(Version(*table_), 1);
}

TEST_F(SqlInsert, CommitsAndRollsBackWithItsTransaction) {
  MUST(Run("BEGIN; INSERT INTO s.t VALUES (1, 1); INSERT INTO s.t VALUES (2, 2); COMMIT"));
  EXPECT_EQ(Version(*table_), 1);
  MUST(Run("BEGIN; INSERT INTO s.t VALUES (3, 3); ROLLBACK"));
  EXPECT_EQ(Version(*table_), 1);
  EXPECT_THAT(RowsOf("t"), ElementsAre("1 1", "2 2"));
  EXPECT_EQ(MUST(store_->List(context_, "t/part-", {})).objects.size(), 2U);
}

TEST_F(SqlInsert, WritesOneTableInATransaction) {
  const auto both = Run("BEGIN; INSERT INTO s.t VALUES (1, 1); INSERT INTO s.u VALUES (1, 1); COMMIT");
  ASSERT_THAT(both, IsError(ErrorCode::kUnsupported));
  EXPECT_EQ(both.error().reason_name(), "ONE_TABLE_PER_TRANSACTION");
  EXPECT_EQ(Version(*table_), 0);
  EXPECT_EQ(Version(*other_), 0);
}

TEST_F(SqlInsert, ConflictsWithNewRowsThatItsScanWouldHaveRead) {
  MUST(Run("INSERT INTO s.serial VALUES (1, 1), (2, 2)"));
  const auto copy = [&](const std::string& select, const std::string& row) {
    return Run(
        "BEGIN; INSERT INTO s.serial " + select, [&] { RunElsewhere("INSERT INTO s.serial VALUES " + row); }, "COMMIT");
  };
  EXPECT_THAT(copy("SELECT id + 100, value FROM s.serial WHERE value = 1", "(11, 3)"), IsOk());
  EXPECT_THAT(copy("SELECT id + 200, value FROM s.serial WHERE value = 1", "(12, 1)"), IsError(ErrorCode::kConflict));
  EXPECT_THAT(copy("SELECT id + 300, value FROM s.serial", "(13, 3)"), IsError(ErrorCode::kConflict));
  // The optimizer answers these from statistics: no scan begins.
  EXPECT_THAT(copy("SELECT count(*), 0 FROM s.serial", "(14, 3)"), IsError(ErrorCode::kConflict));
  EXPECT_THAT(copy("SELECT count(*), 0 FROM s.serial WHERE value = 1000", "(15, 1000)"), IsError(ErrorCode::kConflict));
  EXPECT_THAT(copy("VALUES (9, 9)", "(16, 3)"), IsOk());
}

TEST_F(SqlInsert, IsRefusedWhereItWouldMeanMore) {
  for (const char* sql :
       {"INSERT INTO s.t VALUES (1, 1) RETURNING id", "INSERT INTO s.t VALUES (1, 1) ON CONFLICT DO NOTHING"})
    EXPECT_FALSE(Run(sql).ok()) << sql;
  EXPECT_EQ(Version(*table_), 0);
  EXPECT_EQ(database_->generation(), 1);
}

TEST_F(SqlInsert, IsRefusedToStrangers) {
  const auto refused = session_->Query(context_, "INSERT INTO s.t VALUES (1, 1)", {});
  ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(refused.error().reason_name(), "READ_ONLY_ENDPOINT");
}

}  // namespace
}  // namespace yummy::duck
