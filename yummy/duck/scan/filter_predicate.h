#pragma once
// Turns DuckDB's filters into delta::Predicate. Nothing else knows DuckDB's expression and filter classes.

#include <functional>
#include <optional>

#include "yummy/delta/files/predicate.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// A column of the table or a field of one, with its name in a predicate.
struct FilteredColumn {
  delta::ColumnPath path;
  const delta::DataType* type = nullptr;  // lives as long as the schema
};

/// Gives the column that a reference in an expression means; absent if it is not a column of the table.
using ColumnOf = std::function<std::optional<FilteredColumn>(const duckdb::Expression&)>;

/// The part of the expression that a file's metadata can decide. It is never stronger than the expression: parts
/// without a form as a predicate become Unknown.
delta::Predicate ToPredicate(const duckdb::Expression& expression, const ColumnOf& column_of);

/// The same for a filter on one column. A Top-N filter counts with its current bound.
delta::Predicate ToPredicate(const duckdb::TableFilter& filter, const FilteredColumn& column);

/// True if the cast keeps order and equality of all values and cannot fail. ToComparable (types.h) then decides which
/// constants compare in the same way.
bool KeepsComparisons(const duckdb::LogicalType& from, const duckdb::LogicalType& to);

/// True if the bounds of the filter may become tighter while the scan runs (Top-N).
bool IsDynamic(const duckdb::TableFilter& filter);

/// The comparison of the Top-N filter in `filter`; absent if there is none.
std::optional<duckdb::ExpressionType> DynamicComparison(const duckdb::TableFilter& filter);

}  // namespace yummy::duck
