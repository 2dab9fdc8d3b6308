#pragma once
// How the types of a query's result look in Arrow. Everything that a SELECT can return has a form there: what Arrow
// lacks, or has in a form that few readers know, is cast by DuckDB first.

#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// The type to which a column is cast before it becomes Arrow; the type itself when nothing needs a cast.
/// HUGEINT and UHUGEINT become DECIMAL(38,0), exactly or not at all; seconds and milliseconds become microseconds;
/// UUID, ENUM, INTERVAL, TIMETZ, BIT, BIGNUM, UNION, VARIANT and GEOMETRY become text; aliases (JSON) go.
duckdb::LogicalType ArrowReadyType(const duckdb::LogicalType& type);

/// Errors: Unsupported (a type without a form in Arrow).
Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(const duckdb::LogicalType& arrow_ready);

}  // namespace yummy::duck
