#pragma once
// Delta's types and values as DuckDB's, and back.

#include <optional>

#include "yummy/base/result.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// The type that a column has in SQL: timestamp is TIMESTAMP WITH TIME ZONE, timestamp_ntz TIMESTAMP, binary BLOB. A
/// void column is an INTEGER that is always null: every consumer can take that, DuckDB's own NULL type many cannot.
/// Errors: Unsupported (reason UNSUPPORTED_TYPE: variant).
Result<duckdb::LogicalType> ToLogicalType(const delta::DataType& type);

/// As ToLogicalType, with the physical names of nested fields: the type as data files have it.
Result<duckdb::LogicalType> ToPhysicalType(const delta::DataType& type);

/// The type of a column of a table that is being created.
/// Errors: Unsupported (reason UNSUPPORTED_TYPE: unsigned integers over 32 bits, TIME, INTERVAL, UUID, ENUM …), named.
Result<delta::DataType> ToDeltaType(const duckdb::LogicalType& type);

/// A value of ToLogicalType(type).
duckdb::Value ToValue(const delta::Scalar& scalar, const delta::DataType& type);

/// The value in the form of the column's type; null for null.
/// Errors: InvalidArgument (reason SCHEMA_MISMATCH) when the type cannot hold exactly this value.
Result<delta::Scalar> ToScalar(const duckdb::Value& value, const delta::DataType& type);

/// As ToScalar for a constant that a column of `type` is compared with, perhaps after a cast of the column to the
/// constant's type: absent unless the comparison gives the same answers on the column's own values.
std::optional<delta::Scalar> ToComparable(const duckdb::Value& value, const delta::DataType& type);

}  // namespace yummy::duck
