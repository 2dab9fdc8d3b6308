#include "yummy/duck/optimizer/opaque_expressions.h"

#include <algorithm>
#include <utility>

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>

#include "yummy/duck/functions/text_search.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

using duckdb::ExpressionType;
using duckdb::Value;
using ExpressionPointer = duckdb::unique_ptr<duckdb::Expression>;

void PassOn(duckdb::DataChunk& input, duckdb::ExpressionState&, duckdb::Vector& result) {
  result.Reference(input.data[0]);
}

// The same value in a form of which the optimiser knows neither bounds nor parts.
ExpressionPointer Opaque(ExpressionPointer expression) {
  const duckdb::LogicalType type = expression->return_type;
  const std::string alias = expression->GetAlias();
  duckdb::vector<ExpressionPointer> arguments;
  arguments.push_back(std::move(expression));
  auto opaque = duckdb::make_uniq<duckdb::BoundFunctionExpression>(
      type, duckdb::ScalarFunction("opaque", {type}, type, PassOn), std::move(arguments), nullptr);
  opaque->SetAlias(alias);
  return opaque;
}

bool IsEquality(ExpressionType type) {
  return type == ExpressionType::COMPARE_EQUAL || type == ExpressionType::COMPARE_NOT_DISTINCT_FROM;
}

void HideConditions(duckdb::LogicalComparisonJoin& join) {
  for (auto& condition : join.conditions) condition.left = Opaque(std::move(condition.left));
}

// An ANTI JOIN that bounds could prove to be empty.
bool IsOrderedAntiJoin(const duckdb::LogicalComparisonJoin& join) {
  if (join.join_type != duckdb::JoinType::ANTI && join.join_type != duckdb::JoinType::RIGHT_ANTI) return false;
  // An equality is never proved by bounds, and one condition that is not proved is enough.
  return std::none_of(join.conditions.begin(), join.conditions.end(),
                      [](const auto& condition) { return IsEquality(condition.comparison); });
}

bool IsDateTrunc(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_FUNCTION) return false;
  const auto& function = expression.Cast<duckdb::BoundFunctionExpression>();
  return (function.function.name == "date_trunc" || function.function.name == "datetrunc") &&
         function.children.size() == 2;
}

// True if `trunc` does not change the constant. Then DuckDB rewrites the comparison correctly.
bool IsTruncated(duckdb::ClientContext& context, const duckdb::BoundFunctionExpression& trunc, const Value& constant) {
  auto truncated = trunc.Copy();
  auto& argument = truncated->Cast<duckdb::BoundFunctionExpression>().children[1];
  Value as_argument, found, as_constant;
  if (!constant.DefaultTryCastAs(argument->return_type, as_argument, nullptr)) return false;
  argument = duckdb::make_uniq<duckdb::BoundConstantExpression>(as_argument);
  return duckdb::ExpressionExecutor::TryEvaluateScalar(context, *truncated, found) &&
         found.DefaultTryCastAs(constant.type(), as_constant, nullptr) && Value::NotDistinctFrom(as_constant, constant);
}

bool IsTimeAsText(const duckdb::Expression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_CAST) return false;
  const auto& cast = expression.Cast<duckdb::BoundCastExpression>();
  return cast.return_type.id() == duckdb::LogicalTypeId::VARCHAR &&
         cast.child->return_type.id() == duckdb::LogicalTypeId::TIMESTAMP_TZ;
}

// Hides `operand`, which is compared with `other`, if it is truncated to a unit and `other` is a constant that is not,
// or that has no next unit.
void HideOperand(duckdb::ClientContext& context, ExpressionType comparison, ExpressionPointer& operand,
                 const duckdb::Expression& other) {
  Value constant;
  if (!IsDateTrunc(*operand) || !other.IsFoldable() ||
      !duckdb::ExpressionExecutor::TryEvaluateScalar(context, other, constant)) {
    return;
  }
  const auto& trunc = operand->Cast<duckdb::BoundFunctionExpression>();
  const bool needs_unit = comparison == ExpressionType::COMPARE_EQUAL || comparison == ExpressionType::COMPARE_NOTEQUAL;
  const bool is_infinite = !constant.IsNull() && !Value::IsFinite(constant);
  if (is_infinite || (needs_unit && !IsTruncated(context, trunc, constant))) operand = Opaque(std::move(operand));
}

