#include "yummy/delta/commit/stage_vectors.h"

#include "yummy/base/testing.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction_testing.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

DeletionVectorRef Rows(std::initializer_list<uint64_t> rows) {
  DeletionVectorBuilder builder;
  for (const uint64_t row : rows) builder.Add(row);
  return std::make_shared<const DeletionVector>(builder.Build());
}

class StageVectorsTest : public testing::Test {
 protected:
  StageVectorsTest()
      : store_(std::make_shared<store::FaultStore>(store::MakeTestStore())),
        table_(MakeTestTable(store_, TestTableOptions(), {TestAdd("f1", "a"), TestAdd("f2", "b")},
                             {{"delta.enableDeletionVectors", "true"}})) {}

  const std::shared_ptr<store::FaultStore> store_;
  const std::shared_ptr<Table> table_;
};

TEST_F(StageVectorsTest, CommitsOneFileOfVectorsThatCanBeRead) {
  auto transaction = MUST(table_->Begin(Context(), {"DELETE", {}}));
  const auto files = transaction->base()->files();
  auto descriptors = MUST(StageVectors(Context(), *transaction, std::vector{Rows({1, 2}), Rows({9})}));
  for (size_t i = 0; i < files.size(); i++) StageDeletedRows(*transaction, files[i], descriptors[i]);
  MUST(RequireCommitted(MUST(transaction->Commit(Context()))));
  EXPECT_EQ(DataFiles(*store_).size(), 1U);
  const auto snapshot = MUST(table_->Current(Context()));
  EXPECT_EQ(snapshot->file_count(), 2U);
  for (const FileId id : snapshot->files()) {
    const FileView file = snapshot->file(id);
    ASSERT_NE(file.deletion_vector, nullptr);
    const auto vector = MUST(ReadDeletionVector(Context(), *store_, "t", *file.deletion_vector, 10));
    EXPECT_EQ(vector.Contains(9), vector.cardinality() == 1);
    EXPECT_THAT(snapshot->add(id).stats.value_or(""), testing::HasSubstr(R"("tightBounds":false)"));
  }
}

TEST_F(StageVectorsTest, FailsWhenTheAnswerIsLostAndLeavesNothing) {
  store_->Inject({.operation = store::Operation::kPutOverwrite,
                  .path_contains = "deletion_vector_",
                  .kind = store::FaultKind::kErrorAfter});
  auto transaction = MUST(table_->Begin(Context(), {"DELETE", {}}));
  EXPECT_THAT(StageVectors(Context(), *transaction, std::vector{Rows({1})}), IsError(ErrorCode::kUnavailable));
  transaction.reset();
  EXPECT_THAT(DataFiles(*store_), testing::IsEmpty());
}

}  // namespace
}  // namespace yummy::delta
