#include "yummy/duck/optimizer/null_safe_comparison.h"

#include <optional>
#include <utility>

#include <duckdb/execution/expression_executor.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>

namespace yummy::duck {
namespace {

using duckdb::ExpressionType;
using ExpressionPointer = duckdb::unique_ptr<duckdb::Expression>;

bool IsNullSafe(ExpressionType type) {
  return type == ExpressionType::COMPARE_DISTINCT_FROM || type == ExpressionType::COMPARE_NOT_DISTINCT_FROM;
}

ExpressionPointer IsNull(bool negated, ExpressionPointer operand) {
  auto test = duckdb::make_uniq<duckdb::BoundOperatorExpression>(
      negated ? ExpressionType::OPERATOR_IS_NOT_NULL : ExpressionType::OPERATOR_IS_NULL, duckdb::LogicalType::BOOLEAN);
  test->children.push_back(std::move(operand));
  return test;
}

// The value of a constant expression; absent if the expression fails or depends on rows.
std::optional<duckdb::Value> ConstantOf(duckdb::ClientContext& context, const duckdb::Expression& expression) {
  duckdb::Value value;
  if (!expression.IsFoldable() || !duckdb::ExpressionExecutor::TryEvaluateScalar(context, expression, value))
    return std::nullopt;
  return value;
}

// `distinct` says whether operand and constant must differ.
ExpressionPointer InPlainWords(bool distinct, ExpressionPointer operand, const duckdb::Value& constant) {
  if (constant.IsNull()) return IsNull(distinct, std::move(operand));
  auto null_test = IsNull(!distinct, operand->Copy());
  auto comparison = duckdb::make_uniq<duckdb::BoundComparisonExpression>(
      distinct ? ExpressionType::COMPARE_NOTEQUAL : ExpressionType::COMPARE_EQUAL, std::move(operand),
      duckdb::make_uniq<duckdb::BoundConstantExpression>(constant));
  return duckdb::make_uniq<duckdb::BoundConjunctionExpression>(
      distinct ? ExpressionType::CONJUNCTION_OR : ExpressionType::CONJUNCTION_AND, std::move(null_test),
      std::move(comparison));
}

void Rewrite(duckdb::ClientContext& context, ExpressionPointer& expression) {
  duckdb::ExpressionIterator::EnumerateChildren(*expression,
                                                [&](ExpressionPointer& child) { Rewrite(context, child); });
  if (expression->GetExpressionClass() != duckdb::ExpressionClass::BOUND_COMPARISON ||
      !IsNullSafe(expression->GetExpressionType())) {
    return;
  }
  auto& comparison = expression->Cast<duckdb::BoundComparisonExpression>();
  const bool distinct = expression->GetExpressionType() == ExpressionType::COMPARE_DISTINCT_FROM;
  for (bool constant_is_left : {false, true}) {
    ExpressionPointer& operand = constant_is_left ? comparison.right : comparison.left;
    // The operand will be evaluated twice, and must have the same value both times.
    if (operand->IsVolatile()) continue;
    auto constant = ConstantOf(context, constant_is_left ? *comparison.left : *comparison.right);
    if (!constant) continue;
    auto plain = InPlainWords(distinct, std::move(operand), *constant);
    plain->SetAlias(expression->GetAlias());
    expression = std::move(plain);
    return;
  }
}

void RewriteOperator(duckdb::ClientContext& context, duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [&](ExpressionPointer* expression) { Rewrite(context, *expression); });
  for (auto& child : plan.children) RewriteOperator(context, *child);
}

void RewritePlan(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  RewriteOperator(input.context, *plan);
}

}  // namespace

void RegisterNullSafeComparisons(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = RewritePlan;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
