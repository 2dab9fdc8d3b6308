#include "yummy/duck/border/type_conversion.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "yummy/duck/border/types.h"

namespace yummy::duck {
namespace {

using delta::TypeKind;
using duckdb::LogicalTypeId;

/// The name of an incoming type, in the words of table schemas.
std::string NameOf(const duckdb::LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::SQLNULL: return "void";
    case LogicalTypeId::UTINYINT: return "unsigned byte";
    case LogicalTypeId::USMALLINT: return "unsigned short";
    case LogicalTypeId::UINTEGER: return "unsigned integer";
    case LogicalTypeId::UBIGINT: return "unsigned long";
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS: return "timestamp_ntz";
    case LogicalTypeId::ENUM: return "string";
    case LogicalTypeId::LIST: return fmt::format("array<{}>", NameOf(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::ARRAY: return fmt::format("array<{}>", NameOf(duckdb::ArrayType::GetChildType(type)));
    case LogicalTypeId::MAP:
      return fmt::format("map<{},{}>", NameOf(duckdb::MapType::KeyType(type)),
                         NameOf(duckdb::MapType::ValueType(type)));
    case LogicalTypeId::STRUCT: {
      std::string fields;
      for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type))
        fields += fmt::format("{}{}:{}", fields.empty() ? "" : ",", name, NameOf(child));
      return fmt::format("struct<{}>", fields);
    }
    default: break;
  }
  const auto found = ToDeltaType(type);
  return found.ok() ? delta::TypeName(*found) : duckdb::StringUtil::Lower(type.ToString());
}

Error Mismatch(const duckdb::LogicalType& source, const delta::DataType& target, const std::string& path) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("column {}: expected {}, found {}", path, delta::TypeName(target), NameOf(source)))
      .WithReason(Reason::kTypeMismatch)
      .With("column", path);
}

Error SchemaMismatch(const std::string& path, const char* what) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{}: {}", what, path))
      .WithReason(Reason::kSchemaMismatch)
      .With("column", path);
}

enum class Family { kInteger, kFloat, kDouble, kDecimal, kOther };

Family FamilyOf(const duckdb::LogicalType& type) {
  if (type.IsIntegral()) return Family::kInteger;
  switch (type.id()) {
    case LogicalTypeId::FLOAT: return Family::kFloat;
    case LogicalTypeId::DOUBLE: return Family::kDouble;
    case LogicalTypeId::DECIMAL: return Family::kDecimal;
    default: return Family::kOther;
  }
}

Result<Conversion> ToInteger(const duckdb::LogicalType& source, LogicalTypeId same, const delta::DataType& target,
                             const std::string& path) {
  if (source.id() == same) return Conversion::kNone;
  switch (FamilyOf(source)) {
    case Family::kInteger: return Conversion::kExact;
    case Family::kOther: return Mismatch(source, target, path);
    default: return Conversion::kMayLose;
  }
}

Result<Conversion> ToFloating(const duckdb::LogicalType& source, LogicalTypeId same, const delta::DataType& target,
                              const std::string& path) {
  if (source.id() == same) return Conversion::kNone;
  switch (FamilyOf(source)) {
    case Family::kFloat: return Conversion::kExact;
    case Family::kOther: return Mismatch(source, target, path);
    default: return Conversion::kMayLose;
  }
}

Result<Conversion> ToDecimal(const duckdb::LogicalType& source, const delta::DataType& target,
                             const std::string& path) {
  switch (FamilyOf(source)) {
    case Family::kInteger: return Conversion::kExact;
    case Family::kOther: return Mismatch(source, target, path);
    case Family::kDecimal:
      if (duckdb::DecimalType::GetScale(source) != target.scale) break;
      return duckdb::DecimalType::GetWidth(source) == target.precision ? Conversion::kNone : Conversion::kExact;
    default: break;
  }
  return Conversion::kMayLose;
}

/// For a timestamp column, a time without a zone is UTC, as in JSON. A time with a zone does not fit timestamp_ntz.
/// Values finer than a microsecond are refused before (exact_timestamps.h).
Result<Conversion> ToTimestamp(const duckdb::LogicalType& source, LogicalTypeId same, const delta::DataType& target,
                               const std::string& path) {
  if (source.id() == same) return Conversion::kNone;
  switch (source.id()) {
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS: return Conversion::kExact;
    default: return Mismatch(source, target, path);
  }
}

