#include "yummy/duck/border/null_keys.h"

#include <string>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/sql_testing.h"

namespace yummy::duck {
namespace {

class NullKeys : public SqlTest {};

TEST_F(NullKeys, AreRefusedInAResult) {
  const std::string map = "TRY_CAST(MAP {'a' || i: 1} AS MAP(INTEGER, INTEGER))";
  for (const std::string& value : {map, "[MAP {1: 1}, " + map + "]", "{'m': " + map + "}", "MAP {1: " + map + "}",
                                   "[" + map + "]::MAP(INTEGER, INTEGER)[1]"}) {
    for (const char* from : {"range(1) t(i)", "range(3000) t(i)", "range(3000) t(i) WHERE i % 7 = 3"}) {
      auto result = Value("SELECT " + value + " AS v FROM " + from);
      ASSERT_THAT(result, IsError(ErrorCode::kInvalidArgument)) << value << from;
      EXPECT_EQ(result.error().reason_name(), "VALUE_OUT_OF_RANGE") << value;
      EXPECT_EQ(result.error().detail("column"), "v") << value;
    }
  }
}

TEST_F(NullKeys, AreNotSeenWhereNoMapHasOne) {
  for (const char* value :
       {"NULL::MAP(INTEGER, INTEGER)", "MAP {}", "MAP {i: NULL}", "{'m': NULL::MAP(INTEGER, INTEGER), 'n': NULL}",
        "CASE WHEN i % 2 = 0 THEN MAP {i: [MAP {'a': NULL}]} END", "[NULL::MAP(INTEGER, INTEGER)]",
        "NULL::STRUCT(m MAP(INTEGER, INTEGER))", "(SELECT MAP {i: i}) ", "[{'m': MAP {i: {'a': NULL}}}, NULL]"}) {
    for (const char* from : {"range(1) t(i)", "range(3000) t(i)", "range(3000) t(i) WHERE i % 7 = 3"})
      EXPECT_THAT(Value(std::string("SELECT ") + value + " AS v FROM " + from), IsOk()) << value << from;
  }
  // What is not selected may have one.
  EXPECT_THAT(
      Value("SELECT m FROM (SELECT i, TRY_CAST(MAP {CASE WHEN i % 2 = 0 THEN 'a' ELSE '1' END: 1} AS MAP(INTEGER, "
            "INTEGER)) AS m FROM range(3000) t(i)) WHERE i % 2 = 1"),
      IsOk());
}

}  // namespace
}  // namespace yummy::duck
