#include "yummy/format/rows/json_column.h"

#include <array>
#include <cctype>
#include <limits>

#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/base/time_text.h"
#include "yummy/format/json/json_number.h"

namespace yummy::format {

namespace {

Result<void> Appended(const arrow::Status& status) {
  if (status.ok()) return {};
  return Error(ErrorCode::kResourceExhausted, fmt::format("the rows do not fit memory: {}", status.message()));
}

std::string TypeNameOf(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA: return "void";
    case arrow::Type::BOOL: return "boolean";
    case arrow::Type::INT8: return "byte";
    case arrow::Type::INT16: return "short";
    case arrow::Type::INT32: return "integer";
    case arrow::Type::INT64: return "long";
    case arrow::Type::FLOAT: return "float";
    case arrow::Type::DOUBLE: return "double";
    case arrow::Type::STRING: return "string";
    case arrow::Type::BINARY: return "binary";
    case arrow::Type::DATE32: return "date";
    case arrow::Type::TIMESTAMP:
      return static_cast<const arrow::TimestampType&>(type).timezone().empty() ? "timestamp_ntz" : "timestamp";
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      return fmt::format("decimal({},{})", decimal.precision(), decimal.scale());
    }
    case arrow::Type::STRUCT: return "struct";
    case arrow::Type::LIST: return "array";
    case arrow::Type::MAP: return "map";
    default: return type.ToString();
  }
}

template <typename Type>
class IntegerColumn final : public JsonColumn {
 public:
  using Value = typename Type::c_type;
  IntegerColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::NumericBuilder<Type>*>(builder)) {}
  Result<void> Number(std::string_view token) override {
    const int64_t value = TRY(ParseJsonInteger(
        token,
        {.min = std::numeric_limits<Value>::min(), .max = std::numeric_limits<Value>::max(), .type = type_name()}));
    return Appended(builder_->Append(static_cast<Value>(value)));
  }

 private:
  arrow::NumericBuilder<Type>* builder_;
};

template <typename Type>
class FloatingColumn final : public JsonColumn {
 public:
  using Value = typename Type::c_type;
  FloatingColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::NumericBuilder<Type>*>(builder)) {}
  Result<void> Number(std::string_view token) override {
    if constexpr (std::is_same_v<Value, float>) {
      return Appended(builder_->Append(TRY(ParseJsonFloat(token))));
    } else {
      return Appended(builder_->Append(TRY(ParseJsonDouble(token))));
    }
  }
  Result<void> String(std::string_view text) override {
    using Limits = std::numeric_limits<Value>;
    if (text == "NaN") return Appended(builder_->Append(Limits::quiet_NaN()));
    if (text == "Infinity") return Appended(builder_->Append(Limits::infinity()));
    if (text == "-Infinity") return Appended(builder_->Append(-Limits::infinity()));
    return TypeMismatch(fmt::format("a number ({}), \"NaN\", \"Infinity\" or \"-Infinity\"", type_name()),
                        fmt::format("\"{}\"", text));
  }

 private:
  arrow::NumericBuilder<Type>* builder_;
};

class BooleanColumn final : public JsonColumn {
 public:
  BooleanColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::BooleanBuilder*>(builder)) {}
  Result<void> Bool(bool value) override { return Appended(builder_->Append(value)); }

 private:
  arrow::BooleanBuilder* builder_;
};

class StringColumn final : public JsonColumn {
 public:
  StringColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::StringBuilder*>(builder)) {}
  Result<void> String(std::string_view text) override { return Appended(builder_->Append(text)); }

 private:
  arrow::StringBuilder* builder_;
};

class BinaryColumn final : public JsonColumn {
 public:
  BinaryColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kBinary), builder_(static_cast<arrow::BinaryBuilder*>(builder)) {}
  Result<void> String(std::string_view text) override {
    const auto bytes = DecodeBase64(text);
    if (!bytes) return InvalidValue("base64 or an array of bytes", text);
    return Bytes(*bytes);
  }
  Result<void> Bytes(std::string_view bytes) override { return Appended(builder_->Append(bytes)); }

 private:
  arrow::BinaryBuilder* builder_;
};

