#include "yummy/duck/border/row_bytes.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yummy::duck {
namespace {

using testing::ElementsAre;

// Of the first chunk of a statement.
std::vector<uint64_t> TextBytesOf(const std::string& sql) {
  duckdb::DuckDB database(nullptr);
  duckdb::Connection connection(database);
  auto result = connection.Query(sql);
  EXPECT_FALSE(result->HasError()) << result->GetError();
  auto chunk = result->Fetch();
  return TextBytes(*chunk);
}

TEST(RowBytes, CountTextsWhereverTheyAre) {
  EXPECT_THAT(TextBytesOf("SELECT repeat('x', i::INT * 100), 7, 'ab' FROM range(3) t(i)"), ElementsAre(2, 102, 202));
  EXPECT_THAT(TextBytesOf("SELECT CASE WHEN i <> 1 THEN repeat('x', 50)::BLOB END FROM range(3) t(i)"),
              ElementsAre(50, 0, 50));
  EXPECT_THAT(TextBytesOf("SELECT list_transform(range(i), lambda k: repeat('x', 20)) FROM range(4) t(i)"),
              ElementsAre(0, 20, 40, 60));
  EXPECT_THAT(
      TextBytesOf("SELECT {'a': repeat('x', i::INT), 'b': [{'c': 'yy'}, NULL, {'c': NULL}]} FROM range(3) t(i)"),
      ElementsAre(2, 3, 4));
  EXPECT_THAT(TextBytesOf("SELECT [repeat('x', i::INT), 'yyy']::VARCHAR[2] FROM range(3) t(i)"), ElementsAre(3, 4, 5));
  EXPECT_THAT(TextBytesOf("SELECT map {'key': repeat('x', i::INT)} FROM range(2) t(i)"), ElementsAre(3, 4));
}

TEST(RowBytes, AreNoneWithoutTexts) {
  EXPECT_THAT(TextBytesOf("SELECT i, [i, i], {'a': i}, now() FROM range(2) t(i)"), ElementsAre(0, 0));
  EXPECT_FALSE(HasText(duckdb::LogicalType::LIST(duckdb::LogicalType::BIGINT)));
  EXPECT_TRUE(HasText(duckdb::LogicalType::LIST(duckdb::LogicalType::BLOB)));
}

}  // namespace
}  // namespace yummy::duck
