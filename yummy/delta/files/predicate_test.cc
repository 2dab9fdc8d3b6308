#include "yummy/delta/files/predicate.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "yummy/base/testing.h"

namespace yummy::delta {
namespace {

const ColumnPath kX = {"x"};

Scalar Int(int64_t value) { return Scalar(value); }
Scalar Text(std::string value) { return Scalar(std::move(value)); }

FactsOf Always(ColumnFacts facts) {
  return [facts](const ColumnPath&) { return std::optional(facts); };
}

TEST(Predicate, PrunesByBounds) {
  const FactsOf facts =
      Always({.min = Int(5), .max = Int(9), .may_hold_nan = false, .all_null = false, .no_null = true});
  struct Case {
    CompareOp op;
    int64_t constant;
    bool may, must;
  };
  for (const Case& c : {Case{CompareOp::kEqual, 4, false, false}, Case{CompareOp::kEqual, 5, true, false},
                        Case{CompareOp::kLess, 5, false, false}, Case{CompareOp::kLess, 10, true, true},
                        Case{CompareOp::kLessOrEqual, 9, true, true}, Case{CompareOp::kGreater, 9, false, false},
                        Case{CompareOp::kGreaterOrEqual, 5, true, true}, Case{CompareOp::kNotEqual, 4, true, true},
                        Case{CompareOp::kNullSafeEqual, 10, false, false}}) {
    const Predicate predicate = Predicate::Compare(kX, c.op, Int(c.constant));
    EXPECT_EQ(predicate.MayMatch(facts), c.may) << predicate.ToString();
    EXPECT_EQ(predicate.MustMatch(facts), c.must) << predicate.ToString();
  }
}

TEST(Predicate, TreatsNotOfAComparisonWithNullsAsNeverMustMatch) {
  const FactsOf facts = Always({.min = Int(5), .max = Int(9)});
  const Predicate predicate = Predicate::Not(Predicate::Compare(kX, CompareOp::kLess, Int(5)));
  EXPECT_TRUE(predicate.MayMatch(facts));
  EXPECT_FALSE(predicate.MustMatch(facts));  // a null is neither below nor not below
}

TEST(Predicate, NeverMatchesAComparisonOnAFileOfNulls) {
  const FactsOf facts = Always({.all_null = true});
  EXPECT_FALSE(Predicate::Compare(kX, CompareOp::kNotEqual, Int(5)).MayMatch(facts));
  EXPECT_FALSE(Predicate::Not(Predicate::In(kX, {Int(5)})).MayMatch(facts));
  EXPECT_TRUE(Predicate::IsNull(kX).MustMatch(facts));
  EXPECT_TRUE(Predicate::Compare(kX, CompareOp::kNullSafeEqual, Scalar()).MustMatch(facts));
}

TEST(Predicate, KeepsFilesThatMayHoldNanAboveTheirMaximum) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const FactsOf facts =
      Always({.min = Scalar(1.0), .max = Scalar(5.0), .may_hold_nan = true, .all_null = false, .no_null = true});
  EXPECT_TRUE(Predicate::Compare(kX, CompareOp::kGreater, Scalar(5.0)).MayMatch(facts));
  EXPECT_TRUE(Predicate::Compare(kX, CompareOp::kEqual, Scalar(nan)).MayMatch(facts));
  EXPECT_FALSE(Predicate::Compare(kX, CompareOp::kLess, Scalar(1.0)).MayMatch(facts));
  EXPECT_FALSE(Predicate::Compare(kX, CompareOp::kLess, Scalar(6.0)).MustMatch(facts));
}

TEST(Predicate, MatchesAPrefixAgainstCutBounds) {
  const FactsOf facts =
      Always({.min = Text("b"), .max = Text("bcz"), .may_hold_nan = false, .all_null = false, .no_null = true});
  EXPECT_TRUE(Predicate::StartsWith(kX, "bcde").MayMatch(facts));
  EXPECT_FALSE(Predicate::StartsWith(kX, "bd").MayMatch(facts));
  EXPECT_FALSE(Predicate::StartsWith(kX, "a").MayMatch(facts));
  EXPECT_TRUE(Predicate::StartsWith(kX, "b").MustMatch(facts));
  EXPECT_TRUE(Predicate::StartsWith(kX, "").MustMatch(facts));
}

TEST(Predicate, DecidesNothingFromFactsOfAnotherTypeOrThatContradict) {
  const Predicate predicate = Predicate::Compare(kX, CompareOp::kEqual, Int(7));
  EXPECT_TRUE(predicate.MayMatch(Always({.min = Text("a"), .max = Text("b")})));
  EXPECT_TRUE(predicate.MayMatch(Always({.min = Int(9), .max = Int(8)})));
  EXPECT_TRUE(predicate.MayMatch(Always({.all_null = true, .no_null = true})));
  EXPECT_TRUE(predicate.MayMatch([](const ColumnPath&) { return std::nullopt; }));
  EXPECT_TRUE(Predicate::In(kX, {Int(1), Text("a")}).is_unknown());
}

TEST(Predicate, NamesEachColumnOnce) {
  const Predicate predicate = Predicate::And(
      {Predicate::IsNull(kX), Predicate::Or({Predicate::IsNotNull({"s", "y"}), Predicate::StartsWith(kX, "a")})});
  EXPECT_EQ(predicate.Columns(), (std::vector<ColumnPath>{kX, {"s", "y"}}));
}

// A tree that can be evaluated on rows, beside the predicate made of it.
enum class Truth { kFalse, kNull, kTrue };
using Row = std::vector<Scalar>;
struct Tree {
  Predicate predicate;
  std::function<Truth(const Row&)> evaluate;
};

Truth TruthOf(bool value) { return value ? Truth::kTrue : Truth::kFalse; }

class RandomTable {
 public:
  explicit RandomTable(uint64_t seed) : engine_(seed) {}