class DecimalColumn final : public JsonColumn {
 public:
  DecimalColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::Decimal128Builder*>(builder)) {
    const auto& type = static_cast<const arrow::Decimal128Type&>(*field.type());
    precision_ = type.precision();
    scale_ = type.scale();
  }
  Result<void> Number(std::string_view token) override {
    if (!IsJsonNumber(token)) return InvalidJson();
    return String(token);
  }
  Result<void> String(std::string_view text) override {
    const Int128 value = TRY(ParseJsonDecimal(text, precision_, scale_));
    return Appended(
        builder_->Append(arrow::Decimal128(static_cast<int64_t>(value >> 64), static_cast<uint64_t>(value))));
  }

 private:
  arrow::Decimal128Builder* builder_;
  int precision_ = 0;
  int scale_ = 0;
};

class DateColumn final : public JsonColumn {
 public:
  DateColumn(const arrow::Field& field, arrow::ArrayBuilder* builder)
      : JsonColumn(field, builder, Shape::kScalar), builder_(static_cast<arrow::Date32Builder*>(builder)) {}
  Result<void> Number(std::string_view token) override {
    const int64_t days =
        TRY(ParseJsonInteger(token, {.min = kDaysMin, .max = kDaysMax, .type = "a date of the years 0001 to 9999"}));
    return Appended(builder_->Append(static_cast<int32_t>(days)));
  }
  Result<void> String(std::string_view text) override {
    constexpr size_t kDateLength = 10;
    const auto days = text.size() == kDateLength ? ParseDate(text) : std::nullopt;
    if (!days) return InvalidValue("a date YYYY-MM-DD", text);
    return Appended(builder_->Append(static_cast<int32_t>(*days)));
  }

 private:
  arrow::Date32Builder* builder_;
};

class TimestampColumn final : public JsonColumn {
 public:
  TimestampColumn(const arrow::Field& field, arrow::ArrayBuilder* builder, std::optional<TimestampUnit> unit)
      : JsonColumn(field, builder, Shape::kScalar),
        builder_(static_cast<arrow::TimestampBuilder*>(builder)),
        unit_(unit) {
    zoned_ = !static_cast<const arrow::TimestampType&>(*field.type()).timezone().empty();
  }
  Result<void> Number(std::string_view token) override {
    if (!IsJsonNumber(token)) return InvalidJson();
    if (!unit_) return UnitRequired(token);
    constexpr int kDigitsMax = 38;
    const auto micros = ParseJsonDecimal(token, kDigitsMax, static_cast<int>(*unit_));
    if (!micros.ok() || *micros < kMicrosMin || *micros > kMicrosMax) return OutOfRange(kWhatFits, token);
    return Appended(builder_->Append(static_cast<int64_t>(*micros)));
  }
  Result<void> String(std::string_view text) override {
    const auto time = HasFullDate(text) ? ReadTimestamp(text) : std::nullopt;
    if (!time) return InvalidValue("a time as RFC 3339 has it", text);
    if (time->has_zone && !zoned_) return InvalidValue("a time without an offset (timestamp_ntz)", text);
    const bool fits = time->is_exact && time->micros >= kMicrosMin && time->micros <= kMicrosMax;
    if (!fits) return OutOfRange(kWhatFits, text);
    return Appended(builder_->Append(time->micros));
  }

 private:
  static constexpr std::string_view kWhatFits = "a timestamp: microseconds of the years 0001 to 9999";

  // Clients use seconds, milliseconds and microseconds, and the number alone does not show which.
  Error UnitRequired(std::string_view token) const {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the number {} is no {} without its unit", token.substr(0, 40), type_name()))
        .WithReason(Reason::kTimestampUnitRequired)
        .With("hint", "write the time as RFC 3339, or name the unit by the parameter timestamp_unit: s, ms, us or ns");
  }

