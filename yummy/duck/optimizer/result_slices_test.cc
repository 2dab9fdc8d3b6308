#include "yummy/duck/optimizer/result_slices.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "yummy/base/testing.h"
#include "yummy/duck/database.h"
#include "yummy/duck/session.h"

namespace yummy::duck {
namespace {

std::vector<std::shared_ptr<arrow::RecordBatch>> Batches(const std::string& sql) {
  auto database = Database::Open({}, Lookup{});
  EXPECT_THAT(database, IsOk());
  auto session = (*database)->Connect();
  EXPECT_THAT(session, IsOk());
  auto result = (*session)->Query({}, sql, {});
  EXPECT_THAT(result, IsOk());
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  while (true) {
    auto batch = (*result)->Next();
    EXPECT_THAT(batch, IsOk());
    if (!batch.ok() || *batch == nullptr) return batches;
    batches.push_back(*batch);
  }
}

TEST(ResultSlices, KeepBatchesOfLongTextsSmall) {
  const auto batches = Batches("SELECT i::BIGINT, repeat('x', 100000) FROM range(4000) t(i)");
  int64_t next = 0;
  for (const auto& batch : batches) {
    EXPECT_LE(batch->num_rows(), 100);
    const auto& numbers = static_cast<const arrow::Int64Array&>(*batch->column(0));
    for (int64_t i = 0; i < batch->num_rows(); i++) ASSERT_EQ(numbers.Value(i), next++);
  }
  EXPECT_EQ(next, 4000);
}

TEST(ResultSlices, LeaveOneRowWhole) {
  const auto batches = Batches("SELECT repeat('x', 20000000) FROM range(3)");
  ASSERT_EQ(batches.size(), 3U);
  for (const auto& batch : batches) EXPECT_EQ(batch->num_rows(), 1);
}

TEST(ResultSlices, LeaveShortTextsInLargeBatches) {
  const auto batches = Batches("SELECT i, 'name ' || i FROM range(100000) t(i)");
  ASSERT_EQ(batches.size(), 2U);
  EXPECT_EQ(batches[0]->num_rows(), 65536);
}

TEST(ResultSlices, CutNestedTexts) {
  const auto batches = Batches("SELECT [{'a': repeat('x', 100000)}, NULL] FROM range(1000)");
  int64_t rows = 0;
  for (const auto& batch : batches) {
    EXPECT_LE(batch->num_rows(), 100);
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 1000);
}

}  // namespace
}  // namespace yummy::duck
