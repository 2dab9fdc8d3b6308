#include "yummy/lake/table_list.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "yummy/base/executor.h"
#include "yummy/base/random.h"
#include "yummy/base/testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::lake {
namespace {

using store::FaultStore;
using store::Operation;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TableListTest : public ::testing::Test {
 protected:
  void PutTable(const std::string& path, int files = 1) {
    Put(path + "/_delta_log/00000000000000000000.json");
    for (int i = 0; i < files; i++) Put(fmt::format("{}/part-{:05}.parquet", path, i));
  }
  void Put(const std::string& path) {
    ASSERT_THAT(store_->Put(Context(), path, "x", store::PutMode::kOverwrite), IsOk());
  }

  std::vector<std::string> List(ListTablesOptions options = {}, bool* truncated = nullptr) {
    options.executor = &executor_;
    const TablePage page = MUST(ListTables(Context(), *store_, options));
    if (truncated != nullptr) *truncated = page.truncated;
    std::vector<std::string> names;
    for (const ListedTable& listed : page.tables) names.push_back(DisplayName(listed.schema, listed.table));
    return names;
  }

  Executor executor_{8, 1024};
  const std::shared_ptr<FaultStore> store_ =
      std::make_shared<FaultStore>(store::MakeTestStore(), store::FaultOptions{.is_remote = true});
};

TEST_F(TableListTest, FindsTablesInTheRootAndInSchemas) {
  PutTable("city");
  PutTable("sales/orders");
  PutTable("sales/deep/er");  // too deep
  Put("empty/file");
  Put("file");
  PutTable(".hidden");
  PutTable("_delta_log");
  Put("crc_only/_delta_log/00000000000000000000.crc");
  EXPECT_THAT(List(), ElementsAre("city", "sales.orders"));
  EXPECT_THAT(MUST(ListTablesOf(Context(), *store_, "main", nullptr)), ElementsAre("city"));
  EXPECT_THAT(MUST(ListTablesOf(Context(), *store_, "sales", nullptr)), ElementsAre("orders"));
  EXPECT_THAT(MUST(ListTablesOf(Context(), *store_, "absent", nullptr)), IsEmpty());
}

TEST_F(TableListTest, CostsARequestATableWhateverIsInIt) {
  const int files = store::StoreOfTests() ? 3 : 200;  // of a table
  for (int i = 0; i < 20; i++) PutTable(fmt::format("t{:02}", i), files);
  for (int i = 0; i < 10; i++) PutTable(fmt::format("sales/t{:02}", i), files);
  store_->ResetCounts();
  EXPECT_EQ(List().size(), 30U);
  // The root; each folder in it; what is in "sales"; each folder there.
  EXPECT_EQ(store_->calls(Operation::kList), 1U + 21 + 1 + 10);
  EXPECT_EQ(store_->calls(), store_->calls(Operation::kList));
  store_->ResetCounts();
  bool truncated = false;
  EXPECT_EQ(List({.after = "t03", .limit = 5}, &truncated).size(), 5U);
  EXPECT_TRUE(truncated);
  EXPECT_LE(store_->calls(), 1U + 6);
}

TEST_F(TableListTest, PagesAreTheWholeInPieces) {
  Random random(3);
  const std::string alphabet = "ab-. _";
  std::set<std::string> expected;
  for (int i = 0; i < 80; i++) {
    const auto name = [&] {
      std::string text = "a";
      for (uint64_t k = random.Below(3); k > 0; k--) text += alphabet[random.Below(alphabet.size())];
      return text + (text.ends_with(' ') ? "a" : "");
    };
    const std::string schema = name();
    if (random.Chance(0.5)) {
      PutTable(schema);
    } else {
      PutTable(schema + "/" + name());
    }
  }
  const std::vector<std::string> all = List();
  EXPECT_TRUE(std::ranges::is_sorted(all));
  for (const size_t limit : {1, 2, 3, 7, 100}) {
    std::vector<std::string> paged;
    bool truncated = true;
    while (truncated) {
      const auto page = List({.after = paged.empty() ? "" : paged.back(), .limit = limit}, &truncated);
      ASSERT_LE(page.size(), limit);
      ASSERT_TRUE(!page.empty() || !truncated);
      paged.insert(paged.end(), page.begin(), page.end());
    }
    std::vector<std::string> distinct = all;
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    paged.erase(std::unique(paged.begin(), paged.end()), paged.end());
    EXPECT_EQ(paged, distinct) << limit;
  }
}

TEST_F(TableListTest, SaysThatTheStoreFailsInsteadOfListingLess) {
  PutTable("a");
  PutTable("b");
  store_->Inject({.operation = Operation::kList, .path_contains = "b/", .kind = store::FaultKind::kErrorBefore});
  EXPECT_THAT(ListTables(Context(), *store_, {.executor = &executor_}), IsError(ErrorCode::kUnavailable));
}

}  // namespace
}  // namespace yummy::lake
