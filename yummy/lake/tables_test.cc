#include "yummy/lake/tables.h"

#include <memory>
#include <string>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/testing.h"

namespace yummy::lake {
namespace {

Stores OpenStores(const std::string& folder) {
  return MUST(
      Stores::Open(MUST(ParseConfig(fmt::format("stores: [{{name: s, path: {}}}]", folder), "test.yaml", folder))));
}

class TablesTest : public ::testing::Test {
 protected:
  std::shared_ptr<delta::Table> Table(const std::string& name) {
    return MUST(tables_.FindOrMake(Context(), {.store = "s", .table = name}));
  }

  TemporaryFolder folder_;
  Executor readers_{1, 16};
  Executor background_{1, 16};
  const Stores stores_ = OpenStores(folder_.path().string());
  Tables tables_{stores_, readers_, background_, 2};
};

TEST_F(TablesTest, ForgetTheOneThatWasNotUsedForTheLongestTime) {
  const std::weak_ptr<delta::Table> a = Table("a");
  const std::weak_ptr<delta::Table> b = Table("b");
  EXPECT_EQ(Table("a"), a.lock());
  const std::weak_ptr<delta::Table> c = Table("c");
  EXPECT_FALSE(a.expired());
  EXPECT_TRUE(b.expired());
  EXPECT_FALSE(c.expired());
}

TEST_F(TablesTest, KeepTheOneThatSomebodyHolds) {
  const auto held = Table("held");
  for (const char* name : {"a", "b", "c"}) Table(name);
  EXPECT_EQ(Table("held"), held);
}

}  // namespace
}  // namespace yummy::lake
