#pragma once
// The Arrow types of a query's result. Everything that a SELECT can return has an Arrow type: DuckDB first casts types
// that Arrow lacks, or that few readers of Arrow know.

#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// The type to which a column is cast before it becomes Arrow; the type itself if it needs no cast. HUGEINT and
/// UHUGEINT become DECIMAL(38,0), or an error if that is not exact. Seconds and milliseconds become microseconds. UUID,
/// ENUM, INTERVAL, TIMETZ, BIT, BIGNUM, UNION, VARIANT and GEOMETRY become text. Aliases (JSON) are dropped.
duckdb::LogicalType ArrowReadyType(const duckdb::LogicalType& type);

/// Errors: Unsupported (a type without a form in Arrow).
Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(const duckdb::LogicalType& arrow_ready);

}  // namespace yummy::duck
