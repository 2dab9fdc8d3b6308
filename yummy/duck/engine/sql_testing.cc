#include "yummy/duck/engine/sql_testing.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "yummy/base/testing.h"
#include "yummy/duck/database.h"

namespace yummy::duck {

void SqlTest::SetUp() {
  auto database = Database::Open({}, Lookup{});
  ASSERT_THAT(database, IsOk());
  auto session = (*database)->Connect();
  ASSERT_THAT(session, IsOk());
  session_ = *std::move(session);
}

Result<std::string> SqlTest::Value(const std::string& sql, const Context& context) {
  auto result = TRY(session_->Query(context, sql, {}));
  auto batch = TRY(result->Next());
  return batch->column(0)->GetScalar(0).ValueOrDie()->ToString();
}

void SqlTest::ExpectValues(std::initializer_list<SqlCase> cases) {
  for (const SqlCase& test : cases) {
    auto value = Value(test.sql);
    ASSERT_THAT(value, IsOk()) << test.sql;
    EXPECT_EQ(*value, test.value) << test.sql;
  }
}

}  // namespace yummy::duck
