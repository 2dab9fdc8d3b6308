#include "yummy/delta/schema/scalar.h"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/base/text.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {

namespace {

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

std::weak_ordering CompareDoubles(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) <=> std::isnan(b);
  if (a < b) return std::weak_ordering::less;
  return a > b ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

std::weak_ordering CompareDecimals(Int128 a, Int128 b) {
  if (a < b) return std::weak_ordering::less;
  return a > b ? std::weak_ordering::greater : std::weak_ordering::equivalent;
}

std::optional<int64_t> ParseInteger(std::string_view text, const DataType& type) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  const auto fits = [&](auto limits) { return value >= limits.min() && value <= limits.max(); };
  if (type.kind == TypeKind::kByte && !fits(std::numeric_limits<int8_t>())) return std::nullopt;
  if (type.kind == TypeKind::kShort && !fits(std::numeric_limits<int16_t>())) return std::nullopt;
  if (type.kind == TypeKind::kInteger && !fits(std::numeric_limits<int32_t>())) return std::nullopt;
  return value;
}

template <typename Float>
std::optional<double> ParseFloating(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  Float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<double>(value);
}

std::optional<double> ParseDouble(std::string_view text, const DataType& type) {
  return type.kind == TypeKind::kFloat ? ParseFloating<float>(text) : ParseFloating<double>(text);
}

template <typename T>
std::optional<Scalar> MakeScalar(std::optional<T> value) {
  if (!value) return std::nullopt;
  return Scalar(Scalar::Storage(std::move(*value)));
}

// Parses the text of a partition value that is not null. Absent if the text is not a value of the type.
std::optional<Scalar> ParseText(std::string_view text, const DataType& type) {
  switch (type.kind) {
    case TypeKind::kBoolean:
      if (EqualsIgnoringCase(text, "true")) return Scalar(true);
      if (EqualsIgnoringCase(text, "false")) return Scalar(false);
      return std::nullopt;
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong: return MakeScalar(ParseInteger(text, type));
    case TypeKind::kFloat:
    case TypeKind::kDouble: return MakeScalar(ParseDouble(text, type));
    case TypeKind::kDecimal: return MakeScalar(ParseDecimal(text, type.precision, type.scale));
    case TypeKind::kString:
    case TypeKind::kBinary: return Scalar(std::string(text));
    case TypeKind::kDate: return MakeScalar(ParseDate(text));
    case TypeKind::kTimestamp: return MakeScalar(ParseTimestamp(text));
    case TypeKind::kTimestampNtz: {
      const auto read = ReadTimestamp(text);
      return read && !read->has_zone ? std::optional(Scalar(read->micros)) : std::nullopt;
    }
    case TypeKind::kVoid:
    case TypeKind::kVariant:
    case TypeKind::kStruct:
    case TypeKind::kArray:
    case TypeKind::kMap: return std::nullopt;
  }
  return std::nullopt;
}

std::string FormatDouble(double value, const DataType& type) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  // A float in its own shortest form: 0.1f is 0.1, not 0.10000000149011612.
  return type.kind == TypeKind::kFloat ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
}

}  // namespace

std::weak_ordering Scalar::Compare(const Scalar& a, const Scalar& b) {
  assert(!a.is_null());
  assert(!b.is_null());
  assert(a.storage_.index() == b.storage_.index());
  if (a.storage_.index() != b.storage_.index()) return a.storage_.index() <=> b.storage_.index();
  if (const auto* flag = std::get_if<bool>(&a.storage_)) return *flag <=> b.get<bool>();
  if (const auto* number = std::get_if<int64_t>(&a.storage_)) return *number <=> b.get<int64_t>();
  if (const auto* real = std::get_if<double>(&a.storage_)) return CompareDoubles(*real, b.get<double>());
  if (const auto* decimal = std::get_if<Int128>(&a.storage_)) return CompareDecimals(*decimal, b.get<Int128>());
  // char_traits<char> compares as unsigned bytes.
  const int order = a.get<std::string>().compare(b.get<std::string>());
  return order <=> 0;
}

bool operator==(const Scalar& a, const Scalar& b) {
  if (a.storage_.index() != b.storage_.index()) return false;
  return a.is_null() || Scalar::Compare(a, b) == 0;
}

Result<Scalar> ParsePartitionValue(std::optional<std::string_view> text, const DataType& type) {
  if (!text || text->empty()) return Scalar();
  std::optional<Scalar> value = ParseText(*text, type);
  if (!value) {
    return Error(ErrorCode::kCorrupt, fmt::format("partition value '{}' is no {}", *text, TypeName(type)))
        .WithReason(Reason::kCorruptTable);
  }
  return std::move(*value);
}

std::optional<std::string> FormatPartitionValue(const Scalar& value, const DataType& type) {
  if (value.is_null()) return std::nullopt;
  switch (type.kind) {
    case TypeKind::kBoolean: return value.get<bool>() ? "true" : "false";
    case TypeKind::kFloat:
    case TypeKind::kDouble: return FormatDouble(value.get<double>(), type);
    case TypeKind::kDecimal: return FormatDecimal(value.get<Int128>(), type.scale);
    case TypeKind::kString:
    case TypeKind::kBinary: return value.get<std::string>();
    case TypeKind::kDate: return FormatDate(value.get<int64_t>());
    case TypeKind::kTimestamp: return FormatTimestamp(value.get<int64_t>(), true);
    case TypeKind::kTimestampNtz: return FormatTimestamp(value.get<int64_t>(), false);
    default: return std::to_string(value.get<int64_t>());
  }
}

std::optional<Scalar> ParseStatisticsValue(std::string_view json, const DataType& type) {
  json = TrimJson(json);
  const std::optional<std::string> text = UnquoteJson(json);
  switch (type.kind) {
    case TypeKind::kBoolean:
      if (json == "true") return Scalar(true);
      if (json == "false") return Scalar(false);
      return std::nullopt;
    case TypeKind::kFloat:
    case TypeKind::kDouble:
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
      // Only numbers count. Writers put "NaN" and "Infinity" into strings, and such bounds say nothing.
      return IsJsonNumber(json) ? ParseText(json, type) : std::nullopt;
    case TypeKind::kDecimal: return ParseText(text ? std::string_view(*text) : json, type);
    case TypeKind::kBinary: return std::nullopt;
    case TypeKind::kTimestampNtz: return text ? MakeScalar(ParseTimestamp(*text)) : std::nullopt;
    default: return text ? ParseText(*text, type) : std::nullopt;
  }
}

std::string FormatStatisticsValue(const Scalar& value, const DataType& type) {
  assert(!value.is_null());
  std::string text;
  switch (type.kind) {
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      const double number = value.get<double>();
      if (number == 0) return std::signbit(number) ? "-0.0" : "0.0";  // "-0" would be read as the integer 0
      if (type.kind == TypeKind::kFloat)
        AppendJsonFloat(text, static_cast<float>(number));
      else
        AppendJsonDouble(text, number);
      return text;
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: {
      const bool utc = type.kind == TypeKind::kTimestamp;
      std::string stamp = FormatTimestamp(FloorDivide(value.get<int64_t>(), 1000) * 1000, true);
      stamp.resize(stamp.size() - 4);  // "000Z": the microseconds
      if (utc) stamp += 'Z';
      AppendJsonString(text, stamp);
      return text;
    }
    case TypeKind::kString:
    case TypeKind::kBinary: AppendJsonString(text, value.get<std::string>()); return text;
    case TypeKind::kDate: AppendJsonString(text, FormatDate(value.get<int64_t>())); return text;
    default: return *FormatPartitionValue(value, type);
  }
}

}  // namespace yummy::delta
