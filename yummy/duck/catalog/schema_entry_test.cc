#include "yummy/duck/catalog/schema_entry.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/golden_testing.h"
#include "yummy/store/local_store.h"

namespace yummy::duck {
namespace {

constexpr const char* kTable = "deltars_checkpoint-v2-table";

class TableVersions : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = FixtureFolder();
    if (!folder) GTEST_SKIP() << "no fixtures: set YUMMY_SHARED to the folder that has them";
    folder_ = *folder;
    const auto tables = ReadGoldenTables(folder_);
    for (const GoldenTable& table : tables) {
      if (table.name == kTable) table_ = table;
    }
    ASSERT_GT(table_.rows_by_version.size(), 3U);
    database_ = MUST(OpenGoldenDatabase(MUST(OpenGoldenStore(folder_)), tables));
    session_ = MUST(database_->Connect());
  }

  Result<std::string> Count(const std::string& at) {
    auto rows = TRY(
        Rows(*session_, fmt::format("SELECT CAST(count(*) AS VARCHAR) FROM golden.main.{} {}", Quoted(kTable), at)));
    return rows.at(0).at(0);
  }

  std::string folder_;
  GoldenTable table_;
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

TEST_F(TableVersions, AVersionIsAnyWholeNumber) {
  const auto [version, rows] = table_.rows_by_version.at(1);
  for (const std::string& at :
       {fmt::format("AT (VERSION => {})", version), fmt::format("AT (version => '{}')", version),
        fmt::format("AT (VERSION => {}.0)", version), fmt::format("AT (VERSION => CAST({} AS UTINYINT))", version)}) {
    auto count = Count(at);
    ASSERT_THAT(count, IsOk()) << at;
    EXPECT_EQ(*count, std::to_string(rows)) << at;
  }
}

TEST_F(TableVersions, WhatIsNoVersionIsRefused) {
  for (const char* at :
       {"AT (VERSION => -1)", "AT (VERSION => 1.5)", "AT (VERSION => 'one')", "AT (VERSION => NULL)",
        "AT (TIMESTAMP => 'yesterday')", "AT (TIMESTAMP => 12)", "AT (TIMESTAMP => DATE 'infinity')"}) {
    EXPECT_THAT(Count(at), IsError(ErrorCode::kInvalidArgument)) << at;
  }
  EXPECT_THAT(Count("AT (VERSION => 100000)"), IsError(ErrorCode::kNotFound));
}

TEST_F(TableVersions, ATimeInTheFutureIsTheNewestVersion) {
  for (const char* at :
       {"AT (TIMESTAMP => '2100-01-01')", "AT (TIMESTAMP => DATE '2100-01-01')",
        "AT (timestamp => TIMESTAMP '2100-01-01 00:00:00')", "AT (TIMESTAMP => '2100-01-01T00:00:00Z')",
        "AT (TIMESTAMP => TIMESTAMPTZ '2100-01-01 00:00:00+02')"}) {
    auto count = Count(at);
    ASSERT_THAT(count, IsOk()) << at;
    EXPECT_EQ(*count, std::to_string(table_.rows)) << at;
  }
  EXPECT_THAT(Count("AT (TIMESTAMP => '1970-01-01')"), IsError(ErrorCode::kNotFound));
}

TEST_F(TableVersions, APinIsTheVersionThatIsReadButAtComesFirst) {
  const auto [version, rows] = table_.rows_by_version.at(1);
  const auto [other_version, other_rows] = table_.rows_by_version.at(0);
  auto object_store = MUST(store::LocalStore::Open(folder_ + "/delta"));
  auto table = delta::Table::Make(std::move(object_store), table_.path, {});
  QueryOptions options;
  options.store = "golden";
  options.pins.push_back(
      {.store = "golden", .schema = "main", .table = kTable, .snapshot = MUST(table->AtVersion({}, version))});
  const auto count = [&](const std::string& at) {
    auto result =
        MUST(session_->Query({}, fmt::format("SELECT count(*)::VARCHAR FROM {} {}", Quoted(kTable), at), options));
    return MUST(result->Next())->column(0)->GetScalar(0).ValueOrDie()->ToString();
  };
  EXPECT_EQ(count(""), std::to_string(rows));
  EXPECT_EQ(count(fmt::format("AT (VERSION => {})", other_version)), std::to_string(other_rows));
}

TEST_F(TableVersions, AResultNamesTheTablesThatItCameFrom) {
  const auto reads = [&](const std::string& sql, const QueryOptions& options) {
    auto result = MUST(session_->Query({}, fmt::format(fmt::runtime(sql), Quoted(kTable)), options));
    return result->reads();
  };
  QueryOptions options;
  options.store = "golden";
  auto unpinned = reads("SELECT count(*) FROM {0} a, golden.main.{0} b WHERE a.id IN (SELECT id FROM {0})", options);
  ASSERT_TRUE(unpinned.has_value());
  ASSERT_EQ(unpinned->size(), 1U);
  EXPECT_EQ(unpinned->front().store + "/" + unpinned->front().schema + "/" + unpinned->front().table,
            std::string("golden/main/") + kTable);
  EXPECT_EQ(unpinned->front().snapshot->version(), table_.rows_by_version.back().first);
  EXPECT_FALSE(unpinned->front().is_pinned);

  auto object_store = MUST(store::LocalStore::Open(folder_ + "/delta"));
  auto table = delta::Table::Make(std::move(object_store), table_.path, {});
  const auto snapshot = MUST(table->AtVersion({}, table_.rows_by_version.at(1).first));
  options.pins.push_back({.store = "golden", .schema = "main", .table = kTable, .snapshot = snapshot});
  auto pinned = reads("SELECT count(*) FROM {}", options);
  ASSERT_TRUE(pinned.has_value());
  ASSERT_EQ(pinned->size(), 1U);
  EXPECT_EQ(pinned->front().snapshot, snapshot);
  EXPECT_TRUE(pinned->front().is_pinned);

  for (const char* sql : {"SELECT random() FROM {}", "SELECT count(*) FROM {} AT (VERSION => 1)", "EXPLAIN FROM {}"})
    EXPECT_FALSE(reads(sql, options).has_value()) << sql;
  // Of the statement alone, not of one before.
  EXPECT_EQ(reads("SELECT 1", options)->size(), 0U);
}

TEST_F(TableVersions, AnUnknownTableIsNotFoundAndOthersStillAnswer) {
  EXPECT_THAT(Rows(*session_, "SELECT * FROM golden.main.no_such_table"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(Rows(*session_, "SELECT * FROM golden.no_such_folder.no_such_table"), IsError(ErrorCode::kNotFound));
  EXPECT_THAT(Count(""), IsOk());
}

}  // namespace
}  // namespace yummy::duck
