#include "yummy/duck/guard/statement_size.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/saturating.h"

namespace yummy::duck {
namespace {

using ExpressionPointer = duckdb::unique_ptr<duckdb::ParsedExpression>;

struct Size {
  uint64_t tables = 0;
  uint64_t joins = 0;  // joins that the optimiser may order together with those around
  uint64_t work = 0;   // steps to order all other joins

  Size& operator+=(const Size& other) {
    tables = SaturatedSum(tables, other.tables);
    joins = SaturatedSum(joins, other.joins);
    work = SaturatedSum(work, other.work);
    return *this;
  }

  /// The size if the joins are ordered by themselves, which takes the cube of their number.
  Size Apart() const {
    return {.tables = tables, .work = SaturatedSum(work, SaturatedProduct(joins, SaturatedProduct(joins, joins)) / 8)};
  }

  Size Times(uint64_t copies) const {
    return {.tables = SaturatedProduct(tables, copies),
            .joins = SaturatedProduct(joins, copies),
            .work = SaturatedProduct(work, copies)};
  }
};

using Cte = duckdb::CommonTableExpressionInfo;
using Readers = std::map<const Cte*, uint64_t>;  // how often each CTE is named

bool IsFunction(const duckdb::ParsedExpression& expression) {
  return expression.GetExpressionClass() == duckdb::ExpressionClass::FUNCTION;
}

// Decides by form, because only the binder knows which functions are aggregates.
bool MayAggregate(const duckdb::ParsedExpression& expression) {
  bool found = IsFunction(expression) && !expression.Cast<duckdb::FunctionExpression>().is_operator;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::ParsedExpression& child) { found = found || MayAggregate(child); });
  return found;
}

bool MayAggregate(const duckdb::SelectNode& select) {
  return !select.groups.group_expressions.empty() ||
         std::ranges::any_of(select.select_list, [](const auto& column) { return MayAggregate(*column); });
}

// True if the expression is copied for each column that it names: `COLUMNS(*) + 1`.
bool HasColumns(const duckdb::ParsedExpression& expression) {
  if (expression.GetExpressionClass() == duckdb::ExpressionClass::STAR)
    return expression.Cast<duckdb::StarExpression>().columns;
  bool found = false;
  duckdb::ParsedExpressionIterator::EnumerateChildren(
      expression, [&](const duckdb::ParsedExpression& child) { found = found || HasColumns(child); });
  return found;
}

// Visits every table and every expression of a statement.
class SizeWalk {
 public:
  /// A CTE whose number of readers is not in `readers` counts for each reader.
  SizeWalk(const SizeLimits& limits, Readers readers) : limits_(limits), readers_(std::move(readers)) {}

  Size Node(duckdb::QueryNode& node) {
    const auto outer = ctes_;
    for (auto& [name, cte] : node.cte_map.map) {
      Size size = Node(*cte->query->node);
      size += Of(cte->key_targets);
      if (IsMadeOnce(*cte, size)) {
        made_once_ += size.Apart();
        size = Size{.tables = 1};
      }
      ctes_[duckdb::StringUtil::Lower(name)] = Named{cte.get(), size};
    }
    Size size = Body(node);
    duckdb::ParsedExpressionIterator::EnumerateQueryNodeModifiers(
        node, [&](ExpressionPointer& expression) { size += Clause(expression); });
    for (auto& modifier : node.modifiers) {
      if (modifier->type != duckdb::ResultModifierType::ORDER_MODIFIER) continue;
      Limit("keys of ORDER BY", modifier->Cast<duckdb::OrderModifier>().orders.size(), limits_.keys_max);
    }
    ctes_ = outer;
    Limit("tables", SaturatedSum(made_once_.tables, size.tables), limits_.tables_max);
    Limit("steps to plan its joins and nested aggregates", SaturatedSum(made_once_.work, size.Apart().work),
          limits_.work_max);
    return size;
  }

  /// The readers that the walk has found so far.
  const Readers& found_readers() const { return found_readers_; }

  Result<void> result() const {
    if (excess_) return *excess_;
    return {};
  }

 private:
  struct Named {
    const Cte* cte = nullptr;  // null for a recursive CTE inside itself
    Size size;
  };

  void Limit(const char* what, uint64_t found, uint64_t allowed) {
    if (found <= allowed || excess_) return;
    excess_ = Error(ErrorCode::kInvalidArgument, fmt::format("the statement has more than {} {}", allowed, what))
                  .WithReason(Reason::kStatementTooLarge)
                  .With("limit", std::to_string(allowed));
  }

