#include "yummy/delta/log/checkpoint_columns.h"

#include <cmath>
#include <limits>
#include <utility>

#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/delta/schema/scalar.h"

namespace yummy::delta {

namespace {

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message)).WithReason(Reason::kCorruptTable);
}

Error WrongType(std::string_view name, const arrow::Array& array, std::string_view expected) {
  return Corrupt(
      fmt::format("column {} of the checkpoint has type {}, expected {}", name, array.type()->ToString(), expected));
}

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

/// Years that no value can have become the last or first that one can.
int64_t SaturatingMultiply(int64_t value, int64_t factor) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(value, factor, &product)) return product;
  return value < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

int64_t TimestampMicros(const arrow::Array& array, int64_t row) {
  const int64_t value = static_cast<const arrow::TimestampArray&>(array).Value(row);
  switch (static_cast<const arrow::TimestampType&>(*array.type()).unit()) {
    case arrow::TimeUnit::SECOND: return SaturatingMultiply(value, 1'000'000);
    case arrow::TimeUnit::MILLI: return SaturatingMultiply(value, 1'000);
    case arrow::TimeUnit::MICRO: return value;
    case arrow::TimeUnit::NANO: return FloorDivide(value, 1'000);
  }
  return value;
}

void WriteStruct(JsonWriter& json, const arrow::StructArray& array, int64_t row);

/// Writes a value that is not null. False when it has no form in statistics: nothing is written.
bool WriteKeyedValue(JsonWriter& json, std::string_view key, const arrow::Array& array, int64_t row) {
  const auto integer = [&](int64_t value) {
    json.Key(key);
    json.Int(value);
    return true;
  };
  const auto text = [&](std::string_view value) {
    json.Key(key);
    json.String(value);
    return true;
  };
  const auto raw = [&](std::string_view value) {
    json.Key(key);
    json.Raw(value);
    return true;
  };
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      json.Key(key);
      json.Bool(static_cast<const arrow::BooleanArray&>(array).Value(row));
      return true;
    case arrow::Type::INT8: return integer(static_cast<const arrow::Int8Array&>(array).Value(row));
    case arrow::Type::INT16: return integer(static_cast<const arrow::Int16Array&>(array).Value(row));
    case arrow::Type::INT32: return integer(static_cast<const arrow::Int32Array&>(array).Value(row));
    case arrow::Type::INT64: return integer(static_cast<const arrow::Int64Array&>(array).Value(row));
    case arrow::Type::FLOAT: {
      const float value = static_cast<const arrow::FloatArray&>(array).Value(row);
      if (!std::isfinite(value)) return false;
      std::string number;
      AppendJsonFloat(number, value);
      return raw(number);
    }
    case arrow::Type::DOUBLE: {
      const double value = static_cast<const arrow::DoubleArray&>(array).Value(row);
      if (!std::isfinite(value)) return false;
      json.Key(key);
      json.Double(value);
      return true;
    }
    case arrow::Type::DECIMAL32: return raw(static_cast<const arrow::Decimal32Array&>(array).FormatValue(row));
    case arrow::Type::DECIMAL64: return raw(static_cast<const arrow::Decimal64Array&>(array).FormatValue(row));
    case arrow::Type::DECIMAL128: return raw(static_cast<const arrow::Decimal128Array&>(array).FormatValue(row));
    case arrow::Type::STRING: return text(static_cast<const arrow::StringArray&>(array).GetView(row));
    case arrow::Type::LARGE_STRING: return text(static_cast<const arrow::LargeStringArray&>(array).GetView(row));
    case arrow::Type::DATE32: return text(FormatDate(static_cast<const arrow::Date32Array&>(array).Value(row)));
    case arrow::Type::TIMESTAMP: {
      const bool zoned = !static_cast<const arrow::TimestampType&>(*array.type()).timezone().empty();
      return text(FormatTimestamp(TimestampMicros(array, row), zoned));
    }
    case arrow::Type::STRUCT:
      json.Key(key);
      WriteStruct(json, static_cast<const arrow::StructArray&>(array), row);
      return true;
    default: return false;
  }
}

void WriteStruct(JsonWriter& json, const arrow::StructArray& array, int64_t row) {
  json.BeginObject();
  for (int i = 0; i < array.num_fields(); i++) {
    const arrow::Array& child = *array.field(i);
    if (child.IsNull(row)) continue;
    WriteKeyedValue(json, array.struct_type()->field(i)->name(), child, row);
  }
  json.EndObject();
}

}  // namespace

