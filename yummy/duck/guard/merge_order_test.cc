#include "yummy/duck/guard/merge_order.h"

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

Result<void> Check(const std::string& clauses) {
  const std::string sql = "MERGE INTO t USING s ON t.a = s.a " + clauses;
  duckdb::Parser parser;
  parser.ParseQuery(sql);
  return CheckMergeOrder(sql, *parser.statements.front());
}

TEST(MergeOrder, TakesTheUnconditionalClauseOfEachKindLast) {
  for (const char* clauses :
       {"WHEN MATCHED AND s.b THEN DELETE WHEN MATCHED THEN UPDATE SET a = 1",
        "WHEN MATCHED THEN DELETE WHEN NOT MATCHED AND s.b THEN INSERT VALUES (1)",
        "WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED BY TARGET AND s.b THEN INSERT VALUES (1)",
        "WHEN MATCHED THEN UPDATE SET a = CASE WHEN matched THEN 1 WHEN matched AND b THEN 2 END",
        "WHEN MATCHED AND (CASE WHEN matched THEN true END) THEN DELETE WHEN MATCHED THEN DO NOTHING",
        "WHEN MATCHED THEN UPDATE SET a = 'WHEN MATCHED AND b THEN' -- WHEN MATCHED AND b THEN DELETE"}) {
    EXPECT_THAT(Check(clauses), IsOk()) << clauses;
  }
}

TEST(MergeOrder, RefusesAClauseThatWouldNeverApply) {
  for (const char* clauses :
       {"WHEN MATCHED THEN DELETE WHEN MATCHED AND s.b THEN UPDATE SET a = 1",
        "when not matched then insert values (1) when not matched by target and s.b then do nothing",
        "WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED BY SOURCE AND t.b THEN DELETE"}) {
    const auto checked = Check(clauses);
    ASSERT_THAT(checked, IsError(ErrorCode::kInvalidArgument)) << clauses;
    EXPECT_EQ(checked.error().reason(), Reason::kSqlInvalid);
    EXPECT_EQ(checked.error().detail("line"), "1");
  }
}

}  // namespace
}  // namespace yummy::duck
