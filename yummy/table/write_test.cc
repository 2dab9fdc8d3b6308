#include "yummy/table/write.h"

#include <functional>

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include "yummy/base/testing.h"
#include "yummy/duck/database.h"
#include "yummy/store/testing.h"
#include "yummy/table/create.h"

namespace yummy::table {
namespace {

using testing::ElementsAre;

/// Rows {id, p} as JSON; `before` runs when they are asked for: the transaction has begun by then.
class Rows final : public arrow::RecordBatchReader {
 public:
  explicit Rows(const std::string& json, std::function<void()> before = {}) : before_(std::move(before)) {
    const auto type = arrow::struct_(schema_->fields());
    batch_ =
        arrow::RecordBatch::FromStructArray(arrow::json::ArrayFromJSONString(type, json).ValueOrDie()).ValueOrDie();
  }
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    if (before_) std::exchange(before_, nullptr)();
    *batch = std::exchange(batch_, nullptr);
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_ =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("p", arrow::int32())});
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::function<void()> before_;
};

/// A table that is partitioned by p, with ids 1 to 3 in the partitions 1 to 3.
class ReplaceWhere : public testing::Test {
 protected:
  void SetUp() override {
    duck::Lookup lookup;
    lookup.stores.push_back({.name = "s", .object_store = store_});
    lookup.find_table = [this](const Context&, const std::string&, const std::string&,
                               const std::string&) -> Result<std::shared_ptr<delta::Table>> { return table_; };
    database_ = MUST(duck::Database::Open({}, std::move(lookup)));
    session_ = MUST(database_->Connect());
    Create create;
    for (const auto& [name, kind] :
         {std::pair("id", delta::TypeKind::kLong), std::pair("p", delta::TypeKind::kInteger)})
      create.schema.push_back({.name = name, .type = {.kind = kind, .fields = {}, .children = {}}});
    create.partition_columns = {"p"};
    create.configuration = configuration_;
    MUST(create.Run(context_, Target{*table_, *session_}));
    MUST(Write{.rows = RowsOf("[[1, 1], [2, 2], [3, 3]]")}.Run(context_, Target{*table_, *session_}));
  }

  static std::shared_ptr<Rows> RowsOf(const std::string& json, std::function<void()> before = {}) {
    return std::make_shared<Rows>(json, std::move(before));
  }

  Result<WriteReport> Replace(const std::string& condition, const std::string& json,
                              std::function<void()> before = {}) {
    return Replace(*session_, condition, json, std::move(before));
  }

  Result<WriteReport> Replace(duck::Session& session, const std::string& condition, const std::string& json,
                              std::function<void()> before = {}) {
    const Write write{
        .mode = WriteMode::kOverwrite, .rows = RowsOf(json, std::move(before)), .replace_where = condition};
    return write.Run(context_, Target{*table_, session});
  }

  /// What another session does meanwhile.
  std::function<void()> Meanwhile(const std::string& condition, const std::string& json) {
    return [this, condition, json] {
      const auto other = MUST(database_->Connect());
      MUST(Replace(*other, condition, json));
    };
  }

  std::vector<std::string> Content() {
    auto result = MUST(session_->Query(context_, "SELECT concat_ws(' ', id, p) FROM s.main.t ORDER BY id, p", {}));
    std::vector<std::string> rows;
    while (const auto batch = MUST(result->Next())) {
      for (int64_t i = 0; i < batch->num_rows(); i++) rows.push_back((*batch->column(0)->GetScalar(i))->ToString());
    }
    return rows;
  }

  const Context context_;
  const std::shared_ptr<store::ObjectStore> store_ = store::MakeTestStore();
  const std::shared_ptr<delta::Table> table_ = delta::Table::Make(store_, "t", {});
  delta::StringMap configuration_;
  std::shared_ptr<duck::Database> database_;
  std::unique_ptr<duck::Session> session_;
};

TEST_F(ReplaceWhere, ReplacesWholePartitionsInOneVersion) {
  EXPECT_EQ(MUST(Replace("p >= 2", "[[20, 2], [21, 2]]")).version, 2);
  EXPECT_THAT(Content(), ElementsAre("1 1", "20 2", "21 2"));
  MUST(Replace("p IS NULL", "[[5, null]]"));
  EXPECT_THAT(Content(), ElementsAre("1 1", "5", "20 2", "21 2"));
  MUST(Replace("p IS NULL OR p + 1 = 2", "[]"));
  EXPECT_THAT(Content(), ElementsAre("20 2", "21 2"));
  MUST(Replace("true", "[[7, 9]]"));
  EXPECT_THAT(Content(), ElementsAre("7 9"));
}

TEST_F(ReplaceWhere, RefusesRowsOutsideTheCondition) {
  const auto refused = Replace("p = 2", "[[20, 2], [21, 3]]");
  ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(refused.error().reason_name(), "ROW_OUTSIDE_CONDITION");
  EXPECT_EQ(refused.error().detail("row"), "1");
  EXPECT_THAT(Replace("p = 2", "[[20, null]]"), IsError(ErrorCode::kInvalidArgument));
  EXPECT_THAT(Content(), ElementsAre("1 1", "2 2", "3 3"));
}

TEST_F(ReplaceWhere, RefusesWhatIsNoConditionOnPartitions) {
  for (const char* condition : {"id = 1", "p = 1 AND id > 0"}) {
    const auto refused = Replace(condition, "[[1, 1]]");
    ASSERT_THAT(refused, IsError(ErrorCode::kUnsupported)) << condition;
    EXPECT_EQ(refused.error().reason_name(), "UNSUPPORTED_CONDITION");
  }
  for (const char* condition :
       {"", "p =", "p = 1; DROP TABLE t", "p = 1, p = 2", "p = 1 FROM t", "p = 1 WHERE true", "p IN (SELECT 1)",
        "sum(p) = 1", "q = 1", "p = random()", "p = $1", "*", "p = 1 ORDER BY 1", "1; SELECT 2", "p = 'x'"}) {
    EXPECT_THAT(Replace(condition, "[[1, 1]]"), IsError(ErrorCode::kInvalidArgument)) << condition;
  }
  EXPECT_THAT(Replace("getenv('HOME') = p", "[[1, 1]]"), IsError(ErrorCode::kPermissionDenied));
  EXPECT_THAT(Content(), ElementsAre("1 1", "2 2", "3 3"));
}

TEST_F(ReplaceWhere, ConflictsWithAnotherOfTheSamePartitionsOnly) {
  MUST(Replace("p = 1", "[[10, 1]]", Meanwhile("p = 2", "[[20, 2]]")));
  EXPECT_THAT(Content(), ElementsAre("3 3", "10 1", "20 2"));
  const auto conflict = Replace("p <= 2", "[[11, 1]]", Meanwhile("p = 2", "[[21, 2]]"));
  ASSERT_THAT(conflict, IsError(ErrorCode::kConflict));
  EXPECT_EQ(conflict.error().reason_name(), "CONCURRENT_MODIFICATION");
  EXPECT_THAT(Content(), ElementsAre("3 3", "10 1", "21 2"));
  // Nothing was there to remove, but something came that should have been read.
  EXPECT_THAT(Replace("p = 8", "[[80, 8]]", Meanwhile("p = 8", "[[81, 8]]")), IsError(ErrorCode::kConflict));
}

}  // namespace
}  // namespace yummy::table