Result<Conversion> Same(const duckdb::LogicalType& source, LogicalTypeId same, const delta::DataType& target,
                        const std::string& path) {
  if (source.id() == same) return Conversion::kNone;
  return Mismatch(source, target, path);
}

/// The conversion of a nested value is the worst of its parts.
Conversion Worse(Conversion a, Conversion b) { return std::max(a, b); }

Result<Conversion> ToStruct(const duckdb::LogicalType& source, const delta::DataType& target, const std::string& path) {
  if (source.id() != LogicalTypeId::STRUCT) return Mismatch(source, target, path);
  const auto& children = duckdb::StructType::GetChildTypes(source);
  auto result = children.size() == target.fields.size() ? Conversion::kNone : Conversion::kExact;
  std::vector<bool> found(target.fields.size(), false);
  for (size_t i = 0; i < children.size(); i++) {
    const auto child_path = path + "." + children[i].first;
    const auto position = delta::FindColumn(target.fields, children[i].first);
    if (!position) return SchemaMismatch(child_path, "unknown field");
    if (found[*position]) return SchemaMismatch(child_path, "field given twice");
    found[*position] = true;
    if (*position != i || target.fields[i].name != children[i].first) result = Worse(result, Conversion::kExact);
    result = Worse(result, TRY(FindConversion(children[i].second, target.fields[*position].type, child_path)));
  }
  for (size_t i = 0; i < found.size(); i++) {
    if (!found[i] && !target.fields[i].nullable) {
      return SchemaMismatch(path + "." + target.fields[i].name, "NOT NULL field missing");
    }
  }
  return result;
}

Result<Conversion> ToArray(const duckdb::LogicalType& source, const delta::DataType& target, const std::string& path) {
  const auto element = path + ".element";
  if (source.id() == LogicalTypeId::LIST) {
    return FindConversion(duckdb::ListType::GetChildType(source), target.children[0], element);
  }
  if (source.id() != LogicalTypeId::ARRAY) return Mismatch(source, target, path);
  return Worse(Conversion::kExact,
               TRY(FindConversion(duckdb::ArrayType::GetChildType(source), target.children[0], element)));
}

Result<Conversion> ToMap(const duckdb::LogicalType& source, const delta::DataType& target, const std::string& path) {
  if (source.id() != LogicalTypeId::MAP) return Mismatch(source, target, path);
  return Worse(TRY(FindConversion(duckdb::MapType::KeyType(source), target.children[0], path + ".key")),
               TRY(FindConversion(duckdb::MapType::ValueType(source), target.children[1], path + ".value")));
}

}  // namespace

Result<Conversion> FindConversion(const duckdb::LogicalType& source, const delta::DataType& target,
                                  const std::string& path) {
  if (source.id() == LogicalTypeId::SQLNULL) return Conversion::kExact;
  switch (target.kind) {
    case TypeKind::kBoolean: return Same(source, LogicalTypeId::BOOLEAN, target, path);
    case TypeKind::kByte: return ToInteger(source, LogicalTypeId::TINYINT, target, path);
    case TypeKind::kShort: return ToInteger(source, LogicalTypeId::SMALLINT, target, path);
    case TypeKind::kInteger: return ToInteger(source, LogicalTypeId::INTEGER, target, path);
    case TypeKind::kLong: return ToInteger(source, LogicalTypeId::BIGINT, target, path);
    case TypeKind::kFloat: return ToFloating(source, LogicalTypeId::FLOAT, target, path);
    case TypeKind::kDouble: return ToFloating(source, LogicalTypeId::DOUBLE, target, path);
    case TypeKind::kDecimal: return ToDecimal(source, target, path);
    case TypeKind::kString: return Same(source, LogicalTypeId::VARCHAR, target, path);
    case TypeKind::kBinary: return Same(source, LogicalTypeId::BLOB, target, path);
    case TypeKind::kDate: return Same(source, LogicalTypeId::DATE, target, path);
    case TypeKind::kTimestamp: return ToTimestamp(source, LogicalTypeId::TIMESTAMP_TZ, target, path);
    case TypeKind::kTimestampNtz: return ToTimestamp(source, LogicalTypeId::TIMESTAMP, target, path);
    case TypeKind::kStruct: return ToStruct(source, target, path);
    case TypeKind::kArray: return ToArray(source, target, path);
    case TypeKind::kMap: return ToMap(source, target, path);
    case TypeKind::kVoid:
    case TypeKind::kVariant: break;
  }
  return Mismatch(source, target, path);
}

}  // namespace yummy::duck
