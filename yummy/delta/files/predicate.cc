#include "yummy/delta/files/predicate.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace yummy::delta {

namespace {
enum class NodeKind { kUnknown, kConstant, kAnd, kOr, kNot, kCompare, kIn, kIsNull, kStartsWith };

// The results that the predicate may have for rows of the file: a superset of the real ones.
struct Outcomes {
  bool may_be_true = false;
  bool may_be_false = false;
  bool may_be_null = false;
};

constexpr Outcomes kAnyOutcome = {true, true, true};
}  // namespace

struct Predicate::Node {
  NodeKind kind = NodeKind::kUnknown;
  bool value = false;                // kConstant
  CompareOp op = CompareOp::kEqual;  // kCompare
  ColumnPath column = {};
  std::vector<Scalar> constants = {};  // kCompare: one; kIn: sorted, no nulls; kStartsWith: the prefix
  bool has_null = false;               // kIn: NULL is in the list
  std::vector<std::shared_ptr<const Node>> children = {};
};

namespace {

using Node = Predicate::Node;

bool IsNan(const Scalar& value) {
  const auto* number = std::get_if<double>(&value.storage());
  return number != nullptr && std::isnan(*number);
}

bool SameType(const Scalar& a, const Scalar& b) { return a.storage().index() == b.storage().index(); }

// The facts of a column, for comparisons with constants of one type. Bounds of another type or in the wrong order are
// dropped.
class Range {
 public:
  Range(const ColumnFacts& facts, const Scalar& constant) {
    holds_nan_ = facts.may_hold_nan && std::holds_alternative<double>(constant.storage());
    if (facts.min && SameType(*facts.min, constant)) min_ = &*facts.min;
    if (facts.max && SameType(*facts.max, constant)) max_ = &*facts.max;
    if (min_ != nullptr && max_ != nullptr && Scalar::Compare(*min_, *max_) > 0) min_ = max_ = nullptr;
  }

  // True if a value that is not null may be less than, greater than, or equal to `constant`. NaN is above all other
  // values.
  bool MayBeLess(const Scalar& constant) const { return min_ == nullptr || Scalar::Compare(*min_, constant) < 0; }
  bool MayBeGreater(const Scalar& constant) const {
    return max_ == nullptr || Scalar::Compare(*max_, constant) > 0 || (holds_nan_ && !IsNan(constant));
  }
  bool MayBeEqual(const Scalar& constant) const {
    if (holds_nan_ && IsNan(constant)) return true;
    return (min_ == nullptr || Scalar::Compare(*min_, constant) <= 0) &&
           (max_ == nullptr || Scalar::Compare(*max_, constant) >= 0);
  }
  // The value that all rows have, if the bounds leave only one.
  const Scalar* Only() const {
    return min_ != nullptr && max_ != nullptr && !holds_nan_ && Scalar::Compare(*min_, *max_) == 0 ? min_ : nullptr;
  }
  const Scalar* min() const { return min_; }
  const Scalar* max() const { return max_; }
  bool holds_nan() const { return holds_nan_; }

