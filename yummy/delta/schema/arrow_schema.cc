#include "yummy/delta/schema/arrow_schema.h"

#include <arrow/type.h>
#include <fmt/format.h>

namespace yummy::delta {

Result<std::shared_ptr<arrow::DataType>> ToArrowType(const DataType& type) {
  switch (type.kind) {
    case TypeKind::kBoolean: return arrow::boolean();
    case TypeKind::kByte: return arrow::int8();
    case TypeKind::kShort: return arrow::int16();
    case TypeKind::kInteger: return arrow::int32();
    case TypeKind::kLong: return arrow::int64();
    case TypeKind::kFloat: return arrow::float32();
    case TypeKind::kDouble: return arrow::float64();
    case TypeKind::kDecimal: return arrow::decimal128(type.precision, type.scale);
    case TypeKind::kString: return arrow::utf8();
    case TypeKind::kBinary: return arrow::binary();
    case TypeKind::kDate: return arrow::date32();
    case TypeKind::kTimestamp: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeKind::kTimestampNtz: return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kVoid: return arrow::null();
    case TypeKind::kVariant:
      return Error(ErrorCode::kUnsupported, "the type variant has no Arrow form here")
          .WithReason(Reason::kUnsupportedType);
    case TypeKind::kStruct: {
      arrow::FieldVector fields;
      for (const auto& field : type.fields)
        fields.push_back(arrow::field(field.name, TRY(ToArrowType(field.type)), field.nullable));
      return arrow::struct_(fields);
    }
    case TypeKind::kArray:
      return arrow::list(arrow::field("element", TRY(ToArrowType(type.children[0])), type.contains_null));
    case TypeKind::kMap:
      return std::make_shared<arrow::MapType>(
          arrow::field("key", TRY(ToArrowType(type.children[0])), false),
          arrow::field("value", TRY(ToArrowType(type.children[1])), type.contains_null));
  }
  return Error(ErrorCode::kInternal, "a type of no kind");
}

Result<std::shared_ptr<arrow::Schema>> ToArrowSchema(const Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& field : schema)
    fields.push_back(arrow::field(field.name, TRY(ToArrowType(field.type)), field.nullable));
  return arrow::schema(fields);
}

namespace {
DataType Primitive(TypeKind kind) {
  DataType type;
  type.kind = kind;
  return type;
}

DataType Decimal(int precision, int scale) {
  DataType type = Primitive(TypeKind::kDecimal);
  type.precision = precision;
  type.scale = scale;
  return type;
}

Error NoTypeFor(const arrow::DataType& type) {
  return Error(ErrorCode::kUnsupported, fmt::format("Delta has no type for Arrow's {}", type.ToString()))
      .WithReason(Reason::kUnsupportedType);
}

Result<DataType> NestedFromArrow(const arrow::DataType& type) {
  DataType result;
  if (type.id() == arrow::Type::STRUCT) {
    result.kind = TypeKind::kStruct;
    for (const auto& field : type.fields()) {
      result.fields.push_back({field->name(), TRY(FromArrowType(*field->type())), field->nullable(), {}});
    }
    return result;
  }
  if (type.id() == arrow::Type::MAP) {
    const auto& map = static_cast<const arrow::MapType&>(type);
    result.kind = TypeKind::kMap;
    result.children = {TRY(FromArrowType(*map.key_type())), TRY(FromArrowType(*map.item_type()))};
    result.contains_null = map.item_field()->nullable();
    return result;
  }
  result.kind = TypeKind::kArray;
  result.children = {TRY(FromArrowType(*type.field(0)->type()))};
  result.contains_null = type.field(0)->nullable();
  return result;
}
}  // namespace

Result<DataType> FromArrowType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA: return Primitive(TypeKind::kVoid);
    case arrow::Type::BOOL: return Primitive(TypeKind::kBoolean);
    case arrow::Type::INT8: return Primitive(TypeKind::kByte);
    case arrow::Type::UINT8:
    case arrow::Type::INT16: return Primitive(TypeKind::kShort);
    case arrow::Type::UINT16:
    case arrow::Type::INT32: return Primitive(TypeKind::kInteger);
    case arrow::Type::UINT32:
    case arrow::Type::INT64: return Primitive(TypeKind::kLong);
    case arrow::Type::UINT64: return Decimal(20, 0);
    case arrow::Type::HALF_FLOAT:
    case arrow::Type::FLOAT: return Primitive(TypeKind::kFloat);
    case arrow::Type::DOUBLE: return Primitive(TypeKind::kDouble);
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::DecimalType&>(type);
      // Arrow has scales below zero and above the precision.
      if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) return NoTypeFor(type);
      return Decimal(decimal.precision(), decimal.scale());
    }
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW: return Primitive(TypeKind::kString);
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY: return Primitive(TypeKind::kBinary);
    case arrow::Type::DATE32:
    case arrow::Type::DATE64: return Primitive(TypeKind::kDate);
    case arrow::Type::TIMESTAMP:
      return Primitive(static_cast<const arrow::TimestampType&>(type).timezone().empty() ? TypeKind::kTimestampNtz
                                                                                         : TypeKind::kTimestamp);
    case arrow::Type::DICTIONARY: return FromArrowType(*static_cast<const arrow::DictionaryType&>(type).value_type());
    case arrow::Type::STRUCT:
    case arrow::Type::MAP:
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
    case arrow::Type::LIST_VIEW: return NestedFromArrow(type);
    default: return NoTypeFor(type);
  }
}

Result<Schema> FromArrowSchema(const arrow::Schema& schema) {
  Schema result;
  for (const auto& field : schema.fields()) {
    auto type = FromArrowType(*field->type());
    if (!type.ok()) {
      return std::move(type).error().Prefixed("column " + field->name()).With("column", field->name());
    }
    result.push_back({field->name(), std::move(*type), field->nullable(), {}});
  }
  return result;
}

}  // namespace yummy::delta
