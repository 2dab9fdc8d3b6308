#include "yummy/duck/statement_size.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace yummy::duck {
namespace {

using ExpressionPointer = duckdb::unique_ptr<duckdb::ParsedExpression>;

// Sums that grow twofold with each CTE stay in range.
uint64_t Add(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<uint64_t>::max() : sum;
}

uint64_t Multiply(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<uint64_t>::max() : product;
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

using Cte = duckdb::CommonTableExpressionInfo;
using Readers = std::map<const Cte*, uint64_t>;  // how often each CTE is named

// Macros of the library that name a parameter more than once, and how often at most.
uint64_t CopiesOfArguments(const duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() != duckdb::ExpressionClass::FUNCTION) return 1;
  const std::string name = duckdb::StringUtil::Lower(expression.Cast<duckdb::FunctionExpression>().function_name);
  for (const char* macro : {"array_pop_back", "array_to_string", "array_to_string_comma_default", "fmod", "nullif",
                            "split_part", "wavg", "weighted_avg"})
    if (name == macro) return 2;
  if (name == "round_even" || name == "roundbankers") return 3;
  return name == "map_to_pg_oid" ? 16 : 1;
}

// Goes to every table and every expression that a statement has.
class SizeWalk {
 public:
  /// CTEs with `readers` that are unknown count for each reader.
  SizeWalk(const SizeLimits& limits, Readers readers) : limits_(limits), readers_(std::move(readers)) {}

  Size Node(duckdb::QueryNode& node) {
    const auto outer = ctes_;
    for (auto& [name, cte] : node.cte_map.map) {
      Size size = Node(*cte->query->node);
      size.tables = Add(size.tables, Tables(cte->key_targets));
      if (IsMadeOnce(*cte, size)) {
        made_once_ = Add(made_once_, size.tables);
        size = Size{.tables = 1};
      }
      ctes_[duckdb::StringUtil::Lower(name)] = Named{cte.get(), size};
    }
    Size size = Body(node);
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(
        node, [&](ExpressionPointer& expression) { size.tables = Add(size.tables, Tables(expression)); });
    for (auto& modifier : node.modifiers) {
      if (modifier->type != duckdb::ResultModifierType::ORDER_MODIFIER) continue;
      Limit("keys of ORDER BY", modifier->Cast<duckdb::OrderModifier>().orders.size(), limits_.keys_max);
    }
    ctes_ = outer;
    Limit("tables", Add(made_once_, size.tables), limits_.tables_max);
    return size;
  }

  /// As far as the walk has come.
  const Readers& found_readers() const { return found_readers_; }

  Result<void> result() const {
    if (excess_) return *excess_;
    return {};
  }

 private:
  struct Named {
    const Cte* cte = nullptr;  // nullptr: the recursive one, inside itself
    Size size;
  };

  void Limit(const char* what, uint64_t found, uint64_t allowed) {
    if (found <= allowed || excess_) return;
    excess_ = Error(ErrorCode::kInvalidArgument, fmt::format("the statement has more than {} {}", allowed, what))
                  .WithReason("STATEMENT_TOO_LARGE")
                  .With("limit", std::to_string(allowed));
  }

  // What is made once is a table to those who read it. The engine writes small CTEs out for each reader where a LIMIT may spare it
  // rows; it judges by the tables that a CTE itself scans, so that chains of CTEs would grow without end: these are marked.
  bool IsMadeOnce(Cte& cte, const Size& size) const {
    using enum duckdb::CTEMaterialize;
    if (cte.materialized != CTE_MATERIALIZE_DEFAULT) return cte.materialized == CTE_MATERIALIZE_ALWAYS;
    const auto found = readers_.find(&cte);
    const uint64_t readers = found == readers_.end() ? 1 : found->second;
    if (readers == 1 || size.tables == 1 || Multiply(size.tables, readers) <= limits_.copied_tables_max) return false;
    cte.materialized = CTE_MATERIALIZE_ALWAYS;
    return true;
  }