 private:
  const Scalar* min_ = nullptr;
  const Scalar* max_ = nullptr;
  bool holds_nan_ = false;
};

Outcomes EvaluateIsNull(const ColumnFacts& facts) {
  return {.may_be_true = !facts.no_null, .may_be_false = !facts.all_null, .may_be_null = false};
}

Outcomes EvaluateCompare(const Node& node, const ColumnFacts& facts) {
  const Scalar& constant = node.constants[0];
  const bool null_safe = node.op == CompareOp::kNullSafeEqual;
  if (constant.is_null()) return null_safe ? EvaluateIsNull(facts) : Outcomes{.may_be_null = true};
  Outcomes outcomes;
  if (!facts.all_null) {
    const Range range(facts, constant);
    const bool less = range.MayBeLess(constant);
    const bool equal = range.MayBeEqual(constant);
    const bool greater = range.MayBeGreater(constant);
    switch (node.op) {
      case CompareOp::kNullSafeEqual:
      case CompareOp::kEqual: outcomes = {equal, less || greater}; break;
      case CompareOp::kNotEqual: outcomes = {less || greater, equal}; break;
      case CompareOp::kLess: outcomes = {less, equal || greater}; break;
      case CompareOp::kLessOrEqual: outcomes = {less || equal, greater}; break;
      case CompareOp::kGreater: outcomes = {greater, less || equal}; break;
      case CompareOp::kGreaterOrEqual: outcomes = {greater || equal, less}; break;
    }
  }
  if (!facts.no_null) (null_safe ? outcomes.may_be_false : outcomes.may_be_null) = true;
  return outcomes;
}

// x IN (…) is true if an entry equals x, otherwise null if x or an entry is null, otherwise false.
Outcomes EvaluateIn(const Node& node, const ColumnFacts& facts) {
  Outcomes outcomes;
  if (node.constants.empty() && !node.has_null) return {.may_be_false = true};
  outcomes.may_be_null = !facts.no_null;
  if (facts.all_null) return outcomes;
  bool may_differ = true;
  if (!node.constants.empty()) {
    const Range range(facts, node.constants[0]);
    const auto less = [](const Scalar& a, const Scalar& b) { return Scalar::Compare(a, b) < 0; };
    const auto first = range.min() == nullptr
                           ? node.constants.begin()
                           : std::lower_bound(node.constants.begin(), node.constants.end(), *range.min(), less);
    outcomes.may_be_true = first != node.constants.end() && range.MayBeEqual(*first);
    outcomes.may_be_true |= range.MayBeEqual(node.constants.back());  // the place of NaN
    if (const Scalar* only = range.Only())
      may_differ = !std::binary_search(node.constants.begin(), node.constants.end(), *only, less);
  }
  if (may_differ) (node.has_null ? outcomes.may_be_null : outcomes.may_be_false) = true;
  return outcomes;
}

Outcomes EvaluateStartsWith(const Node& node, const ColumnFacts& facts) {
  Outcomes outcomes;
  if (!facts.all_null) {
    const auto& prefix = node.constants[0].get<std::string>();
    const Range range(facts, node.constants[0]);
    const auto cut = [&](const Scalar* bound) {
      return std::string_view(bound->get<std::string>()).substr(0, prefix.size());
    };
    const bool has_min = range.min() != nullptr, has_max = range.max() != nullptr;
    outcomes.may_be_true = (!has_min || cut(range.min()) <= prefix) && (!has_max || cut(range.max()) >= prefix);
    outcomes.may_be_false = !has_min || !has_max || cut(range.min()) != prefix || cut(range.max()) != prefix;
  }
  outcomes.may_be_null = !facts.no_null;
  return outcomes;
}

Outcomes Evaluate(const Node& node, const FactsOf& facts_of);

// AND is false as soon as one operand is false, and OR is true as soon as one is true. Only the deciding value differs.
Outcomes EvaluateJunction(const Node& node, const FactsOf& facts_of) {
  const bool is_and = node.kind == NodeKind::kAnd;
  bool all_may_agree = true, any_may_decide = false, any_may_be_null = false, any_decides = false;
  for (const auto& child : node.children) {
    const Outcomes outcomes = Evaluate(*child, facts_of);
    const bool may_agree = is_and ? outcomes.may_be_true : outcomes.may_be_false;
    const bool may_decide = is_and ? outcomes.may_be_false : outcomes.may_be_true;
    all_may_agree &= may_agree;
    any_may_decide |= may_decide;
    any_may_be_null |= outcomes.may_be_null;
    any_decides |= may_decide && !may_agree && !outcomes.may_be_null;
  }
  const bool may_be_null = any_may_be_null && !any_decides;
  return is_and ? Outcomes{all_may_agree, any_may_decide, may_be_null}
                : Outcomes{any_may_decide, all_may_agree, may_be_null};
}

Outcomes Evaluate(const Node& node, const FactsOf& facts_of) {
  switch (node.kind) {
    case NodeKind::kUnknown: return kAnyOutcome;
    case NodeKind::kConstant: return {.may_be_true = node.value, .may_be_false = !node.value};
    case NodeKind::kAnd:
    case NodeKind::kOr: return EvaluateJunction(node, facts_of);
    case NodeKind::kNot: {
      const Outcomes outcomes = Evaluate(*node.children[0], facts_of);
      return {outcomes.may_be_false, outcomes.may_be_true, outcomes.may_be_null};
    }
    default: break;
  }
  const ColumnFacts facts = facts_of(node.column).value_or(ColumnFacts{});
  // Both at once mean that there are no rows or that the facts are wrong. So they are ignored.
  if (facts.all_null && facts.no_null) return kAnyOutcome;
  switch (node.kind) {
    case NodeKind::kCompare: return EvaluateCompare(node, facts);
    case NodeKind::kIn: return EvaluateIn(node, facts);
    case NodeKind::kIsNull: return EvaluateIsNull(facts);
    default: return EvaluateStartsWith(node, facts);
  }
}

std::string ColumnText(const ColumnPath& column) { return fmt::format("{}", fmt::join(column, ".")); }

std::string ScalarText(const Scalar& value) {
  if (value.is_null()) return "NULL";
  if (const auto* flag = std::get_if<bool>(&value.storage())) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&value.storage())) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value.storage())) return fmt::format("{}", *real);
  if (const auto* decimal = std::get_if<Int128>(&value.storage())) return FormatDecimal(*decimal, 0);
  return "'" + value.get<std::string>() + "'";
}

std::string_view OpText(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual: return "=";
    case CompareOp::kNotEqual: return "<>";
    case CompareOp::kLess: return "<";
    case CompareOp::kLessOrEqual: return "<=";
    case CompareOp::kGreater: return ">";
    case CompareOp::kGreaterOrEqual: return ">=";
    case CompareOp::kNullSafeEqual: return "<=>";
  }
  return "?";
}