Result<TextLook> TextLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  TextLook look;
  if (array && array->type_id() == arrow::Type::NA) array = nullptr;
  if (array && array->type_id() != arrow::Type::STRING && array->type_id() != arrow::Type::BINARY &&
      array->type_id() != arrow::Type::LARGE_STRING && array->type_id() != arrow::Type::LARGE_BINARY) {
    return WrongType(name, *array, "string");
  }
  look.array_ = std::move(array);
  return look;
}

std::optional<std::string_view> TextLook::operator()(int64_t row) const {
  if (!array_ || array_->IsNull(row)) return std::nullopt;
  if (array_->type_id() == arrow::Type::STRING || array_->type_id() == arrow::Type::BINARY) {
    return static_cast<const arrow::BinaryArray&>(*array_).GetView(row);
  }
  return static_cast<const arrow::LargeBinaryArray&>(*array_).GetView(row);
}

Result<IntegerLook> IntegerLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  IntegerLook look;
  if (array && array->type_id() == arrow::Type::NA) array = nullptr;
  if (array && array->type_id() != arrow::Type::INT32 && array->type_id() != arrow::Type::INT64) {
    return WrongType(name, *array, "long");
  }
  look.array_ = std::move(array);
  return look;
}

std::optional<int64_t> IntegerLook::operator()(int64_t row) const {
  if (!array_ || array_->IsNull(row)) return std::nullopt;
  if (array_->type_id() == arrow::Type::INT32) return static_cast<const arrow::Int32Array&>(*array_).Value(row);
  return static_cast<const arrow::Int64Array&>(*array_).Value(row);
}

Result<BooleanLook> BooleanLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  BooleanLook look;
  if (array && array->type_id() == arrow::Type::NA) array = nullptr;
  if (array && array->type_id() != arrow::Type::BOOL) return WrongType(name, *array, "boolean");
  look.array_ = std::move(array);
  return look;
}

std::optional<bool> BooleanLook::operator()(int64_t row) const {
  if (!array_ || array_->IsNull(row)) return std::nullopt;
  return static_cast<const arrow::BooleanArray&>(*array_).Value(row);
}

Result<TextMapLook> TextMapLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  TextMapLook look;
  if (!array || array->type_id() == arrow::Type::NA) return look;
  if (array->type_id() != arrow::Type::MAP && array->type_id() != arrow::Type::LIST)
    return WrongType(name, *array, "map");
  auto list = std::static_pointer_cast<arrow::ListArray>(array);  // MapArray is a ListArray
  if (list->values()->type_id() != arrow::Type::STRUCT) return WrongType(name, *array, "map");
  const auto& entries = static_cast<const arrow::StructArray&>(*list->values());
  if (entries.num_fields() != 2) return WrongType(name, *array, "map");
  look.keys_ = TRY(TextLook::Bind(entries.field(0), name));
  look.values_ = TRY(TextLook::Bind(entries.field(1), name));
  look.array_ = std::move(list);
  return look;
}

std::optional<StringMap> TextMapLook::operator()(int64_t row) const {
  if (is_null(row)) return std::nullopt;
  StringMap map;
  ForEach(row, [&](std::string_view key, std::optional<std::string_view> value) {
    map.insert_or_assign(std::string(key), std::string(value.value_or("")));
  });
  return map;
}

