#pragma once
// Converts Delta's types and values to DuckDB's and back.

#include <optional>

#include "yummy/base/result.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// The type of a column in SQL: timestamp is TIMESTAMP WITH TIME ZONE, timestamp_ntz is TIMESTAMP, binary is BLOB. A
/// void column is an INTEGER that is always null, because many consumers cannot take DuckDB's own NULL type.
/// Errors: Unsupported (reason UNSUPPORTED_TYPE: variant).
Result<duckdb::LogicalType> ToLogicalType(const delta::DataType& type);

/// The type of a column in data files: as ToLogicalType, but with the physical names of nested fields.
Result<duckdb::LogicalType> ToPhysicalType(const delta::DataType& type);

/// The Delta type for a column of a new table. Errors: Unsupported (reason UNSUPPORTED_TYPE: unsigned integers over 32
/// bits, TIME, INTERVAL, UUID, ENUM …); the message names the type.
Result<delta::DataType> ToDeltaType(const duckdb::LogicalType& type);

/// A value of ToLogicalType(type).
duckdb::Value ToValue(const delta::Scalar& scalar, const delta::DataType& type);

/// The value in the form of the column's type; null for null.
/// Errors: InvalidArgument (reason SCHEMA_MISMATCH) when the type cannot hold exactly this value.
Result<delta::Scalar> ToScalar(const duckdb::Value& value, const delta::DataType& type);

/// As ToScalar, for a constant that is compared with a column of `type`; the column may be cast to the constant's type
/// for that. Absent unless comparing the column's own values with the result gives the same answers.
std::optional<delta::Scalar> ToComparable(const duckdb::Value& value, const delta::DataType& type);

}  // namespace yummy::duck
