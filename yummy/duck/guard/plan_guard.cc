#include "yummy/duck/guard/plan_guard.h"

#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <duckdb/planner/logical_operator_visitor.hpp>
#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/guard/function_lists.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

using duckdb::LogicalOperatorType;

struct GuardInfo final : duckdb::OptimizerExtensionInfo {
  explicit GuardInfo(std::shared_ptr<InstanceInfo> shared) : instance(std::move(shared)) {}
  std::shared_ptr<InstanceInfo> instance;
};

[[noreturn]] void Refuse(const std::string& message) {
  Throw(Error(ErrorCode::kPermissionDenied, message).WithReason(Reason::kSqlNotAllowed));
}

void CheckScan(const InstanceInfo& instance, const duckdb::LogicalGet& scan) {
  auto table = scan.GetTable();
  if (!table) {
    ValueOrThrow(CheckTableFunction(scan.function.name));
    return;
  }
  const std::string& catalog = table->ParentCatalog().GetName();
  if (!instance.IsStore(catalog)) Refuse(fmt::format("{} cannot be read", catalog));
}

// The operators that a query may consist of.
bool IsQueryOperator(LogicalOperatorType type) {
  switch (type) {
    case LogicalOperatorType::LOGICAL_PROJECTION:
    case LogicalOperatorType::LOGICAL_FILTER:
    case LogicalOperatorType::LOGICAL_AGGREGATE_AND_GROUP_BY:
    case LogicalOperatorType::LOGICAL_WINDOW:
    case LogicalOperatorType::LOGICAL_UNNEST:
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_ORDER_BY:
    case LogicalOperatorType::LOGICAL_TOP_N:
    case LogicalOperatorType::LOGICAL_DISTINCT:
    case LogicalOperatorType::LOGICAL_SAMPLE:
    case LogicalOperatorType::LOGICAL_PIVOT:
    case LogicalOperatorType::LOGICAL_GET:
    case LogicalOperatorType::LOGICAL_CHUNK_GET:
    case LogicalOperatorType::LOGICAL_DELIM_GET:
    case LogicalOperatorType::LOGICAL_EXPRESSION_GET:
    case LogicalOperatorType::LOGICAL_DUMMY_SCAN:
    case LogicalOperatorType::LOGICAL_EMPTY_RESULT:
    case LogicalOperatorType::LOGICAL_CTE_REF:
    case LogicalOperatorType::LOGICAL_JOIN:
    case LogicalOperatorType::LOGICAL_DELIM_JOIN:
    case LogicalOperatorType::LOGICAL_COMPARISON_JOIN:
    case LogicalOperatorType::LOGICAL_ANY_JOIN:
    case LogicalOperatorType::LOGICAL_CROSS_PRODUCT:
    case LogicalOperatorType::LOGICAL_POSITIONAL_JOIN:
    case LogicalOperatorType::LOGICAL_ASOF_JOIN:
    case LogicalOperatorType::LOGICAL_DEPENDENT_JOIN:
    case LogicalOperatorType::LOGICAL_UNION:
    case LogicalOperatorType::LOGICAL_EXCEPT:
    case LogicalOperatorType::LOGICAL_INTERSECT:
    case LogicalOperatorType::LOGICAL_RECURSIVE_CTE:
    case LogicalOperatorType::LOGICAL_MATERIALIZED_CTE:
    case LogicalOperatorType::LOGICAL_EXPLAIN: return true;
    default: return false;
  }
}

void CheckExpressions(duckdb::LogicalOperator& plan) {
  duckdb::LogicalOperatorVisitor::EnumerateExpressions(
      plan, [](duckdb::unique_ptr<duckdb::Expression>* expression) { CheckExpression(**expression); });
}

bool ChangesRows(LogicalOperatorType type) {
  return type == LogicalOperatorType::LOGICAL_INSERT || type == LogicalOperatorType::LOGICAL_UPDATE ||
         type == LogicalOperatorType::LOGICAL_DELETE || type == LogicalOperatorType::LOGICAL_MERGE_INTO;
}

void CheckOperator(const InstanceInfo& instance, duckdb::LogicalOperator& plan) {
  if (!IsQueryOperator(plan.type)) Refuse("the statement is not a query");
  if (plan.type == LogicalOperatorType::LOGICAL_GET) CheckScan(instance, plan.Cast<duckdb::LogicalGet>());
  CheckExpressions(plan);
  for (auto& child : plan.children) CheckOperator(instance, *child);
}

void CheckPlan(duckdb::OptimizerExtensionInput& input, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  if (!RequestOf(input.context).untrusted()) return;
  const auto& info = static_cast<const GuardInfo&>(*input.info);
  if (!RequestOf(input.context).may_write() || !ChangesRows(plan->type)) {
    CheckOperator(*info.instance, *plan);
    return;
  }
  CheckExpressions(*plan);
  for (auto& child : plan->children) CheckOperator(*info.instance, *child);
}

}  // namespace

void CheckExpression(const duckdb::Expression& expression) {
  ValueOrThrow(CheckType(expression.return_type));
  switch (expression.GetExpressionClass()) {
    case duckdb::ExpressionClass::BOUND_FUNCTION:
      ValueOrThrow(CheckFunction(expression.Cast<duckdb::BoundFunctionExpression>().function.name));
      break;
    case duckdb::ExpressionClass::BOUND_AGGREGATE:
      ValueOrThrow(CheckFunction(expression.Cast<duckdb::BoundAggregateExpression>().function.name));
      break;
    default: break;
  }
  duckdb::ExpressionIterator::EnumerateChildren(expression,
                                                [](const duckdb::Expression& child) { CheckExpression(child); });
}

void RegisterPlanGuard(duckdb::DBConfig& config, std::shared_ptr<InstanceInfo> instance) {
  duckdb::OptimizerExtension extension;
  extension.pre_optimize_function = CheckPlan;
  extension.optimizer_info = duckdb::make_shared_ptr<GuardInfo>(std::move(instance));
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
