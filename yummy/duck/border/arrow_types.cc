#include "yummy/duck/border/arrow_types.h"

#include <utility>

#include <arrow/type.h>

namespace yummy::duck {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

LogicalType ReadyStruct(const LogicalType& type) {
  duckdb::child_list_t<LogicalType> children;
  for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type))
    children.emplace_back(name, ArrowReadyType(child));
  return LogicalType::STRUCT(std::move(children));
}

Result<std::shared_ptr<arrow::DataType>> ArrowStruct(const LogicalType& type) {
  arrow::FieldVector fields;
  for (const auto& [name, child] : duckdb::StructType::GetChildTypes(type)) {
    fields.push_back(arrow::field(name, TRY(ArrowTypeOf(child))));
  }
  return arrow::struct_(std::move(fields));
}

}  // namespace

LogicalType ArrowReadyType(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UHUGEINT: return LogicalType::DECIMAL(38, 0);
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS: return LogicalType::TIMESTAMP;
    case LogicalTypeId::UUID:
    case LogicalTypeId::ENUM:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::BIT:
    case LogicalTypeId::BIGNUM:
    case LogicalTypeId::UNION:
    case LogicalTypeId::VARIANT:
    case LogicalTypeId::GEOMETRY:
    case LogicalTypeId::TYPE:
    case LogicalTypeId::VARCHAR: return LogicalType::VARCHAR;
    case LogicalTypeId::BLOB: return LogicalType::BLOB;
    case LogicalTypeId::LIST: return LogicalType::LIST(ArrowReadyType(duckdb::ListType::GetChildType(type)));
    case LogicalTypeId::ARRAY:
      return LogicalType::ARRAY(ArrowReadyType(duckdb::ArrayType::GetChildType(type)),
                                duckdb::ArrayType::GetSize(type));
    case LogicalTypeId::MAP:
      return LogicalType::MAP(ArrowReadyType(duckdb::MapType::KeyType(type)),
                              ArrowReadyType(duckdb::MapType::ValueType(type)));
    case LogicalTypeId::STRUCT: return ReadyStruct(type);
    default: return type;
  }
}

Result<std::shared_ptr<arrow::DataType>> ArrowTypeOf(const LogicalType& type) {
  switch (type.id()) {
    case LogicalTypeId::SQLNULL: return arrow::null();
    case LogicalTypeId::BOOLEAN: return arrow::boolean();
    case LogicalTypeId::TINYINT: return arrow::int8();
    case LogicalTypeId::SMALLINT: return arrow::int16();
    case LogicalTypeId::INTEGER: return arrow::int32();
    case LogicalTypeId::BIGINT: return arrow::int64();
    case LogicalTypeId::UTINYINT: return arrow::uint8();
    case LogicalTypeId::USMALLINT: return arrow::uint16();
    case LogicalTypeId::UINTEGER: return arrow::uint32();
    case LogicalTypeId::UBIGINT: return arrow::uint64();
    case LogicalTypeId::FLOAT: return arrow::float32();
    case LogicalTypeId::DOUBLE: return arrow::float64();
    case LogicalTypeId::DATE: return arrow::date32();
    case LogicalTypeId::TIME: return arrow::time64(arrow::TimeUnit::MICRO);
    case LogicalTypeId::TIME_NS: return arrow::time64(arrow::TimeUnit::NANO);
    case LogicalTypeId::TIMESTAMP: return arrow::timestamp(arrow::TimeUnit::MICRO);
    case LogicalTypeId::TIMESTAMP_NS: return arrow::timestamp(arrow::TimeUnit::NANO);
    case LogicalTypeId::TIMESTAMP_TZ: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case LogicalTypeId::VARCHAR: return arrow::utf8();
    case LogicalTypeId::BLOB: return arrow::binary();
    case LogicalTypeId::DECIMAL:
      return arrow::decimal128(duckdb::DecimalType::GetWidth(type), duckdb::DecimalType::GetScale(type));
    case LogicalTypeId::LIST: return arrow::list(TRY(ArrowTypeOf(duckdb::ListType::GetChildType(type))));
    case LogicalTypeId::ARRAY:
      return arrow::fixed_size_list(TRY(ArrowTypeOf(duckdb::ArrayType::GetChildType(type))),
                                    static_cast<int32_t>(duckdb::ArrayType::GetSize(type)));
    case LogicalTypeId::MAP:
      return arrow::map(TRY(ArrowTypeOf(duckdb::MapType::KeyType(type))),
                        TRY(ArrowTypeOf(duckdb::MapType::ValueType(type))));
    case LogicalTypeId::STRUCT: return ArrowStruct(type);
    default:
      return Error(ErrorCode::kUnsupported,
                   "a column of this type cannot be returned: " + type.ToString() + "; cast it")
          .WithReason(Reason::kUnsupportedType);
  }
}

}  // namespace yummy::duck