// True if DuckDB refuses LIKE with the pattern. Its lower bound is the text before the first wildcard, and its upper
// bound is that text with the last byte plus one. After these two bytes that is not UTF-8.
bool HasNoUpperBound(const std::string& pattern) {
  const size_t prefix = pattern.find_first_of("%_");
  if (prefix == std::string::npos || prefix == 0) return false;
  return pattern[prefix - 1] == '\x7F' || pattern[prefix - 1] == '\xBF';
}

void HideSearch(duckdb::ClientContext& context, duckdb::BoundFunctionExpression& search) {
  Value pattern;
  const std::string& name = search.function.name;
  if ((name != "~~" && name != "!~~" && name != "regexp_matches") || !search.children[1]->IsFoldable() ||
      !duckdb::ExpressionExecutor::TryEvaluateScalar(context, *search.children[1], pattern) || pattern.IsNull() ||
      pattern.type().id() != duckdb::LogicalTypeId::VARCHAR) {
    return;
  }
  const std::string& text = duckdb::StringValue::Get(pattern);
  if (name == "~~" && HasNoUpperBound(text)) search.children[0] = Opaque(std::move(search.children[0]));
  KeepLongSearch(search, text);
}

void HideExpression(duckdb::ClientContext& context, ExpressionPointer& expression) {
  duckdb::ExpressionIterator::EnumerateChildren(*expression,
                                                [&](ExpressionPointer& child) { HideExpression(context, child); });
  if (IsTimeAsText(*expression)) {
    expression = Opaque(std::move(expression));
  } else if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_COMPARISON) {
    auto& comparison = expression->Cast<duckdb::BoundComparisonExpression>();
    HideOperand(context, comparison.GetExpressionType(), comparison.left, *comparison.right);
    HideOperand(context, comparison.GetExpressionType(), comparison.right, *comparison.left);
  } else if (expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_FUNCTION) {
    HideSearch(context, expression->Cast<duckdb::BoundFunctionExpression>());
  }
}

void HideInOperator(duckdb::ClientContext& context, duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [&](ExpressionPointer* expression) { HideExpression(context, *expression); });
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_COMPARISON_JOIN) {
    auto& join = plan.Cast<duckdb::LogicalComparisonJoin>();
    if (IsOrderedAntiJoin(join)) HideConditions(join);
  }
  for (auto& child : plan.children) HideInOperator(context, *child);
}

// Hides a comparison that may become the condition of a join.
void HideJoin(ExpressionPointer& expression) {
  duckdb::ExpressionIterator::EnumerateChildren(*expression, HideJoin);
  if (expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COMPARISON) return;
  auto& comparison = expression->Cast<duckdb::BoundComparisonExpression>();
  if (comparison.left->IsFoldable() || comparison.right->IsFoldable()) return;
  comparison.left = Opaque(std::move(comparison.left));
}

void HideJoins(duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(plan,
                                                       [](ExpressionPointer* expression) { HideJoin(*expression); });
  if (plan.type == duckdb::LogicalOperatorType::LOGICAL_COMPARISON_JOIN)
    HideConditions(plan.Cast<duckdb::LogicalComparisonJoin>());
  for (auto& child : plan.children) HideJoins(*child);
}

void HideInPlan(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  HideInOperator(input.context, *plan);
  if (RequestOf(input.context).hides_joins()) HideJoins(*plan);
}

}  // namespace

void RegisterOpaqueExpressions(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = HideInPlan;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
