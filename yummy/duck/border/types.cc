#include "yummy/duck/border/types.h"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace yummy::duck {
namespace {

using delta::DataType;
using delta::Int128;
using delta::Scalar;
using delta::TypeKind;
using duckdb::LogicalType;
using duckdb::LogicalTypeId;
using duckdb::Value;

Error UnsupportedType(std::string_view type) {
  return Error(ErrorCode::kUnsupported, fmt::format("the type {} is not supported", type))
      .WithReason(Reason::kUnsupportedType);
}

enum class Names { kLogical, kPhysical };

Result<LogicalType> Convert(const DataType& type, Names names) {
  switch (type.kind) {
    case TypeKind::kBoolean: return LogicalType(LogicalType::BOOLEAN);
    case TypeKind::kByte: return LogicalType(LogicalType::TINYINT);
    case TypeKind::kShort: return LogicalType(LogicalType::SMALLINT);
    case TypeKind::kInteger: return LogicalType(LogicalType::INTEGER);
    case TypeKind::kLong: return LogicalType(LogicalType::BIGINT);
    case TypeKind::kFloat: return LogicalType(LogicalType::FLOAT);
    case TypeKind::kDouble: return LogicalType(LogicalType::DOUBLE);
    case TypeKind::kString: return LogicalType(LogicalType::VARCHAR);
    case TypeKind::kBinary: return LogicalType(LogicalType::BLOB);
    case TypeKind::kDate: return LogicalType(LogicalType::DATE);
    case TypeKind::kTimestamp: return LogicalType(LogicalType::TIMESTAMP_TZ);
    case TypeKind::kTimestampNtz: return LogicalType(LogicalType::TIMESTAMP);
    case TypeKind::kVoid: return LogicalType(LogicalType::INTEGER);
    case TypeKind::kDecimal:
      return LogicalType::DECIMAL(static_cast<uint8_t>(type.precision), static_cast<uint8_t>(type.scale));
    case TypeKind::kVariant: return UnsupportedType("variant");
    case TypeKind::kArray: return LogicalType::LIST(TRY(Convert(type.children.at(0), names)));
    case TypeKind::kMap:
      return LogicalType::MAP(TRY(Convert(type.children.at(0), names)), TRY(Convert(type.children.at(1), names)));
    case TypeKind::kStruct: break;
  }
  duckdb::child_list_t<LogicalType> children;
  for (const delta::Field& field : type.fields) {
    children.emplace_back(names == Names::kPhysical ? field.physical_name() : field.name,
                          TRY(Convert(field.type, names)));
  }
  if (children.empty()) return UnsupportedType("struct<>");
  return LogicalType::STRUCT(std::move(children));
}

DataType Simple(TypeKind kind) {
  DataType type;
  type.kind = kind;
  return type;
}

Int128 ToInt128(duckdb::hugeint_t value) {
  return static_cast<Int128>(value.upper) * (static_cast<Int128>(1) << 64) + static_cast<Int128>(value.lower);
}

duckdb::hugeint_t ToHugeint(Int128 value) {
  duckdb::hugeint_t huge;
  huge.lower = static_cast<uint64_t>(value);
  huge.upper = static_cast<int64_t>(value >> 64);
  return huge;
}

bool IsIntegerKind(TypeKind kind) {
  return kind == TypeKind::kByte || kind == TypeKind::kShort || kind == TypeKind::kInteger || kind == TypeKind::kLong;
}

struct Decimal {
  Int128 unscaled = 0;
  int scale = 0;
};

// The value of an integer or a decimal; absent for other types.
std::optional<Decimal> DecimalOf(const Value& value) {
  const LogicalType& type = value.type();
  switch (type.id()) {
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER: return Decimal{value.GetValue<int64_t>(), 0};
    case LogicalTypeId::UBIGINT: return Decimal{static_cast<Int128>(value.GetValue<uint64_t>()), 0};
    case LogicalTypeId::HUGEINT: return Decimal{ToInt128(value.GetValueUnsafe<duckdb::hugeint_t>()), 0};
    case LogicalTypeId::DECIMAL: break;
    default: return std::nullopt;
  }
  const int scale = duckdb::DecimalType::GetScale(type);
  switch (type.InternalType()) {
    case duckdb::PhysicalType::INT16: return Decimal{value.GetValueUnsafe<int16_t>(), scale};
    case duckdb::PhysicalType::INT32: return Decimal{value.GetValueUnsafe<int32_t>(), scale};
    case duckdb::PhysicalType::INT64: return Decimal{value.GetValueUnsafe<int64_t>(), scale};
    default: return Decimal{ToInt128(value.GetValueUnsafe<duckdb::hugeint_t>()), scale};
  }
}

// The unscaled value at another scale; absent if digits would be lost.
std::optional<Int128> Rescale(Decimal decimal, int scale) {
  for (; decimal.scale > scale; --decimal.scale) {
    if (decimal.unscaled % 10 != 0) return std::nullopt;
    decimal.unscaled /= 10;
  }
  for (; decimal.scale < scale; ++decimal.scale) {
    if (__builtin_mul_overflow(decimal.unscaled, static_cast<Int128>(10), &decimal.unscaled)) return std::nullopt;
  }
  return decimal.unscaled;
}

std::optional<Scalar> IntegerScalar(const Value& value, const DataType& type) {
  if (auto decimal = DecimalOf(value)) {
    auto integer = Rescale(*decimal, 0);
    if (!integer || *integer > std::numeric_limits<int64_t>::max() || *integer < std::numeric_limits<int64_t>::min()) {
      return std::nullopt;
    }
    return Scalar(Scalar::Storage(static_cast<int64_t>(*integer)));
  }
  // A double holds every 32-bit integer exactly, so the cast does not change the comparison.
  if (value.type().id() == LogicalTypeId::DOUBLE && type.kind != TypeKind::kLong) {
    const double number = value.GetValueUnsafe<double>();
    if (!std::isfinite(number) || number != std::trunc(number) || std::abs(number) > 9e15) return std::nullopt;
    return Scalar(Scalar::Storage(static_cast<int64_t>(number)));
  }
  return std::nullopt;
}

std::optional<Scalar> FloatingScalar(const Value& value, const DataType& type) {
  if (value.type().id() == LogicalTypeId::FLOAT && type.kind == TypeKind::kFloat) {
    return Scalar(Scalar::Storage(static_cast<double>(value.GetValueUnsafe<float>())));
  }
  if (value.type().id() == LogicalTypeId::DOUBLE) return Scalar(Scalar::Storage(value.GetValueUnsafe<double>()));
  return std::nullopt;
}

std::optional<Scalar> TemporalScalar(const Value& value, TypeKind kind) {
  const LogicalTypeId id = value.type().id();
  if (kind == TypeKind::kDate && id == LogicalTypeId::DATE) {
    const auto date = value.GetValueUnsafe<duckdb::date_t>();
    if (!duckdb::Value::IsFinite(date)) return std::nullopt;
    return Scalar(Scalar::Storage(static_cast<int64_t>(date.days)));
  }
  if (kind == TypeKind::kDate && id == LogicalTypeId::TIMESTAMP) {
    const auto time = value.GetValueUnsafe<duckdb::timestamp_t>();
    if (!duckdb::Value::IsFinite(time) || time.value % kMicrosPerDay != 0) return std::nullopt;
    return Scalar(Scalar::Storage(time.value / kMicrosPerDay));
  }
  const bool same = (kind == TypeKind::kTimestamp && id == LogicalTypeId::TIMESTAMP_TZ) ||
                    (kind == TypeKind::kTimestampNtz && id == LogicalTypeId::TIMESTAMP);
  if (!same) return std::nullopt;
  const duckdb::timestamp_t time(value.GetValueUnsafe<int64_t>());
  if (!duckdb::Value::IsFinite(time)) return std::nullopt;
  return Scalar(Scalar::Storage(time.value));
}

Value DecimalValue(Int128 unscaled, const DataType& type) {
  const auto width = static_cast<uint8_t>(type.precision);
  const auto scale = static_cast<uint8_t>(type.scale);
  if (width <= 4) return Value::DECIMAL(static_cast<int16_t>(unscaled), width, scale);
  if (width <= 9) return Value::DECIMAL(static_cast<int32_t>(unscaled), width, scale);
  if (width <= 18) return Value::DECIMAL(static_cast<int64_t>(unscaled), width, scale);
  return Value::DECIMAL(ToHugeint(unscaled), width, scale);
}

}  // namespace

