#pragma once
// A small predicate form for skipping files. It holds the part of a query's filter that partition values and statistics
// can decide.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

enum class CompareOp { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kNullSafeEqual };

/// What the metadata of a file says about one column. Every fact is optional. Bounds hold for all rows, but may be
/// wider than the data.
struct ColumnFacts {
  std::optional<Scalar> min = {};  // if present, not a null Scalar
  std::optional<Scalar> max = {};
  bool may_hold_nan = true;  // float and double: the bounds say nothing about NaN
  bool all_null = false;     // every row is null
  bool no_null = false;      // no row is null
};

/// A column by its path of logical names: {"a"} or {"s", "x"}.
using ColumnPath = std::vector<std::string>;
/// Gives the facts of a column; absent if nothing is known.
using FactsOf = std::function<std::optional<ColumnFacts>(const ColumnPath&)>;

/// An immutable tree. An expression without a form here becomes Unknown(), which keeps every file.
class Predicate {
 public:
  static Predicate Unknown();
  static Predicate Constant(bool value);
  static Predicate And(std::vector<Predicate> children);
  static Predicate Or(std::vector<Predicate> children);
  static Predicate Not(Predicate child);
  /// `constant` has the form of the column's type. With a null constant the comparison is never true, except for
  /// kNullSafeEqual.
  static Predicate Compare(ColumnPath column, CompareOp op, Scalar constant);
  static Predicate In(ColumnPath column, std::vector<Scalar> constants);
  static Predicate IsNull(ColumnPath column);
  static Predicate IsNotNull(ColumnPath column);
  static Predicate StartsWith(ColumnPath column, std::string prefix);

  bool is_unknown() const;

  /// False only if no row of the file can satisfy the predicate. The logic has three values, so that missing facts
  /// never lead to a wrong answer.
  bool MayMatch(const FactsOf& facts) const;
  /// True only if every row of the file satisfies the predicate.
  bool MustMatch(const FactsOf& facts) const;

  /// The columns that it names, each once.
  std::vector<ColumnPath> Columns() const;
  std::string ToString() const;

  struct Node;

 private:
  explicit Predicate(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
  std::shared_ptr<const Node> node_;
};

}  // namespace yummy::delta
