#include "yummy/table/create.h"

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/store/testing.h"

namespace yummy::table {
namespace {

delta::Schema OneColumn(delta::TypeKind kind) {
  return {{.name = "a", .type = {.kind = kind, .fields = {}, .children = {}}}};
}

TEST(Create, GivesAReplacedTableTheFeaturesOfItsNewSchema) {
  const auto table = delta::Table::Make(store::MakeTestStore(), "t", {});
  CreateOptions first{.schema = OneColumn(delta::TypeKind::kLong)};
  first.configuration = {{"delta.enableDeletionVectors", "true"}};
  ASSERT_THAT(Create(Context(), *table, first), IsOk());
  const CreateOptions second{.schema = OneColumn(delta::TypeKind::kTimestampNtz), .mode = CreateMode::kOverwrite};
  ASSERT_THAT(Create(Context(), *table, second), IsOk());
  const delta::SnapshotRef replaced = MUST(table->Current(Context()));
  EXPECT_EQ(replaced->version(), 1);
  EXPECT_TRUE(delta::HasFeature(replaced->protocol(), "timestampNtz"));
  EXPECT_TRUE(delta::HasFeature(replaced->protocol(), "deletionVectors"));
}

}  // namespace
}  // namespace yummy::table