Result<LogicalType> ToLogicalType(const DataType& type) { return Convert(type, Names::kLogical); }

Result<LogicalType> ToPhysicalType(const DataType& type) { return Convert(type, Names::kPhysical); }

Result<DataType> ToDeltaType(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::BOOLEAN: return Simple(TypeKind::kBoolean);
    case LogicalTypeId::TINYINT: return Simple(TypeKind::kByte);
    case LogicalTypeId::SMALLINT: return Simple(TypeKind::kShort);
    case LogicalTypeId::INTEGER: return Simple(TypeKind::kInteger);
    case LogicalTypeId::BIGINT: return Simple(TypeKind::kLong);
    case LogicalTypeId::FLOAT: return Simple(TypeKind::kFloat);
    case LogicalTypeId::DOUBLE: return Simple(TypeKind::kDouble);
    case LogicalTypeId::VARCHAR: return Simple(TypeKind::kString);
    case LogicalTypeId::BLOB: return Simple(TypeKind::kBinary);
    case LogicalTypeId::DATE: return Simple(TypeKind::kDate);
    case LogicalTypeId::TIMESTAMP_TZ: return Simple(TypeKind::kTimestamp);
    case LogicalTypeId::TIMESTAMP: return Simple(TypeKind::kTimestampNtz);
    case LogicalTypeId::DECIMAL: {
      DataType decimal = Simple(TypeKind::kDecimal);
      decimal.precision = duckdb::DecimalType::GetWidth(type);
      decimal.scale = duckdb::DecimalType::GetScale(type);
      return decimal;
    }
    case LogicalTypeId::LIST: {
      DataType array = Simple(TypeKind::kArray);
      array.children.push_back(TRY(ToDeltaType(duckdb::ListType::GetChildType(type))));
      return array;
    }
    case LogicalTypeId::MAP: {
      DataType map = Simple(TypeKind::kMap);
      map.children.push_back(TRY(ToDeltaType(duckdb::MapType::KeyType(type))));
      map.children.push_back(TRY(ToDeltaType(duckdb::MapType::ValueType(type))));
      return map;
    }
    case LogicalTypeId::STRUCT: break;
    default: return UnsupportedType(type.ToString());
  }
  DataType result = Simple(TypeKind::kStruct);
  for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
    delta::Field field;
    field.name = name;
    field.type = TRY(ToDeltaType(child));
    result.fields.push_back(std::move(field));
  }
  return result;
}