  // True for "2024-01-02", alone or before a time whose parts have two digits. One-digit months and hours are allowed
  // only in texts of the log.
  static bool HasFullDate(std::string_view text) {
    constexpr size_t kDateLength = 10;
    if (text.size() < kDateLength || text[4] != '-' || text[7] != '-') return false;
    if (text.size() == kDateLength) return true;
    return text.size() >= 16 && text[13] == ':' &&
           (text.size() == 16 || std::isdigit(static_cast<unsigned char>(text[15])) != 0);
  }

  arrow::TimestampBuilder* builder_;
  std::optional<TimestampUnit> unit_;
  bool zoned_ = false;
};

// A void column takes only null.
class NullColumn final : public JsonColumn {
 public:
  NullColumn(const arrow::Field& field, arrow::ArrayBuilder* builder) : JsonColumn(field, builder, Shape::kScalar) {}
};

template <typename Builder>
class NestedColumn final : public JsonColumn {
 public:
  NestedColumn(const arrow::Field& field, arrow::ArrayBuilder* builder, Shape shape)
      : JsonColumn(field, builder, shape), builder_(static_cast<Builder*>(builder)) {}
  Result<void> Begin() override { return Appended(builder_->Append()); }

 private:
  Builder* builder_;
};

Result<std::unique_ptr<JsonColumn>> MakeNode(const arrow::Field& field, arrow::ArrayBuilder* builder,
                                             const JsonColumnOptions& options) {
  using Shape = JsonColumn::Shape;
  using Node = std::unique_ptr<JsonColumn>;
  switch (field.type()->id()) {
    case arrow::Type::NA: return Node(std::make_unique<NullColumn>(field, builder));
    case arrow::Type::BOOL: return Node(std::make_unique<BooleanColumn>(field, builder));
    case arrow::Type::INT8: return Node(std::make_unique<IntegerColumn<arrow::Int8Type>>(field, builder));
    case arrow::Type::INT16: return Node(std::make_unique<IntegerColumn<arrow::Int16Type>>(field, builder));
    case arrow::Type::INT32: return Node(std::make_unique<IntegerColumn<arrow::Int32Type>>(field, builder));
    case arrow::Type::INT64: return Node(std::make_unique<IntegerColumn<arrow::Int64Type>>(field, builder));
    case arrow::Type::FLOAT: return Node(std::make_unique<FloatingColumn<arrow::FloatType>>(field, builder));
    case arrow::Type::DOUBLE: return Node(std::make_unique<FloatingColumn<arrow::DoubleType>>(field, builder));
    case arrow::Type::DECIMAL128: return Node(std::make_unique<DecimalColumn>(field, builder));
    case arrow::Type::STRING: return Node(std::make_unique<StringColumn>(field, builder));
    case arrow::Type::BINARY: return Node(std::make_unique<BinaryColumn>(field, builder));
    case arrow::Type::DATE32: return Node(std::make_unique<DateColumn>(field, builder));
    case arrow::Type::TIMESTAMP:
      if (static_cast<const arrow::TimestampType&>(*field.type()).unit() != arrow::TimeUnit::MICRO) break;
      return Node(std::make_unique<TimestampColumn>(field, builder, options.timestamp_unit));
    case arrow::Type::STRUCT:
      return Node(std::make_unique<NestedColumn<arrow::StructBuilder>>(field, builder, Shape::kStruct));
    case arrow::Type::LIST:
      return Node(std::make_unique<NestedColumn<arrow::ListBuilder>>(field, builder, Shape::kList));
    case arrow::Type::MAP: return Node(std::make_unique<NestedColumn<arrow::MapBuilder>>(field, builder, Shape::kMap));
    default: break;
  }
  return Error(ErrorCode::kUnsupported, fmt::format("column '{}': JSON rows of type {} are not supported", field.name(),
                                                    field.type()->ToString()))
      .WithReason(Reason::kUnsupportedType);
}

}  // namespace

FieldNames::FieldNames(const std::vector<std::shared_ptr<arrow::Field>>& fields) {
  names_.reserve(fields.size());
  for (const auto& field : fields) names_.push_back(field->name());
  for (size_t i = 0; i < names_.size(); i++) {
    exact_.emplace(names_[i], i);
    const auto [position, added] = lower_.emplace(LowerCase(names_[i]), i);
    if (!added) position->second.reset();
  }
}

