#include "yummy/table/create.h"

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/duck/database.h"
#include "yummy/store/testing.h"

namespace yummy::table {
namespace {

delta::Schema OneColumn(delta::TypeKind kind) {
  return {{.name = "a", .type = {.kind = kind, .fields = {}, .children = {}}}};
}

TEST(Create, GivesAReplacedTableTheFeaturesOfItsNewSchema) {
  const auto table = delta::Table::Make(store::MakeTestStore(), "t", {});
  const auto database = MUST(duck::Database::Open({}, {}));
  const auto session = MUST(database->Connect());
  Create first{.schema = OneColumn(delta::TypeKind::kLong)};
  first.configuration = {{"delta.enableDeletionVectors", "true"}};
  ASSERT_THAT(first.Run(Context(), Target{*table, *session}), IsOk());
  const Create second{.schema = OneColumn(delta::TypeKind::kTimestampNtz), .mode = CreateMode::kOverwrite};
  ASSERT_THAT(second.Run(Context(), Target{*table, *session}), IsOk());
  const delta::SnapshotRef replaced = MUST(table->Current(Context()));
  EXPECT_EQ(replaced->version(), 1);
  EXPECT_TRUE(delta::HasFeature(replaced->protocol(), delta::TableFeature::kTimestampNtz));
  EXPECT_TRUE(delta::HasFeature(replaced->protocol(), delta::TableFeature::kDeletionVectors));
}

}  // namespace
}  // namespace yummy::table