  Size Body(duckdb::QueryNode& node) {
    using enum duckdb::QueryNodeType;
    Size size;
    switch (node.type) {
      case SELECT_NODE: return Select(node.Cast<duckdb::SelectNode>());
      case SET_OPERATION_NODE:
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children)
          size.tables = Add(size.tables, Node(*child).tables);
        return size;
      case RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        ctes_[duckdb::StringUtil::Lower(recursive.ctename)] = Named{.size = {.tables = 1}};
        size.tables = Add(Node(*recursive.left).tables, Node(*recursive.right).tables);
        size.tables = Add(size.tables, Tables(recursive.key_targets));
        return size;
      }
      case CTE_NODE: {
        auto& cte = node.Cast<duckdb::CTENode>();
        size += Node(*cte.query);
        size += Node(*cte.child);
        return size;
      }
      // Not made by the parser from a query.
      case BOUND_SUBQUERY_NODE:
      case STATEMENT_NODE: return size;
    }
    return size;
  }

  Size Select(duckdb::SelectNode& select) {
    Limit("columns in one SELECT", select.select_list.size(), limits_.columns_max);
    Limit("keys of GROUP BY", select.groups.group_expressions.size(), limits_.keys_max);
    Limit("grouping sets", select.groups.grouping_sets.size(), limits_.groupings_max);
    Size size;
    if (select.from_table) size = Ref(*select.from_table);
    Limit("joins in one FROM", size.joins, limits_.joins_max);
    size.tables = Add(size.tables, Tables(select.select_list));
    size.tables = Add(size.tables, Tables(select.groups.group_expressions));
    for (auto* clause : {&select.where_clause, &select.having, &select.qualify})
      size.tables = Add(size.tables, Tables(*clause));
    return size;
  }

  Size Ref(duckdb::TableRef& ref) {
    using enum duckdb::TableReferenceType;
    Size size;
    switch (ref.type) {
      case BASE_TABLE: return Table(ref.Cast<duckdb::BaseTableRef>());
      case SUBQUERY: return Node(*ref.Cast<duckdb::SubqueryRef>().subquery->node);
      case PIVOT: return Pivot(ref.Cast<duckdb::PivotRef>());
      case JOIN: {
        auto& join = ref.Cast<duckdb::JoinRef>();
        size = Ref(*join.left);
        size += Ref(*join.right);
        size += Size{.tables = Tables(join.condition), .joins = 1};
        size.tables = Add(size.tables, Tables(join.duplicate_eliminated_columns));
        return size;
      }
      case TABLE_FUNCTION: {
        auto& function = ref.Cast<duckdb::TableFunctionRef>();
        size.tables = Add(1, Tables(function.function));
        if (function.subquery) size.tables = Add(size.tables, Node(*function.subquery->node).tables);
        return size;
      }
      case EXPRESSION_LIST:
        size.tables = 1;
        for (auto& row : ref.Cast<duckdb::ExpressionListRef>().values) size.tables = Add(size.tables, Tables(row));
        return size;
      case SHOW_REF: {
        auto& show = ref.Cast<duckdb::ShowRef>();
        return show.query ? Node(*show.query) : Size{.tables = 1};
      }
      case EMPTY_FROM: return {.tables = 1};
      // Not made by the parser.
      case INVALID:
      case CTE:
      case COLUMN_DATA:
      case DELIM_GET:
      case BOUND_TABLE_REF: return {.tables = 1};
    }
    return size;
  }

  Size Table(duckdb::BaseTableRef& table) {
    Size size{.tables = 1};
    const auto cte = ctes_.find(duckdb::StringUtil::Lower(table.table_name));
    const bool is_bare = table.catalog_name.empty() && table.schema_name.empty();
    if (is_bare && cte != ctes_.end()) {
      size = cte->second.size;
      found_readers_[cte->second.cte]++;
    }
    if (table.at_clause) size.tables = Add(size.tables, Tables(table.at_clause->ExpressionMutable()));
    return size;
  }

  // The aggregates are written out for each of the values, those of several columns multiplied.
  Size Pivot(duckdb::PivotRef& pivot) {
    Size size{.tables = Ref(*pivot.source).tables};
    uint64_t values = 1;
    for (auto& column : pivot.pivots) {
      values = Multiply(values, std::max<uint64_t>(column.entries.size(), 1));
      size.tables = Add(size.tables, Tables(column.pivot_expressions));
      for (auto& entry : column.entries) size.tables = Add(size.tables, Tables(entry.expr));
      if (column.subquery) size.tables = Add(size.tables, Node(*column.subquery).tables);
    }
    size.tables = Add(size.tables, Multiply(Tables(pivot.aggregates), values));
    return size;
  }

  // Of the sub-queries in an expression, which may be left out of the statement.
  uint64_t Tables(ExpressionPointer& expression) {
    if (!expression) return 0;
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::WINDOW)
      Limit("windows", ++windows_, limits_.windows_max);
    uint64_t tables = 0;
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY)
      tables = Node(*expression->Cast<duckdb::SubqueryExpression>().subquery->node).tables;
    const uint64_t outer = copies_;
    copies_ = Multiply(copies_, CopiesOfArguments(*expression));
    if (copies_ > 1) copied_ = Add(copied_, copies_);
    Limit("copies of arguments, as fmod and nullif make them", copied_, limits_.copies_max);
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        *expression, [&](ExpressionPointer& child) { tables = Add(tables, Tables(child)); });
    copies_ = outer;
    return tables;
  }

  uint64_t Tables(duckdb::vector<ExpressionPointer>& expressions) {
    uint64_t tables = 0;
    for (auto& expression : expressions) tables = Add(tables, Tables(expression));
    return tables;
  }

  const SizeLimits& limits_;
  const Readers readers_;
  Readers found_readers_;
  std::map<std::string, Named> ctes_;  // in scope, by lower-case names
  uint64_t made_once_ = 0;             // tables in CTEs that are made once
  uint64_t windows_ = 0;
  uint64_t copies_ = 1;  // of what the walk is at
  uint64_t copied_ = 0;  // expressions
  std::optional<Error> excess_;
};

}  // namespace

Result<void> BoundSize(duckdb::QueryNode& node, const SizeLimits& limits) {
  SizeWalk count(limits, {});
  count.Node(node);
  SizeWalk walk(limits, count.found_readers());
  walk.Node(node);
  return walk.result();
}

}  // namespace yummy::duck