Result<TextListLook> TextListLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  TextListLook look;
  if (!array || array->type_id() == arrow::Type::NA) return look;
  if (array->type_id() != arrow::Type::LIST) return WrongType(name, *array, "array");
  look.array_ = std::static_pointer_cast<arrow::ListArray>(array);
  look.values_ = TRY(TextLook::Bind(look.array_->values(), name));
  return look;
}

std::optional<std::vector<std::string>> TextListLook::operator()(int64_t row) const {
  if (!array_ || array_->IsNull(row)) return std::nullopt;
  std::vector<std::string> texts;
  for (int64_t i = array_->value_offset(row); i < array_->value_offset(row + 1); i++) {
    texts.emplace_back(values_(i).value_or(""));
  }
  return texts;
}

Result<StructLook> StructLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  StructLook look;
  look.name_ = name;
  if (!array || array->type_id() == arrow::Type::NA) return look;
  if (array->type_id() != arrow::Type::STRUCT) return WrongType(name, *array, "struct");
  look.array_ = std::static_pointer_cast<arrow::StructArray>(std::move(array));
  return look;
}

std::shared_ptr<arrow::Array> StructLook::field(const std::string& name) const {
  return array_ ? array_->GetFieldByName(name) : nullptr;
}

Result<DeletionVectorLook> DeletionVectorLook::Bind(std::shared_ptr<arrow::Array> array, std::string_view name) {
  DeletionVectorLook look;
  look.struct_ = TRY(StructLook::Bind(std::move(array), name));
  look.storage_type_ = TRY(TextLook::Bind(look.struct_.field("storageType"), "deletionVector.storageType"));
  look.path_or_inline_ = TRY(TextLook::Bind(look.struct_.field("pathOrInlineDv"), "deletionVector.pathOrInlineDv"));
  look.offset_ = TRY(IntegerLook::Bind(look.struct_.field("offset"), "deletionVector.offset"));
  look.size_ = TRY(IntegerLook::Bind(look.struct_.field("sizeInBytes"), "deletionVector.sizeInBytes"));
  look.cardinality_ = TRY(IntegerLook::Bind(look.struct_.field("cardinality"), "deletionVector.cardinality"));
  return look;
}

Result<std::optional<DeletionVectorDescriptor>> DeletionVectorLook::operator()(int64_t row) const {
  if (struct_.is_null(row)) return std::optional<DeletionVectorDescriptor>();
  const auto type = storage_type_(row);
  const auto path = path_or_inline_(row);
  const auto size = size_(row);
  const auto cardinality = cardinality_(row);
  // Some writers mark "no deletion vector" by a struct of nulls.
  if (!type && !path && !size && !cardinality) return std::optional<DeletionVectorDescriptor>();
  constexpr int64_t kInt32Max = std::numeric_limits<int32_t>::max();
  const auto offset = offset_(row);
  if (!type || type->size() != 1 || !path || !size || !cardinality || *size < 0 || *size > kInt32Max ||
      *cardinality < 0 || (offset && (*offset < 0 || *offset > kInt32Max))) {
    return Corrupt("a deletion vector in the checkpoint lacks a field or has one out of range");
  }
  DeletionVectorDescriptor descriptor{.storage_type = (*type)[0],
                                      .path_or_inline = std::string(*path),
                                      .offset = {},
                                      .size_bytes = static_cast<int32_t>(*size),
                                      .cardinality = *cardinality};
  if (offset) descriptor.offset = static_cast<int32_t>(*offset);
  return std::optional(std::move(descriptor));
}

std::string StatisticsText(const arrow::StructArray& statistics, int64_t row) {
  if (statistics.IsNull(row)) return {};
  JsonWriter json;
  WriteStruct(json, statistics, row);
  std::string text = json.Take();
  return text == "{}" ? std::string() : text;
}

}  // namespace yummy::delta