std::string NodeText(const Node& node) {
  const auto join = [&](std::string_view separator) {
    std::string text;
    for (const auto& child : node.children) text += (text.empty() ? "" : std::string(separator)) + NodeText(*child);
    return "(" + text + ")";
  };
  switch (node.kind) {
    case NodeKind::kUnknown: return "unknown";
    case NodeKind::kConstant: return node.value ? "true" : "false";
    case NodeKind::kAnd: return join(" AND ");
    case NodeKind::kOr: return join(" OR ");
    case NodeKind::kNot: return "NOT " + NodeText(*node.children[0]);
    case NodeKind::kCompare:
      return fmt::format("{} {} {}", ColumnText(node.column), OpText(node.op), ScalarText(node.constants[0]));
    case NodeKind::kIn: {
      std::vector<std::string> texts;
      for (const Scalar& constant : node.constants) texts.push_back(ScalarText(constant));
      if (node.has_null) texts.push_back("NULL");
      return fmt::format("{} IN ({})", ColumnText(node.column), fmt::join(texts, ", "));
    }
    case NodeKind::kIsNull: return ColumnText(node.column) + " IS NULL";
    case NodeKind::kStartsWith:
      return fmt::format("starts_with({}, {})", ColumnText(node.column), ScalarText(node.constants[0]));
  }
  return "?";
}

void CollectColumns(const Node& node, std::vector<ColumnPath>& columns) {
  if (!node.column.empty() && std::find(columns.begin(), columns.end(), node.column) == columns.end())
    columns.push_back(node.column);
  for (const auto& child : node.children) CollectColumns(*child, columns);
}

std::vector<std::shared_ptr<const Node>> NodesOf(std::vector<Predicate> predicates,
                                                 std::shared_ptr<const Node> Predicate::* node) {
  std::vector<std::shared_ptr<const Node>> nodes;
  nodes.reserve(predicates.size());
  for (Predicate& predicate : predicates) nodes.push_back(std::move(predicate.*node));
  return nodes;
}

}  // namespace

Predicate Predicate::Unknown() { return Predicate(std::make_shared<Node>()); }

Predicate Predicate::Constant(bool value) {
  Node node{.kind = NodeKind::kConstant, .value = value};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::And(std::vector<Predicate> children) {
  if (children.empty()) return Constant(true);
  if (children.size() == 1) return std::move(children[0]);
  Node node{.kind = NodeKind::kAnd, .children = NodesOf(std::move(children), &Predicate::node_)};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::Or(std::vector<Predicate> children) {
  if (children.empty()) return Constant(false);
  if (children.size() == 1) return std::move(children[0]);
  Node node{.kind = NodeKind::kOr, .children = NodesOf(std::move(children), &Predicate::node_)};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::Not(Predicate child) {
  Node node{.kind = NodeKind::kNot, .children = {std::move(child.node_)}};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::Compare(ColumnPath column, CompareOp op, Scalar constant) {
  Node node{.kind = NodeKind::kCompare, .op = op, .column = std::move(column), .constants = {std::move(constant)}};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::In(ColumnPath column, std::vector<Scalar> constants) {
  Node node{.kind = NodeKind::kIn, .column = std::move(column)};
  node.has_null = std::erase_if(constants, [](const Scalar& constant) { return constant.is_null(); }) > 0;
  const bool mixed = std::any_of(constants.begin(), constants.end(),
                                 [&](const Scalar& constant) { return !SameType(constant, constants[0]); });
  if (mixed) return Unknown();
  std::sort(constants.begin(), constants.end(),
            [](const Scalar& a, const Scalar& b) { return Scalar::Compare(a, b) < 0; });
  node.constants = std::move(constants);
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::IsNull(ColumnPath column) {
  Node node{.kind = NodeKind::kIsNull, .column = std::move(column)};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

Predicate Predicate::IsNotNull(ColumnPath column) { return Not(IsNull(std::move(column))); }

Predicate Predicate::StartsWith(ColumnPath column, std::string prefix) {
  Node node{.kind = NodeKind::kStartsWith, .column = std::move(column), .constants = {Scalar(std::move(prefix))}};
  return Predicate(std::make_shared<Node>(std::move(node)));
}

bool Predicate::is_unknown() const { return node_->kind == NodeKind::kUnknown; }

bool Predicate::MayMatch(const FactsOf& facts) const { return Evaluate(*node_, facts).may_be_true; }

bool Predicate::MustMatch(const FactsOf& facts) const {
  const Outcomes outcomes = Evaluate(*node_, facts);
  return !outcomes.may_be_false && !outcomes.may_be_null;
}

std::vector<ColumnPath> Predicate::Columns() const {
  std::vector<ColumnPath> columns;
  CollectColumns(*node_, columns);
  return columns;
}

std::string Predicate::ToString() const { return NodeText(*node_); }

}  // namespace yummy::delta
