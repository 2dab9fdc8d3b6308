#include "yummy/duck/optimizer/pushed_filters.h"

#include <algorithm>
#include <utility>

#include <duckdb/execution/operator/join/join_filter_pushdown.hpp>
#include <duckdb/optimizer/optimizer_extension.hpp>
#include <duckdb/planner/filter/dynamic_filter.hpp>

#include "yummy/duck/scan/filter_predicate.h"

namespace yummy::duck {
namespace {

using duckdb::DynamicFilterData;
using duckdb::LogicalOperator;
using duckdb::LogicalOperatorType;
using duckdb::LogicalType;
using duckdb::TableFilter;
using duckdb::TableFilterType;
using FilterPointer = duckdb::unique_ptr<TableFilter>;

// True if the output rows depend on the number or the order of the input rows. If a row is missing, another one takes
// its place.
bool CountsRows(const LogicalOperator& plan) {
  switch (plan.type) {
    case LogicalOperatorType::LOGICAL_LIMIT:
    case LogicalOperatorType::LOGICAL_TOP_N: return true;
    case LogicalOperatorType::LOGICAL_DISTINCT:
      return plan.Cast<duckdb::LogicalDistinct>().distinct_type == duckdb::DistinctType::DISTINCT_ON;
    default: return false;
  }
}

// True if rows of the right side come out with nulls when no row of the left side matches. A join above drops these
// nulls again, but a Top-N may want them.
bool MakesNulls(const LogicalOperator& plan) {
  if (plan.type != LogicalOperatorType::LOGICAL_COMPARISON_JOIN) return false;
  const auto type = plan.Cast<duckdb::LogicalComparisonJoin>().join_type;
  return type == duckdb::JoinType::RIGHT || type == duckdb::JoinType::OUTER;
}

// Calls `visit` for each scan below, and says whether its rows pass through an operator for which `is_barrier` is true.
template <typename IsBarrier, typename Visit>
void ForEachScan(LogicalOperator& plan, bool behind_barrier, const IsBarrier& is_barrier, const Visit& visit) {
  if (plan.type == LogicalOperatorType::LOGICAL_GET) visit(plan.Cast<duckdb::LogicalGet>(), behind_barrier);
  behind_barrier = behind_barrier || is_barrier(plan);
  for (auto& child : plan.children) ForEachScan(*child, behind_barrier, is_barrier, visit);
}

void CheckJoin(duckdb::LogicalComparisonJoin& join) {
  if (!join.filter_pushdown || join.filter_pushdown->probe_info.empty()) return;
  auto& probes = join.filter_pushdown->probe_info;
  ForEachScan(*join.children[0], false, CountsRows, [&](duckdb::LogicalGet& scan, bool behind_barrier) {
    if (!behind_barrier || !scan.dynamic_filters) return;
    const auto reaches = [&](const auto& probe) { return probe.dynamic_filters == scan.dynamic_filters; };
    probes.erase(std::remove_if(probes.begin(), probes.end(), reaches), probes.end());
  });
}

template <typename Filter>
bool AnyRefersTo(const Filter& filter, const DynamicFilterData& bound);

bool RefersTo(const TableFilter& filter, const DynamicFilterData& bound) {
  switch (filter.filter_type) {
    case TableFilterType::DYNAMIC_FILTER: return filter.Cast<duckdb::DynamicFilter>().filter_data.get() == &bound;
    case TableFilterType::OPTIONAL_FILTER: {
      const auto& child = filter.Cast<duckdb::OptionalFilter>().child_filter;
      return child && RefersTo(*child, bound);
    }
    case TableFilterType::CONJUNCTION_AND: return AnyRefersTo(filter.Cast<duckdb::ConjunctionAndFilter>(), bound);
    case TableFilterType::CONJUNCTION_OR: return AnyRefersTo(filter.Cast<duckdb::ConjunctionOrFilter>(), bound);
    default: return false;
  }
}

template <typename Filter>
bool AnyRefersTo(const Filter& filter, const DynamicFilterData& bound) {
  return std::any_of(filter.child_filters.begin(), filter.child_filters.end(),
                     [&](const FilterPointer& child) { return RefersTo(*child, bound); });
}

// The filter without the bound; null if nothing else is left. A Top-N adds its bound as an optional filter, joined by
// AND to existing ones.
FilterPointer Without(FilterPointer filter, const DynamicFilterData& bound) {
  if (!RefersTo(*filter, bound)) return filter;
  if (filter->filter_type != TableFilterType::CONJUNCTION_AND) return nullptr;
  auto& children = filter->Cast<duckdb::ConjunctionAndFilter>().child_filters;
  for (auto& child : children) child = Without(std::move(child), bound);
  children.erase(std::remove(children.begin(), children.end(), nullptr), children.end());
  return children.empty() ? nullptr : std::move(filter);
}

// A wider type orders values like the column's own type. Such a bound may skip files, but not rows (FitFilters).
bool Fits(const LogicalType& bound, const duckdb::vector<LogicalType>& columns, duckdb::idx_t column) {
  return column < columns.size() && (columns[column] == bound || KeepsComparisons(columns[column], bound));
}

void CheckTopN(duckdb::LogicalTopN& top) {
  if (!top.dynamic_filter) return;
  const DynamicFilterData& bound = *top.dynamic_filter;
  const auto type = bound.filter->constant.type();
  const auto is_barrier = [](const LogicalOperator& plan) { return CountsRows(plan) || MakesNulls(plan); };
  ForEachScan(*top.children[0], false, is_barrier, [&](duckdb::LogicalGet& scan, bool behind_barrier) {
    auto& filters = scan.table_filters.filters;
    for (auto entry = filters.begin(); entry != filters.end();) {
      if (!behind_barrier && Fits(type, scan.returned_types, entry->first)) {
        ++entry;
        continue;
      }
      entry->second = Without(std::move(entry->second), bound);
      entry = entry->second ? std::next(entry) : filters.erase(entry);
    }
  });
}

void Check(LogicalOperator& plan) {
  if (plan.type == LogicalOperatorType::LOGICAL_COMPARISON_JOIN) CheckJoin(plan.Cast<duckdb::LogicalComparisonJoin>());
  if (plan.type == LogicalOperatorType::LOGICAL_TOP_N) CheckTopN(plan.Cast<duckdb::LogicalTopN>());
  for (auto& child : plan.children) Check(*child);
}

void CheckPlan(duckdb::OptimizerExtensionInput&, duckdb::unique_ptr<LogicalOperator>& plan) { Check(*plan); }

}  // namespace

void RegisterPushedFilterCheck(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.optimize_function = CheckPlan;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
