// The public Delta tables, read through the whole engine and compared with what independent readers found in them.

#include <algorithm>
#include <random>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "yummy/base/testing.h"
#include "yummy/duck/engine/golden_testing.h"
#include "yummy/store/latency_testing.h"

namespace yummy::duck {
namespace {

enum class Distance { kNear, kFar };  // what is far is read ahead

class Golden : public testing::TestWithParam<Distance> {
 protected:
  void SetUp() override {
    const auto folder = FixtureFolder();
    if (!folder) GTEST_SKIP() << "no fixtures: set YUMMY_SHARED to the folder that has them";
    tables_ = ReadGoldenTables(*folder);
    ASSERT_GT(tables_.size(), 50U);
    auto object_store = MUST(OpenGoldenStore(*folder));
    if (GetParam() == Distance::kFar) object_store = std::make_shared<store::LatencyStore>(std::move(object_store));
    auto database = OpenGoldenDatabase(std::move(object_store), tables_);
    ASSERT_THAT(database, IsOk());
    database_ = *std::move(database);
    auto session = database_->Connect();
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
  }

  std::vector<GoldenTable> tables_;
  std::shared_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Golden, testing::Values(Distance::kNear, Distance::kFar),
                         [](const auto& test) { return test.param == Distance::kNear ? "Near" : "Far"; });

bool IsTemporal(const GoldenColumn& column) { return column.type.starts_with("timestamp"); }

bool HasComparableBounds(const GoldenColumn& column) {
  return column.min && column.max &&
         (column.type.starts_with("int") || column.type.starts_with("decimal") || column.type == "string" ||
          column.type == "date" || IsTemporal(column));
}

// The bound in the form that the index has.
std::string BoundText(const char* bound, const GoldenColumn& column) {
  const std::string value = fmt::format("{}({})", bound, Quoted(column.name));
  if (column.type == "date") return fmt::format("CAST({} - DATE '1970-01-01' AS VARCHAR)", value);
  if (IsTemporal(column)) return fmt::format("CAST(epoch_us({}) AS VARCHAR)", value);
  return fmt::format("CAST({} AS VARCHAR)", value);
}

// "0.00" and "0" are one decimal.
std::string Canonical(std::string text, const GoldenColumn& column) {
  if (!column.type.starts_with("decimal") || text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string TableRef(const GoldenTable& table) { return "golden.main." + Quoted(table.name); }

// The partition value has no zone, and the log does not say that its writer was in Los Angeles: this reader and the two
// others take UTC, the expected answer has the writer's zone (PROTOCOL.md, "Partition Value Serialization").
bool HasWritersZone(const GoldenTable& table, const GoldenColumn& column) {
  return table.name == "kernelrs_golden_data-reader-partition-values_delta" && column.name == "as_timestamp";
}

// Its log says that no timestamp is below .014 s, while the data begins at .010301: no reader that leaves files out can
// agree with one that does not.
constexpr const char* kLogThatLies = "deltars_issue_1374";

// What this engine refuses by name, and why: nothing else may be refused, and nothing may differ.
const std::set<std::string>& Refused() {
  static const std::set<std::string> refused = {"duckdb_inlined_variant_basic"};
  return refused;
}

TEST_P(Golden, EveryTableHasTheRowsAndColumnsThatOtherReadersFind) {
  for (const GoldenTable& table : tables_) {
    SCOPED_TRACE(table.name);
    std::string sql = "SELECT CAST(count(*) AS VARCHAR)";
    for (const GoldenColumn& column : table.columns) {
      sql += fmt::format(", CAST(count({}) AS VARCHAR)", Quoted(column.name));
      if (HasComparableBounds(column)) sql += ", " + BoundText("min", column) + ", " + BoundText("max", column);
    }
    // A condition that no file can be left out by, nor counted without reading it.
    auto rows = Rows(*session_, sql + " FROM " + TableRef(table) + " WHERE random() >= 0");
    if (Refused().contains(table.name)) {
      EXPECT_THAT(rows, IsError(ErrorCode::kUnsupported));
      continue;
    }
    EXPECT_THAT(rows, IsOk());
    if (!rows.ok()) continue;
    ASSERT_EQ(rows->size(), 1U);
    const auto& values = rows->front();
    EXPECT_EQ(values[0], std::to_string(table.rows));
    size_t i = 1;
    for (const GoldenColumn& column : table.columns) {
      EXPECT_EQ(values[i++], std::to_string(column.non_null)) << column.name;
      if (!HasComparableBounds(column)) continue;
      const std::string& min = values[i++];
      const std::string& max = values[i++];
      if (HasWritersZone(table, column)) continue;
      EXPECT_EQ(Canonical(min, column), Canonical(*column.min, column)) << column.name;
      EXPECT_EQ(Canonical(max, column), Canonical(*column.max, column)) << column.name;
    }
  }
}

TEST_P(Golden, EveryVersionHasItsRowsCountedAndRead) {
  for (const GoldenTable& table : tables_) {
    if (Refused().contains(table.name)) continue;
    for (const auto& [version, count] : table.rows_by_version) {
      SCOPED_TRACE(fmt::format("{} version {}", table.name, version));
      for (const char* condition : {"", " WHERE random() >= 0"}) {
        auto rows = Rows(*session_, fmt::format("SELECT CAST(count(*) AS VARCHAR) FROM {} AT (VERSION => {}){}",
                                                TableRef(table), version, condition));
        EXPECT_THAT(rows, IsOk());
        if (!rows.ok()) continue;
        EXPECT_EQ(rows->at(0).at(0), std::to_string(count)) << condition;
      }
    }
  }
}

TEST_P(Golden, EveryColumnOfEveryRowCanBeRead) {
  for (const GoldenTable& table : tables_) {
    if (Refused().contains(table.name)) continue;
    SCOPED_TRACE(table.name);
    auto rows = Rows(*session_, "SELECT * FROM " + TableRef(table));
    EXPECT_THAT(rows, IsOk());
    if (!rows.ok()) continue;
    EXPECT_EQ(rows->size(), static_cast<size_t>(table.rows));
  }
}

// Random conditions over one table. `hidden` wraps the columns so that no file can be left out and no statistics used.
class Conditions {
 public:
  Conditions(std::vector<GoldenColumn> columns, std::map<std::string, std::vector<std::string>> literals, uint64_t seed)
      : columns_(std::move(columns)), literals_(std::move(literals)), random_(seed) {}

  struct Pair {
    std::string plain;
    std::string hidden;
  };

  Pair Make(int depth) {
    if (depth > 0 && Below(3) == 0) {
      const Pair child = Make(depth - 1);
      return {"NOT (" + child.plain + ")", "NOT (" + child.hidden + ")"};
    }
    if (depth > 0 && Below(2) == 0) {
      const char* joint = Below(2) == 0 ? " AND " : " OR ";
      const Pair a = Make(depth - 1);
      const Pair b = Make(depth - 1);
      return {"(" + a.plain + joint + b.plain + ")", "(" + a.hidden + joint + b.hidden + ")"};
    }
    const std::string column = columns_[Below(columns_.size())].name;
    const std::string rest = Rest(column);
    return {Quoted(column) + rest, "[" + Quoted(column) + "][1]" + rest};
  }

 private:
  size_t Below(size_t bound) { return static_cast<size_t>(random_() % bound); }
  std::string Any(const std::string& column) {
    const auto& literals = literals_.at(column);
    return literals[Below(literals.size())];
  }
  std::string Rest(const std::string& column) {
    static const std::vector<std::string> operators = {
        "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"};
    switch (Below(6)) {
      case 0: return " IS NULL";
      case 1: return " IS NOT NULL";
      case 2: return " IN (" + Any(column) + ", " + Any(column) + ")";
      case 3: return " BETWEEN " + Any(column) + " AND " + Any(column);
      default: return " " + operators[Below(operators.size())] + " " + Any(column);
    }
  }

  const std::vector<GoldenColumn> columns_;
  const std::map<std::string, std::vector<std::string>> literals_;
  std::mt19937_64 random_;
};

// The two rows of this table are in two partitions: "A", and null.
TEST_P(Golden, NullSafeComparisonsFindTheRowsOfANullPartition) {
  struct Case {
    const char* condition;
    size_t rows;
  };
  for (const Case& test :
       {Case{"k IS DISTINCT FROM 'A'", 1}, Case{"k = 'zz' OR k IS DISTINCT FROM 'A'", 1},
        Case{"k = 'zz' OR 'zz' IS DISTINCT FROM k", 2}, Case{"k = 'zz' OR k IS NOT DISTINCT FROM NULL", 1},
        Case{"k IS NOT DISTINCT FROM NULL OR k IS NOT DISTINCT FROM 'A'", 2},
        Case{"NOT (k IS NOT DISTINCT FROM 'A') OR k = 'A'", 2}, Case{"NOT (k IS DISTINCT FROM 'A')", 1},
        Case{"k <= 'zz' OR k IS DISTINCT FROM NULL", 1}, Case{"k IS DISTINCT FROM k OR k = 'A'", 1}}) {
    auto rows = Rows(*session_, fmt::format("SELECT v FROM golden.main.\"deltars_delta-0.8.0-null-partition\" WHERE {}",
                                            test.condition));
    ASSERT_THAT(rows, IsOk()) << test.condition;
    EXPECT_EQ(rows->size(), test.rows) << test.condition;
  }
  EXPECT_EQ(database_->generation(), 1);
}

TEST_P(Golden, LeavingFilesOutNeverChangesAnAnswer) {
  const uint64_t seed = std::random_device()();
  size_t compared = 0;
  for (const GoldenTable& table : tables_) {
    if (Refused().contains(table.name) || table.rows == 0 || table.name == kLogThatLies) continue;
    SCOPED_TRACE(fmt::format("{} seed {}", table.name, seed));
    std::vector<GoldenColumn> columns;
    std::map<std::string, std::vector<std::string>> literals;
    for (const GoldenColumn& column : table.columns) {
      if (column.type.starts_with("list") || column.type.starts_with("map") || column.type.starts_with("struct") ||
          column.type == "null") {
        continue;
      }
      auto values = Rows(*session_,
                         fmt::format("SELECT DISTINCT CAST({0} AS VARCHAR), typeof({0}) FROM {1} WHERE {0} IS NOT NULL "
                                     "ORDER BY 1 LIMIT 20",
                                     Quoted(column.name), TableRef(table)));
      ASSERT_THAT(values, IsOk());
      if (values->empty() || values->front()[1] == "BLOB") continue;
      columns.push_back(column);
      for (const auto& value : *values) {
        literals[column.name].push_back(fmt::format("CAST({} AS {})", Literal(value[0]), value[1]));
      }
    }
    if (columns.empty()) continue;
    Conditions conditions(columns, literals, seed);
    for (int i = 0; i < 40; ++i) {
      const auto condition = conditions.Make(3);
      const std::string select = fmt::format("SELECT CAST(count(*) AS VARCHAR) FROM {} WHERE ", TableRef(table));
      auto pruned = Rows(*session_, select + condition.plain);
      auto whole = Rows(*session_, select + condition.hidden);
      ASSERT_THAT(pruned, IsOk()) << condition.plain;
      ASSERT_THAT(whole, IsOk()) << condition.hidden;
      EXPECT_EQ(*pruned, *whole) << condition.plain;
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000U);
}

}  // namespace
}  // namespace yummy::duck
