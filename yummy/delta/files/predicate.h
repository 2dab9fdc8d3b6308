#pragma once
// A small predicate form for skipping files: what of a query's filter can be decided from partition values and
// statistics.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

enum class CompareOp { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kNullSafeEqual };

/// What a file's metadata says about one column. Every fact is optional; bounds are true bounds (they may be wider than
/// the data).
struct ColumnFacts {
  std::optional<Scalar> min = {};  // never null inside
  std::optional<Scalar> max = {};
  bool may_hold_nan = true;  // float and double: the bounds say nothing about NaN
  bool all_null = false;     // every row is null
  bool no_null = false;      // no row is null
};

/// A column by its path of logical names: {"a"} or {"s", "x"}.
using ColumnPath = std::vector<std::string>;
/// Absent when nothing is known of the column.
using FactsOf = std::function<std::optional<ColumnFacts>(const ColumnPath&)>;

/// An immutable tree. Anything that cannot be expressed is Unknown(), which keeps every file.
class Predicate {
 public:
  static Predicate Unknown();
  static Predicate Constant(bool value);
  static Predicate And(std::vector<Predicate> children);
  static Predicate Or(std::vector<Predicate> children);
  static Predicate Not(Predicate child);
  /// `constant` has the form of the column's type; a null constant makes the comparison never true (but for
  /// kNullSafeEqual).
  static Predicate Compare(ColumnPath column, CompareOp op, Scalar constant);
  static Predicate In(ColumnPath column, std::vector<Scalar> constants);
  static Predicate IsNull(ColumnPath column);
  static Predicate IsNotNull(ColumnPath column);
  static Predicate StartsWith(ColumnPath column, std::string prefix);

  bool is_unknown() const;

  /// False only when no row of the file can satisfy the predicate: three-valued, never wrong for lack of facts.
  bool MayMatch(const FactsOf& facts) const;
  /// True only when every row of the file satisfies it.
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
