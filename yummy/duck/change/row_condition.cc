#include "yummy/duck/change/row_condition.h"

#include <algorithm>
#include <utility>

#include <duckdb/planner/binder.hpp>
#include <duckdb/planner/expression_binder/check_binder.hpp>
#include <duckdb/planner/expression_iterator.hpp>
#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/guard/plan_guard.h"
#include "yummy/duck/guard/statement_guard.h"
#include "yummy/duck/scan/filter_predicate.h"

namespace yummy::duck {
namespace {

Error BadCondition(ErrorCode code, Reason reason, std::string message) {
  return Error(code, std::move(message)).WithReason(reason);
}

/// True if nothing follows the expression after SELECT.
bool IsExpressionAlone(const duckdb::SelectNode& select) {
  return select.select_list.size() == 1 && select.from_table &&
         select.from_table->type == duckdb::TableReferenceType::EMPTY_FROM && !select.where_clause &&
         select.groups.group_expressions.empty() && select.groups.grouping_sets.empty() && !select.having &&
         !select.qualify && !select.sample && select.modifiers.empty() && select.cte_map.map.empty() &&
         select.aggregate_handling == duckdb::AggregateHandling::STANDARD_HANDLING;
}

Result<duckdb::unique_ptr<duckdb::ParsedExpression>> ParseAlone(duckdb::ClientContext& context,
                                                                const std::string& sql) {
  const std::string statement = "SELECT " + sql;
  const GuardOptions guard{
      .parser = context.GetParserOptions(),
      .is_store = [](const std::string&) { return false; },
      .list_tables = [](const std::string&, const std::string&) -> Result<std::vector<std::string>> {
        return std::vector<std::string>();
      },
  };
  // The guard applies its limits before any parser runs. It accepts a whole query, of which only an expression is used
  // here.
  auto guarded = TRY(GuardStatement(statement, guard));
  const auto not_alone = [] {
    return BadCondition(ErrorCode::kInvalidArgument, Reason::kSqlSyntax, "the condition is not one expression");
  };
  if (guarded.statement->type != duckdb::StatementType::SELECT_STATEMENT) return not_alone();
  auto& node = *guarded.statement->Cast<duckdb::SelectStatement>().node;
  if (node.type != duckdb::QueryNodeType::SELECT_NODE) return not_alone();
  auto& select = node.Cast<duckdb::SelectNode>();
  if (!IsExpressionAlone(select)) return not_alone();
  if (select.select_list[0]->HasSubquery())
    return BadCondition(ErrorCode::kInvalidArgument, Reason::kSqlInvalid, "the condition has a sub-query");
  return std::move(select.select_list[0]);
}

/// Replaces constant parts by their values. The optimiser does that for queries, but it does not see the condition.
void FoldConstants(duckdb::ClientContext& context, duckdb::unique_ptr<duckdb::Expression>& expression) {
  duckdb::Value value;
  const bool is_constant = expression->GetExpressionClass() == duckdb::ExpressionClass::BOUND_CONSTANT;
  if (!is_constant && expression->IsFoldable() &&
      duckdb::ExpressionExecutor::TryEvaluateScalar(context, *expression, value)) {
    expression = duckdb::make_uniq<duckdb::BoundConstantExpression>(std::move(value));
    return;
  }
  duckdb::ExpressionIterator::EnumerateChildren(
      *expression, [&](duckdb::unique_ptr<duckdb::Expression>& child) { FoldConstants(context, child); });
}

}  // namespace

RowCondition::RowCondition(duckdb::ClientContext& context, const TableLayout& layout,
                           duckdb::unique_ptr<duckdb::Expression> expression, std::string sql)
    : context_(context),
      layout_(layout),
      expression_(std::move(expression)),
      sql_(std::move(sql)),
      executor_(context, *expression_) {}

Result<std::unique_ptr<RowCondition>> RowCondition::Bind(duckdb::ClientContext& context, const TableLayout& layout,
                                                         const std::string& sql) {
  return CatchErrors([&]() -> Result<std::unique_ptr<RowCondition>> {
    auto parsed = TRY(ParseAlone(context, sql));
    duckdb::ColumnList columns;
    for (size_t i = 0; i < layout.schema.size(); i++)
      columns.AddColumn(duckdb::ColumnDefinition(layout.schema[i].name, layout.types[i]));
    duckdb::physical_index_set_t named;
    const auto binder = duckdb::Binder::CreateBinder(context);
    duckdb::CheckBinder check(*binder, context, "", columns, named);
    check.target_type = duckdb::LogicalType::BOOLEAN;
    auto bound = check.Bind(parsed);
    CheckExpression(*bound);
    if (bound->IsVolatile())
      return BadCondition(ErrorCode::kInvalidArgument, Reason::kSqlInvalid,
                          "the condition is another one for each row");
    for (const duckdb::PhysicalIndex column : named) {
      const auto& partition = layout.partition_columns;
      if (std::find(partition.begin(), partition.end(), column.index) != partition.end()) continue;
      const std::string& name = layout.schema[column.index].name;
      return BadCondition(
                 ErrorCode::kUnsupported, Reason::kUnsupportedCondition,
                 fmt::format("column {} does not partition the table: files may hold rows on both sides of the "
                             "condition",
                             name))
          .With("column", name);
    }
    FoldConstants(context, bound);
    return std::unique_ptr<RowCondition>(new RowCondition(context, layout, std::move(bound), sql));
  });
}

delta::Predicate RowCondition::ToPredicate() const {
  const ColumnOf column_of = [this](const duckdb::Expression& expression) -> std::optional<FilteredColumn> {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::BOUND_REF) return std::nullopt;
    const delta::Field& field = layout_.schema[expression.Cast<duckdb::BoundReferenceExpression>().index];
    return FilteredColumn{.path = {field.name}, .type = &field.type};
  };
  return duck::ToPredicate(*expression_, column_of);
}

