// What is written to a store that is far away: it leaves as it is made, in bounded memory, and nothing of it stays when
// the statement fails, stops or is not committed.

#include <algorithm>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <arrow/api.h>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/remote_testing.h"

namespace yummy::duck {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Batches of a shape's files, until `next` says otherwise.
class Batches final : public arrow::RecordBatchReader {
 public:
  Batches(TableShape shape, std::function<arrow::Status(int64_t batch)> next)
      : shape_(std::move(shape)), next_(std::move(next)), schema_(RowsOf(shape_, 0)->schema()) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    batch->reset();
    if (made_ == shape_.files) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(next_(made_));
    *batch = RowsOf(shape_, made_++);
    return arrow::Status::OK();
  }

 private:
  const TableShape shape_;
  const std::function<arrow::Status(int64_t)> next_;
  const std::shared_ptr<arrow::Schema> schema_;
  int64_t made_ = 0;
};

class RemoteWrite : public RemoteTest {
 protected:
  Result<ChangeReport> Insert(delta::Transaction& transaction, const TableShape& shape,
                              std::function<arrow::Status(int64_t batch)> next = {},
                              const Context& context = Patient()) {
    if (!next) next = [](int64_t) { return arrow::Status::OK(); };
    return session_->Insert(context, transaction, std::make_shared<Batches>(shape, std::move(next)), {});
  }

  size_t Count(std::string_view verb) {
    for (auto& request : store_->TakeRequests()) requests_.push_back(std::move(request));
    return static_cast<size_t>(
        std::count_if(requests_.begin(), requests_.end(), [&](const auto& request) { return request.verb == verb; }));
  }

  /// Nothing of the table is in the store, and the session takes the next statement.
  void ExpectNoTrace() {
    ExpectNothingLeft();
    EXPECT_EQ(store_->uploads(), 0U);
    EXPECT_EQ(DataFiles("t"), std::vector<std::string>());
    faults_->Heal();
    auto again = Create({});
    EXPECT_THAT(Insert(*again, {}), IsOk());
  }

  std::vector<store::StoreRequest> requests_;
};

// About 50 MB in row groups of less than 5.
constexpr int64_t kBatches = 10;
const TableShape kLarge{.files = kBatches, .rows = 125'000, .doubles = 4};

TEST_F(RemoteWrite, SendsPartsWhileRowsStillCome) {
  auto transaction = Create(kLarge);
  size_t parts_before_the_end = 0;
  const auto report = Insert(*transaction, kLarge, [&](int64_t batch) {
    if (batch == kBatches - 1) parts_before_the_end = Count("UPLOAD");
    return arrow::Status::OK();
  });
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->inserted, kLarge.files * kLarge.rows);
  EXPECT_GE(parts_before_the_end, 2U);
  EXPECT_EQ(DataFiles("t").size(), 1U);
  EXPECT_EQ(Count("FINISH"), 1U);
  EXPECT_EQ(Count("ABORT"), 0U);
}

TEST_F(RemoteWrite, AbortsWhenTheRowsFail) {
  {
    auto transaction = Create(kLarge);
    const auto report = Insert(*transaction, kLarge, [&](int64_t batch) {
      EXPECT_EQ(DataFiles("t"), std::vector<std::string>());  // nothing half written is visible
      return batch < 8 ? arrow::Status::OK() : arrow::Status::Invalid("the client sent nonsense");
    });
    EXPECT_FALSE(report.ok());
    EXPECT_EQ(Count("ABORT"), 1U);
    EXPECT_EQ(Count("FINISH"), 0U);
  }
  ExpectNoTrace();
}

TEST_F(RemoteWrite, AbortsWhenTheStoreFails) {
  {
    auto transaction = Create(kLarge);
    faults_->Inject({.operation = store::Operation::kUploadWrite,
                     .kind = store::FaultKind::kErrorBefore,
                     .times = 1'000'000,
                     .skip = 100});
    EXPECT_THAT(Insert(*transaction, kLarge), IsError(ErrorCode::kUnavailable));
    EXPECT_EQ(Count("ABORT"), 1U);
  }
  ExpectNoTrace();
}

TEST_F(RemoteWrite, EndsAHangingUploadWhenItsContextStops) {
  {
    auto transaction = Create(kLarge);
    store_->Hang(".parquet");
    std::stop_source stop;
    std::jthread stopper([&stop] {
      (void)Context().Sleep(milliseconds(500));
      stop.request_stop();
    });
    const auto begin = steady_clock::now();
    const auto report = Insert(*transaction, kLarge, {}, Context(Context::Time::max(), stop.get_token(), "test"));
    EXPECT_THAT(report, IsError(ErrorCode::kCancelled));
    EXPECT_LT(steady_clock::now() - begin, kAtOnce);
    store_->Hang("");  // or what is to be deleted hangs, too
    EXPECT_EQ(Count("ABORT"), 1U);
  }
  ExpectNoTrace();
}

TEST_F(RemoteWrite, EndsAHangingUploadAtItsDeadline) {
  {
    auto transaction = Create(kLarge);
    store_->Hang(".parquet");
    const auto begin = steady_clock::now();
    const auto report = Insert(*transaction, kLarge, {}, Context(begin + milliseconds(500), {}, "test"));
    EXPECT_THAT(report, IsError(ErrorCode::kDeadlineExceeded));
    EXPECT_LT(steady_clock::now() - begin, kAtOnce);
    store_->Hang("");  // or what is to be deleted hangs, too
  }
  ExpectNoTrace();
}

TEST_F(RemoteWrite, DeletesWhatIsNotCommitted) {
  {
    auto transaction = Create({.files = 3, .partitions = 7});
    ASSERT_THAT(Insert(*transaction, {.files = 3, .partitions = 7}), IsOk());
    EXPECT_EQ(DataFiles("t").size(), 7U);
  }
  ExpectNoTrace();
}

TEST_F(RemoteWrite, HoldsFewUploadsOpenForManyPartitions) {
  // So little memory that threads write partitions before all rows have come.
  OpenDatabase({.memory_max_bytes = 64 << 20});
  const TableShape shape{.files = 20, .rows = 50'000, .doubles = 4, .partitions = 80};
  auto transaction = Create(shape);
  const auto report = Insert(*transaction, shape);
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->inserted, shape.files * shape.rows);
  EXPECT_GE(report->files, shape.partitions);
  EXPECT_LE(store_->uploads_max(), 20U);
  MUST(delta::RequireCommitted(MUST(transaction->Commit({}))));
  const auto rows = Query("SELECT count(*), count(DISTINCT p), sum(id) FROM t");
  ASSERT_THAT(rows, IsOk());
  EXPECT_EQ(rows->front(), "1000000 80 499999500000 ");
}

}  // namespace
}  // namespace yummy::duck
