#pragma once
// The schema of a table in the protocol's form (PROTOCOL.md, "Schema Serialization Format"), without types of any
// engine.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/result.h"

namespace yummy::delta {

enum class TypeKind {
  kBoolean,
  kByte,
  kShort,
  kInteger,
  kLong,
  kFloat,
  kDouble,
  kDecimal,
  kString,
  kBinary,
  kDate,
  kTimestamp,
  kTimestampNtz,
  kVoid,
  kVariant,
  kStruct,
  kArray,
  kMap,
};

struct Field;

/// A type. It is a value: comparing and copying include nested types.
struct DataType {
  TypeKind kind = TypeKind::kVoid;
  int precision = 0;               // decimal only: 1 to 38
  int scale = 0;                   // decimal only: 0 to precision
  std::vector<Field> fields;       // struct only
  std::vector<DataType> children;  // array: the element; map: key, value
  bool contains_null = true;       // array elements, map values

  bool is_nested() const { return kind == TypeKind::kStruct || kind == TypeKind::kArray || kind == TypeKind::kMap; }
  friend bool operator==(const DataType&, const DataType&) = default;
};

/// Key and raw JSON text of its value, in the order of the schema string.
using FieldMetadata = std::vector<std::pair<std::string, std::string>>;

/// The name and id of a column in data files, instead of its own name (PROTOCOL.md, "Column Mapping").
struct MappedColumn {
  std::string physical_name;
  int64_t id = 0;
  friend bool operator==(const MappedColumn&, const MappedColumn&) = default;
};

struct Field {
  std::string name;
  DataType type;
  bool nullable = true;
  FieldMetadata metadata;
  std::optional<MappedColumn> mapping =
      {};  // present if the table's columns are mapped; set by SchemaOf (column_mapping.h)

  /// The raw JSON text of a metadata value, if there is one.
  std::optional<std::string_view> FindMetadata(std::string_view key) const;
  /// The name of the column in data files, statistics and partition values.
  const std::string& physical_name() const { return mapping ? mapping->physical_name : name; }

  friend bool operator==(const Field&, const Field&) = default;
};

/// The fields of the table's root struct.
using Schema = std::vector<Field>;

/// Parses a schema string. Unknown keys are ignored; metadata is kept unchanged.
/// Errors: Corrupt (not JSON, not a struct, duplicate names by case, depth over 64), Unsupported (reason
/// UNSUPPORTED_TYPE).
Result<Schema> ParseSchema(std::string_view json);
/// The schema string: {"type":"struct","fields":[…]}, with keys in Spark's order.
std::string WriteSchema(const Schema& schema);

/// Parses one type: "long", "decimal(10,2)", or a JSON object for a nested type. `json` is JSON text (a string has its
/// quotes).
Result<DataType> ParseType(std::string_view json);
/// The type's JSON text ("\"long\"", "{\"type\":\"array\",…}").
std::string WriteType(const DataType& type);
/// "decimal(10,2)", "array<long>", "struct<a:long>": for messages.
std::string TypeName(const DataType& type);

/// The position of a column by its exact name, otherwise by its name ignoring case.
std::optional<size_t> FindColumn(const Schema& schema, std::string_view name);

/// Refuses schemas that no new table may have: without columns, with more than 10,000, with names that are empty or
/// equal ignoring case, and with decimals that do not have 1 to 38 digits and at most as many places. Without column
/// mapping, names may not hold any of " ,;{}()\n\t=" either. Errors: InvalidArgument (reason INVALID_SCHEMA).
Result<void> CheckNewSchema(const Schema& schema, bool column_mapping);

}  // namespace yummy::delta