std::vector<bool> RowCondition::Evaluate(duckdb::DataChunk& rows) {
  duckdb::Vector result(duckdb::LogicalType::BOOLEAN, rows.size());
  executor_.ExecuteExpression(rows, result);
  duckdb::UnifiedVectorFormat format;
  result.ToUnifiedFormat(rows.size(), format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<bool>(format);
  std::vector<bool> satisfied(rows.size());
  for (duckdb::idx_t row = 0; row < rows.size(); row++) {
    const auto index = format.sel->get_index(row);
    satisfied[row] = format.validity.RowIsValid(index) && values[index];
  }
  return satisfied;
}

Result<std::vector<delta::FileId>> RowCondition::FindFiles(const delta::Snapshot& snapshot) {
  return CatchErrors([&]() -> Result<std::vector<delta::FileId>> {
    const std::vector<delta::FileId> files = snapshot.files();
    std::vector<delta::FileId> found;
    duckdb::DataChunk rows;
    rows.Initialize(context_, layout_.types);
    for (size_t first = 0; first < files.size(); first += STANDARD_VECTOR_SIZE) {
      rows.Reset();
      const size_t count = std::min<size_t>(files.size() - first, STANDARD_VECTOR_SIZE);
      rows.SetCardinality(count);
      // All rows of a file have the same partition values, so one row per file decides. The condition names no other
      // columns.
      for (auto& column : rows.data) {
        column.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
        duckdb::ConstantVector::SetNull(column, true);
      }
      for (size_t i = 0; i < layout_.partition_columns.size(); i++) {
        const auto position = layout_.partition_columns[i];
        auto& column = rows.data[position];
        column.SetVectorType(duckdb::VectorType::FLAT_VECTOR);
        for (size_t row = 0; row < count; row++) {
          const delta::Scalar value = TRY(snapshot.partition_value(files[first + row], i));
          column.SetValue(row, ToValue(value, layout_.schema[position].type));
        }
      }
      const std::vector<bool> satisfied = Evaluate(rows);
      for (size_t row = 0; row < count; row++) {
        if (satisfied[row]) found.push_back(files[first + row]);
      }
    }
    return found;
  });
}

Result<void> RowCondition::RequireAll(duckdb::DataChunk& rows, uint64_t first_row) {
  const std::vector<bool> satisfied = Evaluate(rows);
  const auto outside = std::find(satisfied.begin(), satisfied.end(), false);
  if (outside == satisfied.end()) return {};
  const auto row = std::to_string(first_row + static_cast<uint64_t>(outside - satisfied.begin()));
  return BadCondition(ErrorCode::kInvalidArgument, Reason::kRowOutsideCondition,
                      fmt::format("row {} does not satisfy the condition {}", row, sql_.substr(0, 200)))
      .With("row", row);
}

}  // namespace yummy::duck