  // A CTE that is computed once is like a table for its readers. The engine copies small CTEs for each reader, because
  // a LIMIT may then save rows. It decides by the tables that the CTE itself scans, so chains of CTEs would grow
  // exponentially. These are marked as materialized.
  bool IsMadeOnce(Cte& cte, const Size& size) const {
    using enum duckdb::CTEMaterialize;
    if (cte.materialized != CTE_MATERIALIZE_DEFAULT) return cte.materialized == CTE_MATERIALIZE_ALWAYS;
    const auto found = readers_.find(&cte);
    const uint64_t readers = found == readers_.end() ? 1 : found->second;
    const bool is_copied =
        readers > 1 && size.tables > 1 && SaturatedProduct(size.tables, readers) > limits_.copied_tables_max;
    if (!is_copied && size.work <= limits_.cte_work_max) return false;
    cte.materialized = CTE_MATERIALIZE_ALWAYS;
    return true;
  }

  Size Body(duckdb::QueryNode& node) {
    using enum duckdb::QueryNodeType;
    Size size;
    switch (node.type) {
      case SELECT_NODE: return Select(node.Cast<duckdb::SelectNode>());
      case SET_OPERATION_NODE:
        for (auto& child : node.Cast<duckdb::SetOperationNode>().children) size += Node(*child).Apart();
        return size;
      case RECURSIVE_CTE_NODE: {
        auto& recursive = node.Cast<duckdb::RecursiveCTENode>();
        ctes_[duckdb::StringUtil::Lower(recursive.ctename)] = Named{.size = {.tables = 1}};
        size = Node(*recursive.left).Apart();
        size += Node(*recursive.right).Apart();
        size += Of(recursive.key_targets);
        return size;
      }
      case CTE_NODE: {
        auto& cte = node.Cast<duckdb::CTENode>();
        size += Node(*cte.query);
        size += Node(*cte.child);
        return size;
      }
      // The parser does not make this node from a query.
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
    // In later clauses an alias stands for its whole expression.
    const auto outer = std::exchange(aliases_, {});
    for (auto& column : select.select_list) {
      const uint64_t before = expressions_;
      size += Clause(column);
      if (!column->GetAlias().empty()) aliases_[duckdb::StringUtil::Lower(column->GetAlias())] = expressions_ - before;
    }
    for (auto& key : select.groups.group_expressions) size += Clause(key);
    for (auto* clause : {&select.where_clause, &select.having, &select.qualify}) size += Clause(*clause);
    aliases_ = outer;
    // The optimiser orders the joins below an aggregate once more for each aggregate above.
    if (MayAggregate(select)) size.work = SaturatedProduct(SaturatedSum(size.Apart().work, 1), 2);
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
        size += Of(join.condition);
        size += Of(join.duplicate_eliminated_columns);
        size.joins = SaturatedSum(size.joins, 1);
        return size;
      }
      case TABLE_FUNCTION: {
        auto& function = ref.Cast<duckdb::TableFunctionRef>();
        size = Of(function.function);
        if (function.subquery) size += Node(*function.subquery->node).Apart();
        size.tables = SaturatedSum(size.tables, 1);
        return size;
      }
      case EXPRESSION_LIST:
        size.tables = 1;
        for (auto& row : ref.Cast<duckdb::ExpressionListRef>().values) size += Of(row);
        return size;
      case SHOW_REF: {
        auto& show = ref.Cast<duckdb::ShowRef>();
        return show.query ? Node(*show.query) : Size{.tables = 1};
      }
      case EMPTY_FROM: return {.tables = 1};
      // The parser does not make these.
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
    if (table.at_clause) size += Of(table.at_clause->ExpressionMutable());
    return size;
  }

  // The aggregates are copied for each value. The values of several columns multiply.
  Size Pivot(duckdb::PivotRef& pivot) {
    Size size = Ref(*pivot.source).Apart();
    uint64_t values = 1;
    for (auto& column : pivot.pivots) {
      values = SaturatedProduct(values, std::max<uint64_t>(column.entries.size(), 1));
      size += Of(column.pivot_expressions);
      for (auto& entry : column.entries) size += Of(entry.expr);
      if (column.subquery) size += Node(*column.subquery).Apart();
    }
    size += Of(pivot.aggregates).Times(values);
    return size;
  }