  size_t Below(size_t bound) { return engine_() % bound; }

  // Column 0: integers, 1: doubles, 2: strings.
  Scalar Value(size_t column, bool nulls) {
    if (nulls && Below(4) == 0) return Scalar();
    if (column == 0) return Int(static_cast<int64_t>(Below(6)));
    if (column == 2) return Text(std::string(Below(3), 'a') + std::string(Below(2), 'b'));
    constexpr double kValues[] = {
        -1.5, -0.0, 0.0, 2.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
    return Scalar(kValues[Below(std::size(kValues))]);
  }

  std::vector<Row> Rows() {
    std::vector<Row> rows(Below(4) + 1);
    const bool nulls = Below(2) == 0;
    for (Row& row : rows) {
      for (size_t column = 0; column < 3; column++)
        row.push_back(Below(8) == 0 && nulls ? Scalar() : Value(column, nulls));
    }
    return rows;
  }

  Tree Compare() {
    const size_t column = Below(3);
    const Scalar constant = Value(column, true);
    const auto op = static_cast<CompareOp>(Below(7));
    return {Predicate::Compare({std::to_string(column)}, op, constant), [=](const Row& row) {
              const Scalar& value = row[column];
              if (op == CompareOp::kNullSafeEqual) return TruthOf(value == constant);
              if (value.is_null() || constant.is_null()) return Truth::kNull;
              const auto order = Scalar::Compare(value, constant);
              switch (op) {
                case CompareOp::kEqual: return TruthOf(order == 0);
                case CompareOp::kNotEqual: return TruthOf(order != 0);
                case CompareOp::kLess: return TruthOf(order < 0);
                case CompareOp::kLessOrEqual: return TruthOf(order <= 0);
                case CompareOp::kGreater: return TruthOf(order > 0);
                default: return TruthOf(order >= 0);
              }
            }};
  }

  Tree In() {
    const size_t column = Below(3);
    std::vector<Scalar> constants;
    for (size_t i = Below(4); i > 0; i--) constants.push_back(Value(column, true));
    return {Predicate::In({std::to_string(column)}, constants), [=](const Row& row) {
              if (constants.empty()) return Truth::kFalse;
              if (row[column].is_null()) return Truth::kNull;
              bool has_null = false;
              for (const Scalar& constant : constants) {
                if (constant == row[column]) return Truth::kTrue;
                has_null |= constant.is_null();
              }
              return has_null ? Truth::kNull : Truth::kFalse;
            }};
  }

  Tree Leaf() {
    switch (Below(6)) {
      case 0: return In();
      case 1: {
        const size_t column = Below(3);
        return {Predicate::IsNull({std::to_string(column)}),
                [=](const Row& row) { return TruthOf(row[column].is_null()); }};
      }
      case 2: {
        const std::string prefix = Value(2, false).get<std::string>();
        return {Predicate::StartsWith({"2"}, prefix), [=](const Row& row) {
                  return row[2].is_null() ? Truth::kNull : TruthOf(row[2].get<std::string>().starts_with(prefix));
                }};
      }
      default: return Compare();
    }
  }

  Tree Any(int depth) {
    if (depth == 0 || Below(4) == 0) return Leaf();
    if (Below(3) == 0) {
      const Tree child = Any(depth - 1);
      return {Predicate::Not(child.predicate),
              [child](const Row& row) { return static_cast<Truth>(2 - static_cast<int>(child.evaluate(row))); }};
    }
    const bool is_and = Below(2) == 0;
    std::vector<Tree> children;
    std::vector<Predicate> predicates;
    for (size_t i = Below(3) + 1; i > 0; i--) {
      children.push_back(Any(depth - 1));
      predicates.push_back(children.back().predicate);
    }
    return {is_and ? Predicate::And(predicates) : Predicate::Or(predicates), [=](const Row& row) {
              Truth result = is_and ? Truth::kTrue : Truth::kFalse;
              for (const Tree& child : children)
                result = is_and ? std::min(result, child.evaluate(row)) : std::max(result, child.evaluate(row));
              return result;
            }};
  }

  // True facts of the rows, each left out now and then, bounds wider than the data now and then.
  FactsOf Facts(const std::vector<Row>& rows) {
    std::vector<std::optional<ColumnFacts>> facts(3);
    for (size_t column = 0; column < 3; column++) {
      if (Below(6) == 0) continue;
      ColumnFacts& one = facts[column].emplace();
      const size_t nulls = static_cast<size_t>(
          std::count_if(rows.begin(), rows.end(), [&](const Row& row) { return row[column].is_null(); }));
      one.all_null = nulls == rows.size() && Below(4) > 0;
      one.no_null = nulls == 0 && Below(4) > 0;
      bool has_nan = false;
      for (const Row& row : rows) {
        if (row[column].is_null()) continue;
        const bool is_nan = column == 1 && std::isnan(row[column].get<double>());
        has_nan |= is_nan;
        if (is_nan) continue;
        if (!one.min || Scalar::Compare(row[column], *one.min) < 0) one.min = row[column];
        if (!one.max || Scalar::Compare(row[column], *one.max) > 0) one.max = row[column];
      }
      one.may_hold_nan = has_nan || column != 1 || Below(2) == 0;
      if (Below(5) == 0) one.min.reset();
      if (Below(5) == 0) one.max.reset();
      if (column == 0 && one.min && Below(3) == 0) one.min = Int(one.min->get<int64_t>() - 1);
      if (column == 2 && one.max && Below(3) == 0) one.max = Text(one.max->get<std::string>() + "z");
    }
    return [facts](const ColumnPath& column) { return facts[static_cast<size_t>(column[0][0] - '0')]; };
  }

 private:
  std::mt19937_64 engine_;
};

TEST(Predicate, IsNeverWrongOnRandomTables) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomTable random(seed);
  int pruned = 0, certain = 0;
  for (int round = 0; round < 50'000; round++) {
    const std::vector<Row> rows = random.Rows();
    const Tree tree = random.Any(3);
    const FactsOf facts = random.Facts(rows);
    const bool some =
        std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return tree.evaluate(row) == Truth::kTrue; });
    const bool all =
        std::all_of(rows.begin(), rows.end(), [&](const Row& row) { return tree.evaluate(row) == Truth::kTrue; });
    const bool may = tree.predicate.MayMatch(facts), must = tree.predicate.MustMatch(facts);
    ASSERT_TRUE(may || !some) << tree.predicate.ToString();
    ASSERT_TRUE(all || !must) << tree.predicate.ToString();
    pruned += !may;
    certain += must;
  }
  EXPECT_GT(pruned, 1000);
  EXPECT_GT(certain, 1000);
}

}  // namespace
}  // namespace yummy::delta