std::optional<size_t> FieldNames::Find(std::string_view name) const {
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  const auto found = lower_.find(LowerCase(name));
  return found != lower_.end() ? found->second : std::nullopt;
}

Error FieldNames::Unknown(std::string_view what, std::string_view name) const {
  const std::string shown(name.substr(0, 200));
  Error error = Error(ErrorCode::kInvalidArgument, fmt::format("no {} is named '{}'", what, shown))
                    .WithReason(Reason::kSchemaMismatch);
  const auto nearest = NearestName(shown, names_);
  if (!nearest) return error;
  return std::move(error).With("hint", fmt::format("did you mean '{}'?", *nearest));
}

JsonColumn::JsonColumn(const arrow::Field& field, arrow::ArrayBuilder* builder, Shape shape)
    : builder_(builder), shape_(shape), nullable_(field.nullable()), type_name_(TypeNameOf(*field.type())) {}

Result<std::unique_ptr<JsonColumn>> JsonColumn::Make(const arrow::Field& field, arrow::ArrayBuilder* builder,
                                                     const JsonColumnOptions& options) {
  std::unique_ptr<JsonColumn> node = TRY(MakeNode(field, builder, options));
  TRY(node->MakeChildren(field, options));
  return node;
}

Result<void> JsonColumn::MakeChildren(const arrow::Field& field, const JsonColumnOptions& options) {
  if (shape_ == Shape::kList) {
    auto* list = static_cast<arrow::ListBuilder*>(builder_);
    children_.push_back(TRY(Make(*field.type()->field(0), list->value_builder(), options)));
  } else if (shape_ == Shape::kMap) {
    const auto& type = static_cast<const arrow::MapType&>(*field.type());
    auto* map = static_cast<arrow::MapBuilder*>(builder_);
    has_string_keys_ = type.key_type()->id() == arrow::Type::STRING;
    children_.push_back(TRY(Make(*type.key_field(), map->key_builder(), options)));
    children_.push_back(TRY(Make(*type.item_field(), map->item_builder(), options)));
  } else if (shape_ == Shape::kStruct) {
    for (int i = 0; i < field.type()->num_fields(); i++) {
      children_.push_back(TRY(Make(*field.type()->field(i), builder_->child(i), options)));
    }
    fields_.emplace(field.type()->fields());
  }
  return {};
}

Result<void> JsonColumn::Number(std::string_view token) {
  if (!IsJsonNumber(token)) return InvalidJson();
  return Mismatch(fmt::format("the number {}", token.substr(0, 40)));
}
Result<void> JsonColumn::String(std::string_view text) { return Mismatch(fmt::format("the string \"{}\"", text)); }
Result<void> JsonColumn::Bool(bool value) { return Mismatch(value ? "true" : "false"); }
Result<void> JsonColumn::Begin() { return Error(ErrorCode::kInternal, "a scalar column was begun as a nested one"); }
Result<void> JsonColumn::Bytes(std::string_view /*bytes*/) {
  return Error(ErrorCode::kInternal, "bytes for a column that is not binary");
}

Result<void> JsonColumn::Null() {
  if (!nullable_) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("null, or nothing, where a value is required ({} NOT NULL)", type_name_))
        .WithReason(Reason::kSchemaMismatch);
  }
  return Appended(builder_->AppendNull());
}

Error JsonColumn::Mismatch(std::string_view found) const { return TypeMismatch(type_name_, found); }

std::optional<std::string> DecodeBase64(std::string_view text) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr auto kValues = [kAlphabet] {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    for (size_t i = 0; i < kAlphabet.size(); i++)
      values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
    return values;
  }();
  if (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int bit_count = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      bytes += static_cast<char>((bits >> bit_count) & 0xFF);
    }
  }
  // Leftover bits must be zero, otherwise two texts would mean the same bytes (RFC 4648, section 3.5).
  if ((bits & ((1U << bit_count) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace yummy::format