  // The size of a clause of a SELECT; the clause may be absent.
  Size Clause(ExpressionPointer& clause) {
    if (!clause || !HasColumns(*clause)) return Of(clause);
    const uint64_t outer = copies_;
    copies_ = SaturatedProduct(copies_, limits_.columns_copied);
    const Size size = Of(clause).Times(limits_.columns_copied);
    copies_ = outer;
    return size;
  }

  // The size of the sub-queries in an expression; the expression may be absent.
  Size Of(ExpressionPointer& expression) {
    Size size;
    if (!expression) return size;
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::WINDOW)
      Limit("windows", ++windows_, limits_.windows_max);
    if (expression->GetExpressionClass() == duckdb::ExpressionClass::SUBQUERY) {
      // Its single value is an aggregate, too.
      size = Node(*expression->Cast<duckdb::SubqueryExpression>().subquery->node).Apart();
      size.work = SaturatedProduct(size.work, 2);
    }
    const uint64_t length = SaturatedProduct(copies_, LengthOf(*expression));
    expressions_ = SaturatedSum(expressions_, length);
    if (length > 1) copied_ = SaturatedSum(copied_, length);
    Limit("copies of arguments and aliases, and of what stands with COLUMNS", copied_, limits_.copies_max);
    const uint64_t outer = copies_;
    const uint64_t copies =
        IsFunction(*expression) ? CopiesOfArguments(expression->Cast<duckdb::FunctionExpression>().function_name) : 1;
    copies_ = SaturatedProduct(copies_, copies);
    duckdb::ParsedExpressionIterator::EnumerateChildren(
        *expression, [&](ExpressionPointer& child) { size += Of(child).Times(copies); });
    copies_ = outer;
    return size;
  }

  Size Of(duckdb::vector<ExpressionPointer>& expressions) {
    Size size;
    for (auto& expression : expressions) size += Of(expression);
    return size;
  }

  // The length in expressions, without its children.
  uint64_t LengthOf(const duckdb::ParsedExpression& expression) const {
    if (expression.GetExpressionClass() != duckdb::ExpressionClass::COLUMN_REF) return 1;
    const auto& column = expression.Cast<duckdb::ColumnRefExpression>();
    const auto alias =
        column.IsQualified() ? aliases_.end() : aliases_.find(duckdb::StringUtil::Lower(column.GetColumnName()));
    return alias == aliases_.end() ? 1 : alias->second;
  }

  const SizeLimits& limits_;
  const Readers readers_;
  Readers found_readers_;
  std::map<std::string, Named> ctes_;        // in scope, by lower-case names
  std::map<std::string, uint64_t> aliases_;  // aliases of the current SELECT, with the lengths of their expressions
  Size made_once_;                           // the size of all CTEs that are computed once
  uint64_t windows_ = 0;
  uint64_t copies_ = 1;       // how often the current expression is copied
  uint64_t copied_ = 0;       // copied expressions
  uint64_t expressions_ = 0;  // all expressions
  std::optional<Error> excess_;
};

}  // namespace

uint64_t CopiesOfArguments(const std::string& function) {
  static constexpr std::pair<std::string_view, uint64_t> kMacros[] = {
      {"array_pop_back", 2},
      {"array_to_string", 2},
      {"array_to_string_comma_default", 2},
      {"fmod", 2},
      {"format_pg_type", 15},
      {"json_group_array", 2},
      {"json_group_object", 2},
      {"json_group_structure", 2},
      {"map_contains_entry", 2},
      {"map_to_pg_oid", 19},
      {"nullif", 2},
      {"round_even", 3},
      {"roundbankers", 3},
      {"split_part", 2},
      {"wavg", 2},
      {"weighted_avg", 2},
  };
  const std::string name = duckdb::StringUtil::Lower(function);
  const auto* const found = std::ranges::find(kMacros, name, &std::pair<std::string_view, uint64_t>::first);
  return found == std::end(kMacros) ? 1 : found->second;
}

Result<void> BoundSize(duckdb::QueryNode& node, const SizeLimits& limits) {
  SizeWalk count(limits, {});
  count.Node(node);
  if (count.found_readers().empty()) return count.result();
  SizeWalk walk(limits, count.found_readers());
  walk.Node(node);
  return walk.result();
}

}  // namespace yummy::duck
