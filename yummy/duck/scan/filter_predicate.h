#pragma once
// DuckDB's filters as delta::Predicate: the only place that knows DuckDB's expression and filter classes.

#include <functional>
#include <optional>

#include "yummy/delta/files/predicate.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// A column of the table, or a field of one, as a predicate names it.
struct FilteredColumn {
  delta::ColumnPath path;
  const delta::DataType* type = nullptr;  // lives as long as the schema
};

/// The column of the schema that a reference within an expression means; absent when it is none of the table's.
using ColumnOf = std::function<std::optional<FilteredColumn>(const duckdb::Expression&)>;

/// What can be decided of the expression from a file's metadata. Never stronger than the expression: whatever has no
/// form as a predicate is Unknown.
delta::Predicate ToPredicate(const duckdb::Expression& expression, const ColumnOf& column_of);

/// The same for a filter on one column. A Top-N filter counts with the bound that it has at this moment.
delta::Predicate ToPredicate(const duckdb::TableFilter& filter, const FilteredColumn& column);

/// True when the cast keeps order and equality of all values and cannot fail; ToComparable (types.h) knows which
/// constants then compare alike.
bool KeepsComparisons(const duckdb::LogicalType& from, const duckdb::LogicalType& to);

/// True when the filter's bounds may become tighter while the scan runs (Top-N).
bool IsDynamic(const duckdb::TableFilter& filter);

/// The comparison of the Top-N filter in it; absent when there is none.
std::optional<duckdb::ExpressionType> DynamicComparison(const duckdb::TableFilter& filter);

}  // namespace yummy::duck