Value ToValue(const Scalar& scalar, const DataType& type) {
  if (scalar.is_null()) {
    auto logical = ToLogicalType(type);
    return Value(logical.ok() ? *std::move(logical) : LogicalType(LogicalType::SQLNULL));
  }
  switch (type.kind) {
    case TypeKind::kBoolean: return Value::BOOLEAN(scalar.get<bool>());
    case TypeKind::kByte: return Value::TINYINT(static_cast<int8_t>(scalar.get<int64_t>()));
    case TypeKind::kShort: return Value::SMALLINT(static_cast<int16_t>(scalar.get<int64_t>()));
    case TypeKind::kInteger: return Value::INTEGER(static_cast<int32_t>(scalar.get<int64_t>()));
    case TypeKind::kLong: return Value::BIGINT(scalar.get<int64_t>());
    case TypeKind::kFloat: return Value::FLOAT(static_cast<float>(scalar.get<double>()));
    case TypeKind::kDouble: return Value::DOUBLE(scalar.get<double>());
    case TypeKind::kString: return Value(scalar.get<std::string>());
    case TypeKind::kBinary: return Value::BLOB_RAW(scalar.get<std::string>());
    case TypeKind::kDate: return Value::DATE(duckdb::date_t(static_cast<int32_t>(scalar.get<int64_t>())));
    case TypeKind::kTimestamp: return Value::TIMESTAMPTZ(duckdb::timestamp_tz_t(scalar.get<int64_t>()));
    case TypeKind::kTimestampNtz: return Value::TIMESTAMP(duckdb::timestamp_t(scalar.get<int64_t>()));
    case TypeKind::kDecimal: return DecimalValue(scalar.get<Int128>(), type);
    case TypeKind::kVoid:
    case TypeKind::kVariant:
    case TypeKind::kStruct:
    case TypeKind::kArray:
    case TypeKind::kMap: break;
  }
  return Value();
}

std::optional<Scalar> ToComparable(const Value& value, const DataType& type) {
  if (value.IsNull()) return Scalar();
  const LogicalTypeId id = value.type().id();
  if (IsIntegerKind(type.kind)) return IntegerScalar(value, type);
  switch (type.kind) {
    case TypeKind::kBoolean:
      if (id != LogicalTypeId::BOOLEAN) return std::nullopt;
      return Scalar(Scalar::Storage(value.GetValueUnsafe<bool>()));
    case TypeKind::kFloat:
    case TypeKind::kDouble: return FloatingScalar(value, type);
    case TypeKind::kDecimal: {
      auto decimal = DecimalOf(value);
      auto unscaled = decimal ? Rescale(*decimal, type.scale) : std::nullopt;
      if (!unscaled) return std::nullopt;
      return Scalar(Scalar::Storage(*unscaled));
    }
    case TypeKind::kString:
      if (id != LogicalTypeId::VARCHAR) return std::nullopt;
      return Scalar(Scalar::Storage(std::string(duckdb::StringValue::Get(value))));
    case TypeKind::kBinary:
      if (id != LogicalTypeId::BLOB) return std::nullopt;
      return Scalar(Scalar::Storage(std::string(duckdb::StringValue::Get(value))));
    default: return TemporalScalar(value, type.kind);
  }
}

Result<Scalar> ToScalar(const Value& value, const DataType& type) {
  auto scalar = ToComparable(value, type);
  if (!scalar) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a value of type {} is no {}: {}", value.type().ToString(),
                                                          delta::TypeName(type), value.ToString()))
        .WithReason(Reason::kSchemaMismatch);
  }
  return *std::move(scalar);
}

}  // namespace yummy::duck
