#include "yummy/lake/result_cache.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/base/testing.h"

namespace yummy::lake {
namespace {

std::shared_ptr<arrow::RecordBatch> Numbers(int64_t rows) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < rows; i++) EXPECT_TRUE(builder.Append(i).ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("n", arrow::int64())}), rows, {*builder.Finish()});
}

// Gives batches, then an error if there is one.
class FakeResult final : public duck::QueryResult {
 public:
  FakeResult(std::vector<std::shared_ptr<arrow::RecordBatch>> batches, std::optional<Error> error, bool repeatable)
      : batches_(std::move(batches)), error_(std::move(error)) {
    if (repeatable) reads_.emplace();
  }
  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  const std::optional<std::vector<duck::TableRead>>& reads() const override { return reads_; }
  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    if (given_ < batches_.size()) return batches_[given_++];
    if (error_) return *error_;
    return std::shared_ptr<arrow::RecordBatch>();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_ = arrow::schema({arrow::field("n", arrow::int64())});
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches_;
  std::optional<Error> error_;
  std::optional<std::vector<duck::TableRead>> reads_;
  size_t given_ = 0;
};

std::unique_ptr<duck::QueryResult> Of(std::vector<int64_t> rows, bool repeatable = true,
                                      std::optional<Error> error = {}) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (const int64_t count : rows) batches.push_back(Numbers(count));
  return std::make_unique<FakeResult>(std::move(batches), std::move(error), repeatable);
}

// The rows of each batch.
Result<std::vector<int64_t>> Drain(duck::QueryResult& result) {
  std::vector<int64_t> rows;
  while (true) {
    const auto batch = TRY(result.Next());
    if (!batch) return rows;
    rows.push_back(batch->num_rows());
  }
}

void Add(ResultCache& cache, const std::string& key, int64_t rows = 1) { MUST(Drain(*cache.Keep(key, Of({rows})))); }

TEST(ResultCache, GivesAgainWhatWasReadToItsEnd) {
  ResultCache cache(1 << 20);
  EXPECT_EQ(cache.Find("a"), nullptr);
  auto result = cache.Keep("a", Of({3, 0, 2}));
  EXPECT_EQ(cache.Find("a"), nullptr);
  EXPECT_EQ(MUST(Drain(*result)), (std::vector<int64_t>{3, 0, 2}));
  for (int i = 0; i < 2; i++) {
    const auto kept = cache.Find("a");
    ASSERT_NE(kept, nullptr);
    auto again = Replay({}, kept);
    EXPECT_EQ(again->schema()->field(0)->name(), "n");
    EXPECT_EQ(MUST(Drain(*again)), (std::vector<int64_t>{3, 0, 2}));
    EXPECT_EQ(MUST(again->Next()), nullptr);
  }
}

TEST(ResultCache, KeepsNothingThatIsNotWholeOrMayDiffer) {
  ResultCache cache(1 << 20);
  MUST(cache.Keep("given up", Of({1, 1}))->Next());
  EXPECT_THAT(Drain(*cache.Keep("failed", Of({1}, true, Error(ErrorCode::kCorrupt, "a row")))),
              IsError(ErrorCode::kCorrupt));
  MUST(Drain(*cache.Keep("varying", Of({1}, false))));
  for (const char* key : {"given up", "failed", "varying"}) EXPECT_EQ(cache.Find(key), nullptr) << key;
  EXPECT_EQ(cache.bytes(), 0U);
}

TEST(ResultCache, DropsWhatWasNotAskedForTheLongest) {
  ResultCache cache(64 << 10);
  for (int i = 0; i < 8; i++) Add(cache, std::to_string(i));
  const uint64_t bytes_each = cache.bytes() / 8;
  const auto fit = static_cast<int>((64 << 10) / bytes_each);
  for (int i = 8; i < fit; i++) Add(cache, std::to_string(i));
  ASSERT_NE(cache.Find("0"), nullptr);
  for (int i = fit; i < fit + 3; i++) Add(cache, std::to_string(i));
  EXPECT_NE(cache.Find("0"), nullptr);
  EXPECT_EQ(cache.Find("1"), nullptr);
  EXPECT_NE(cache.Find(std::to_string(fit + 2)), nullptr);
  for (int i = 0; i < 10'000; i++) Add(cache, fmt::format("more {}", i), i % 500);
  EXPECT_LE(cache.bytes(), 64U << 10);
  EXPECT_GT(cache.bytes(), 48U << 10);
}

TEST(ResultCache, ReplacesTheResultOfAKey) {
  ResultCache cache(1 << 20);
  Add(cache, "a", 100);
  const uint64_t bytes = cache.bytes();
  const auto held = cache.Find("a");
  Add(cache, "a", 100);
  EXPECT_EQ(cache.bytes(), bytes);
  Add(cache, "a", 2);
  EXPECT_LT(cache.bytes(), bytes);
  EXPECT_EQ(MUST(Drain(*Replay({}, cache.Find("a")))), std::vector<int64_t>{2});
  EXPECT_EQ(MUST(Drain(*Replay({}, held))), std::vector<int64_t>{100});
}

TEST(ResultCache, LeavesLargeResultsAlone) {
  ResultCache cache(64 << 10);
  EXPECT_EQ(MUST(Drain(*cache.Keep("large", Of({500, 500, 500})))), (std::vector<int64_t>{500, 500, 500}));
  EXPECT_EQ(cache.Find("large"), nullptr);
  ResultCache none(0);
  Add(none, "small");
  EXPECT_EQ(none.Find("small"), nullptr);
}

TEST(ResultCache, AReplayEndsWithItsContext) {
  ResultCache cache(1 << 20);
  Add(cache, "a");
  std::stop_source stop;
  auto again = Replay(Context(Context::Time::max(), stop.get_token(), "r"), cache.Find("a"));
  stop.request_stop();
  EXPECT_THAT(again->Next(), IsError(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace yummy::lake
