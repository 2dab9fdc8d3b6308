#include "yummy/duck/statement_size.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace yummy::duck {
namespace {

using ExpressionPointer = duckdb::unique_ptr<duckdb::ParsedExpression>;

// Sums that grow twofold with each CTE stay in range.
uint64_t Add(uint64_t a, uint64_t b) {
  return a > std::numeric_limits<uint64_t>::max() - b ? std::numeric_limits<uint64_t>::max() : a + b;
}

struct Size {
  uint64_t tables = 0;
  uint64_t joins = 0;  // that the optimiser may bring into one order with those around

  Size& operator+=(const Size& other) {
    tables = Add(tables, other.tables);
    joins = Add(joins, other.joins);
    return *this;
  }
};

class SizeWalk {
 public:
  explicit SizeWalk(const SizeLimits& limits) : limits_(limits) {}

  Size Node(duckdb::QueryNode& node) {
    const auto outer = ctes_;
    for (auto& [name, cte] : node.cte_map.map) {
      Size size = Node(*cte->query->node);
      // What is made once is a table to those who read it.
      if (cte->materialized != duckdb::CTEMaterialize::CTE_MATERIALIZE_NEVER) {
        tables_ = Add(tables_, size.tables);
        size.tables = 1;
      }
      ctes_[duckdb::StringUtil::Lower(name)] = size;
    }
    Size size = Body(node);
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(
        node, [&](ExpressionPointer& expression) { size.tables = Add(size.tables, Tables(*expression)); });
    for (auto& modifier : node.modifiers) {
      if (modifier->type != duckdb::ResultModifierType::ORDER_MODIFIER) continue;
      Limit("keys of ORDER BY", modifier->Cast<duckdb::OrderModifier>().orders.size(), limits_.keys_max);
    }
    ctes_ = outer;
    Limit("tables", Add(tables_, size.tables), limits_.tables_max);
    return size;
  }

  Result<void> result() const {
    if (excess_) return *excess_;
    return {};
  }

 private:
  void Limit(const char* what, uint64_t found, uint64_t allowed) {
    if (found <= allowed || excess_) return;
    excess_ = Error(ErrorCode::kInvalidArgument, fmt::format("the statement has more than {} {}", allowed, what))
                  .WithReason("STATEMENT_TOO_LARGE")
                  .With("limit", std::to_string(allowed));
  }

  Size Body(duckdb::QueryNode& node) {
    switch (node.type) {
      case duckdb::QueryNodeType::SELECT_NODE: return Select(node.Cast<duckdb::SelectNode>());
      case duckdb::QueryNodeType::SET_OPERATION_NODE: {
        Size size;
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children) size.tables += Node(*child).tables;
        return size;
      }
      case duckdb::QueryNodeType::RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        ctes_[duckdb::StringUtil::Lower(recursive.ctename)] = Size{.tables = 1};
        return {.tables = Add(Node(*recursive.left).tables, Node(*recursive.right).tables)};
      }
      default: return {};
    }
  }

  Size Select(duckdb::SelectNode& select) {
    Limit("columns in one SELECT", select.select_list.size(), limits_.columns_max);
    Limit("keys of GROUP BY", select.groups.group_expressions.size(), limits_.keys_max);
    Limit("grouping sets", select.groups.grouping_sets.size(), limits_.groupings_max);
    Size size;
    if (select.from_table) size = Ref(*select.from_table);
    Limit("joins in one FROM", size.joins, limits_.joins_max);
    for (auto& expression : select.select_list) size.tables = Add(size.tables, Tables(*expression));
    for (auto& expression : select.groups.group_expressions) size.tables = Add(size.tables, Tables(*expression));
    for (auto* clause : {&select.where_clause, &select.having, &select.qualify})
      if (*clause) size.tables = Add(size.tables, Tables(**clause));
    return size;
  }

  Size Ref(duckdb::TableRef& ref) {
    switch (ref.type) {
      case duckdb::TableReferenceType::BASE_TABLE: return Named(ref.Cast<duckdb::BaseTableRef>());
      case duckdb::TableReferenceType::SUBQUERY: return Node(*ref.Cast<duckdb::SubqueryRef>().subquery->node);
      case duckdb::TableReferenceType::PIVOT: return {.tables = Ref(*ref.Cast<duckdb::PivotRef>().source).tables};
      case duckdb::TableReferenceType::JOIN: {
        auto& join = ref.Cast<duckdb::JoinRef>();
        Size size = Ref(*join.left);
        size += Ref(*join.right);
        size += Size{.tables = join.condition ? Tables(*join.condition) : 0, .joins = 1};
        return size;
      }
      case duckdb::TableReferenceType::SHOW_REF: {
        auto& show = ref.Cast<duckdb::ShowRef>();
        return show.query ? Node(*show.query) : Size{};
      }
      default: return {.tables = 1};
    }
  }

  Size Named(const duckdb::BaseTableRef& table) const {
    const auto cte = ctes_.find(duckdb::StringUtil::Lower(table.table_name));
    const bool is_bare = table.catalog_name.empty() && table.schema_name.empty();
    return is_bare && cte != ctes_.end() ? cte->second : Size{.tables = 1};
  }

  // Of the sub-queries in an expression.
  uint64_t Tables(duckdb::ParsedExpression& expression) {
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::WINDOW)
      Limit("windows", ++windows_, limits_.windows_max);
    uint64_t tables = 0;
    if (expression.GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY)
      tables = Node(*expression.Cast<duckdb::SubqueryExpression>().subquery->node).tables;
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        expression, [&](ExpressionPointer& child) { tables = Add(tables, Tables(*child)); });
    return tables;
  }

  const SizeLimits& limits_;
  std::map<std::string, Size> ctes_;  // in scope, by lower-case names
  uint64_t tables_ = 0;               // in CTEs that are made once
  uint64_t windows_ = 0;
  std::optional<Error> excess_;
};

}  // namespace

Result<void> CheckSize(duckdb::QueryNode& node, const SizeLimits& limits) {
  SizeWalk walk(limits);
  walk.Node(node);
  return walk.result();
}

}  // namespace yummy::duck
