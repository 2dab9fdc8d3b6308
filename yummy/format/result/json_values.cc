#include "yummy/format/result/json_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include <arrow/array.h>
#include <arrow/extension_type.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>
#include <fmt/compile.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/decimal_text.h"
#include "yummy/base/json.h"
#include "yummy/base/time_text.h"

namespace yummy::format {

namespace {

// A part of an array.
struct Range {
  int64_t begin;
  int64_t end;
};

// Calls append(i) for each value that is not null, and writes commas and nulls.
template <typename Append>
void AppendEach(const arrow::Array& array, Range range, std::string& out, Append&& append) {
  const bool nulls = array.null_count() > 0;
  for (int64_t i = range.begin; i < range.end; i++) {
    if (i > range.begin) out += ',';
    if (nulls && array.IsNull(i)) {
      out += "null";
    } else {
      append(i);
    }
  }
}

// As AppendEach, for values with at most kBytes of text each. write(i, place) writes to `place` and returns the end of
// its text. Room is made for a thousand values at a time.
template <size_t kBytes, typename Write>
void WriteEach(const arrow::Array& array, Range range, std::string& out, Write&& write) {
  static_assert(kBytes >= 4);  // "null"
  constexpr int64_t kStep = 1024;
  const bool nulls = array.null_count() > 0;
  for (int64_t step = range.begin; step < range.end; step += kStep) {
    const int64_t step_end = std::min(step + kStep, range.end);
    const size_t size = out.size();
    out.resize(size + static_cast<size_t>(step_end - step) * (kBytes + 1));
    char* place = out.data() + size;
    for (int64_t i = step; i < step_end; i++) {
      if (i > range.begin) *place++ = ',';
      if (nulls && array.IsNull(i)) {
        std::memcpy(place, "null", 4);
        place += 4;
      } else {
        place = write(i, place);
      }
    }
    out.resize(static_cast<size_t>(place - out.data()));
  }
}

char* WriteInteger(char* place, int64_t value) {
  const fmt::format_int text(value);
  std::memcpy(place, text.data(), text.size());
  return place + text.size();
}

char* WriteUnsigned(char* place, uint64_t value) {
  const fmt::format_int text(value);
  std::memcpy(place, text.data(), text.size());
  return place + text.size();
}

constexpr size_t kFloatingBytes = 32;  // the longest texts are like "-2.2250738585072014e-308"

template <typename Float>
char* WriteFloating(char* place, Float value) {
  if (!std::isfinite(value)) {
    std::memcpy(place, "null", 4);
    return place + 4;
  }
  char* const end = fmt::format_to(place, FMT_COMPILE("{}"), value);
  for (const char* c = place; c != end; c++) {
    if (*c == '.' || *c == 'e') return end;
  }
  std::memcpy(end, ".0", 2);
  return end + 2;
}

template <typename Type>
void AppendIntegers(const arrow::Array& array, Range range, std::string& out) {
  const auto* values = static_cast<const arrow::NumericArray<Type>&>(array).raw_values();
  WriteEach<20>(array, range, out, [&](int64_t i, char* place) {
    if constexpr (std::is_unsigned_v<typename Type::c_type>) {
      return WriteUnsigned(place, values[i]);
    } else {
      return WriteInteger(place, values[i]);
    }
  });
}

template <typename Type>
void AppendFloats(const arrow::Array& array, Range range, std::string& out) {
  const auto* values = static_cast<const arrow::NumericArray<Type>&>(array).raw_values();
  WriteEach<kFloatingBytes>(array, range, out, [&](int64_t i, char* place) { return WriteFloating(place, values[i]); });
}

void AppendHalfFloats(const arrow::Array& array, Range range, std::string& out) {
  const auto& values = static_cast<const arrow::HalfFloatArray&>(array);
  AppendEach(array, range, out,
             [&](int64_t i) { AppendJsonNumber(out, arrow::util::Float16::FromBits(values.Value(i)).ToFloat()); });
}

void AppendBooleans(const arrow::Array& array, Range range, std::string& out) {
  const auto& values = static_cast<const arrow::BooleanArray&>(array);
  AppendEach(array, range, out, [&](int64_t i) { out += values.Value(i) ? "true" : "false"; });
}

// The number of bytes before the first one that JSON must escape, eight at a time.
size_t PlainLength(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHigh = 0x8080808080808080;
  size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, 8);
    const auto zero_bytes = [&](uint64_t x) { return (x - kOnes) & ~x & kHigh; };
    const uint64_t below_space = (word - kOnes * 0x20) & ~word & kHigh;
    if ((below_space | zero_bytes(word ^ (kOnes * '"')) | zero_bytes(word ^ (kOnes * '\\'))) != 0) break;
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x20 && text[at] != '"' && text[at] != '\\') at++;
  return at;
}

// `text` is UTF-8.
void AppendUtf8String(std::string& out, std::string_view text) {
  const size_t plain = PlainLength(text);
  if (plain < text.size()) {
    AppendJsonString(out, text);
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

// Checking all bytes at once is much faster than checking each string. It is enough if no string begins inside a
// character.
template <typename Array>
bool AllUtf8(const Array& strings, Range range) {
  if (range.begin >= range.end) return true;
  const auto begin = static_cast<size_t>(strings.value_offset(range.begin));
  const auto end = static_cast<size_t>(strings.value_offset(range.end));
  const std::string_view bytes(reinterpret_cast<const char*>(strings.raw_data()) + begin, end - begin);
  if (!simdjson::validate_utf8(bytes)) return false;
  for (int64_t i = range.begin; i < range.end; i++) {
    const auto text = strings.GetView(i);
    if (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0) == 0x80) return false;
  }
  return true;
}

// The bytes of views are not contiguous.
bool AllUtf8(const arrow::StringViewArray& /*strings*/, Range /*range*/) { return false; }

// Bytes under a null do not count.
template <typename Array>
bool EachUtf8(const Array& strings, Range range) {
  for (int64_t i = range.begin; i < range.end; i++) {
    if (strings.IsValid(i) && !simdjson::validate_utf8(strings.GetView(i))) return false;
  }
  return true;
}

void Reserve(const arrow::StringViewArray& /*strings*/, Range /*range*/, std::string& /*out*/) {}

template <typename Array>
void Reserve(const Array& strings, Range range, std::string& out) {
  out.reserve(out.size() + static_cast<size_t>(strings.value_offset(range.end) - strings.value_offset(range.begin)) +
              static_cast<size_t>(range.end - range.begin) * 3);
}

template <typename Array>
Result<void> AppendStrings(const arrow::Array& array, Range range, std::string& out) {
  const auto& strings = static_cast<const Array&>(array);
  if (!AllUtf8(strings, range) && !EachUtf8(strings, range)) {
    return Error(ErrorCode::kCorrupt,
                 "a text of the result is no UTF-8, which JSON cannot hold: encode(…) makes it binary")
        .WithReason(Reason::kInvalidUtf8);
  }
  Reserve(strings, range, out);
  AppendEach(array, range, out, [&](int64_t i) { AppendUtf8String(out, strings.GetView(i)); });
  return {};
}

// As an array of numbers.
template <typename Array>
void AppendBinaries(const arrow::Array& array, Range range, std::string& out) {
  const auto& binaries = static_cast<const Array&>(array);
  AppendEach(array, range, out, [&](int64_t i) {
    const std::string_view bytes = binaries.GetView(i);
    out += '[';
    for (size_t k = 0; k < bytes.size(); k++) {
      if (k > 0) out += ',';
      char text[4];
      out.append(text, WriteUnsigned(text, static_cast<unsigned char>(bytes[k])));
    }
    out += ']';
  });
}

// Decimals of up to 128 bits, which Value has.
template <typename Value>
void AppendDecimals(const arrow::Array& array, Range range, std::string& out) {
  const auto& decimals = static_cast<const arrow::FixedSizeBinaryArray&>(array);
  const int scale = static_cast<const arrow::DecimalType&>(*array.type()).scale();
  AppendEach(array, range, out, [&](int64_t i) {
    Value value = 0;
    std::memcpy(&value, decimals.GetValue(i), sizeof(value));
    AppendDecimal(out, value, std::max(scale, 0));
    if (scale < 0 && value != 0) out.append(static_cast<size_t>(-scale), '0');
  });
}

void AppendDecimals256(const arrow::Array& array, Range range, std::string& out) {
  const auto& decimals = static_cast<const arrow::Decimal256Array&>(array);
  const int scale = static_cast<const arrow::DecimalType&>(*array.type()).scale();
  AppendEach(array, range, out, [&](int64_t i) {
    std::string digits = arrow::Decimal256(decimals.GetValue(i)).ToIntegerString();
    const bool negative = digits.starts_with('-');
    if (negative) digits.erase(0, 1);
    if (scale > 0) {
      const auto places = static_cast<size_t>(scale);
      if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
      digits.insert(digits.size() - places, 1, '.');
    } else if (digits != "0") {
      digits.append(static_cast<size_t>(-scale), '0');
    }
    if (negative) out += '-';
    out += digits;
  });
}

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

int64_t UnitsPerSecond(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND: return 1;
    case arrow::TimeUnit::MILLI: return 1'000;
    case arrow::TimeUnit::MICRO: return 1'000'000;
    case arrow::TimeUnit::NANO: return 1'000'000'000;
  }
  return 1;
}

// Computes days first, so that no unit overflows.
void AppendTimestamp(std::string& out, int64_t value, int64_t units_per_second, bool zoned) {
  const int64_t units_per_day = units_per_second * 86'400;
  const int64_t days = FloorDivide(value, units_per_day);
  const int64_t rest = value - days * units_per_day;
  const int64_t micros =
      units_per_second > 1'000'000 ? rest / (units_per_second / 1'000'000) : rest * (1'000'000 / units_per_second);
  out += '"';
  AppendDate(out, days);
  out += 'T';
  AppendTime(out, micros);
  out += zoned ? "Z\"" : "\"";
}

void AppendTimestamps(const arrow::Array& array, Range range, std::string& out) {
  const auto& values = static_cast<const arrow::TimestampArray&>(array);
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  const int64_t units = UnitsPerSecond(type.unit());
  const bool zoned = !type.timezone().empty();
  AppendEach(array, range, out, [&](int64_t i) { AppendTimestamp(out, values.Value(i), units, zoned); });
}

template <typename Array>
void AppendDates(const arrow::Array& array, Range range, std::string& out) {
  const auto& dates = static_cast<const Array&>(array);
  constexpr int64_t kUnitsPerDay = std::is_same_v<Array, arrow::Date64Array> ? 86'400'000 : 1;
  AppendEach(array, range, out, [&](int64_t i) {
    out += '"';
    AppendDate(out, FloorDivide(dates.Value(i), kUnitsPerDay));
    out += '"';
  });
}

template <typename Array>
void AppendTimes(const arrow::Array& array, Range range, std::string& out) {
  const auto& times = static_cast<const Array&>(array);
  const int64_t units = UnitsPerSecond(static_cast<const arrow::TimeType&>(*array.type()).unit());
  AppendEach(array, range, out, [&](int64_t i) {
    const int64_t value = times.Value(i);
    out += '"';
    AppendTime(out, units > 1'000'000 ? value / (units / 1'000'000) : value * (1'000'000 / units));
    out += '"';
  });
}

// "P1M2DT3.000006S": ISO 8601. Seconds may exceed a minute, and each part has its own sign.
void AppendInterval(std::string& out, int64_t months, int64_t days, Int128 nanos) {
  out += "\"P";
  if (months != 0) fmt::format_to(std::back_inserter(out), "{}M", months);
  if (days != 0) fmt::format_to(std::back_inserter(out), "{}D", days);
  if (nanos != 0 || (months == 0 && days == 0)) {
    constexpr int kNanoDigits = 9;
    std::string seconds = FormatDecimal(nanos, kNanoDigits);
    seconds.erase(seconds.find_last_not_of('0') + 1);
    if (seconds.ends_with('.')) seconds.pop_back();
    out += 'T';
    out += seconds;
    out += 'S';
  }
  out += '"';
}

void AppendIntervals(const arrow::Array& array, Range range, std::string& out) {
  constexpr Int128 kNanosPerMilli = 1'000'000;
  AppendEach(array, range, out, [&](int64_t i) {
    if (array.type_id() == arrow::Type::INTERVAL_MONTHS) {
      AppendInterval(out, static_cast<const arrow::MonthIntervalArray&>(array).Value(i), 0, 0);
    } else if (array.type_id() == arrow::Type::INTERVAL_DAY_TIME) {
      const auto value = static_cast<const arrow::DayTimeIntervalArray&>(array).Value(i);
      AppendInterval(out, 0, value.days, value.milliseconds * kNanosPerMilli);
    } else if (array.type_id() == arrow::Type::INTERVAL_MONTH_DAY_NANO) {
      const auto value = static_cast<const arrow::MonthDayNanoIntervalArray&>(array).Value(i);
      AppendInterval(out, value.months, value.days, value.nanoseconds);
    } else {
      const int64_t units = UnitsPerSecond(static_cast<const arrow::DurationType&>(*array.type()).unit());
      AppendInterval(out, 0, 0,
                     Int128{static_cast<const arrow::DurationArray&>(array).Value(i)} * (1'000'000'000 / units));
    }
  });
}

// As AppendEach, for values that consist of values of other arrays. May fail.
template <typename Append>
Result<void> TryEach(const arrow::Array& array, Range range, std::string& out, Append&& append) {
  for (int64_t i = range.begin; i < range.end; i++) {
    if (i > range.begin) out += ',';
    if (array.IsNull(i)) {
      out += "null";
    } else {
      TRY(append(i));
    }
  }
  return {};
}

template <typename Array>
Result<void> AppendLists(const arrow::Array& array, Range range, std::string& out) {
  const auto& lists = static_cast<const Array&>(array);
  const arrow::Array& values = *lists.values();
  return TryEach(array, range, out, [&](int64_t i) -> Result<void> {
    const int64_t offset = lists.value_offset(i);
    out += '[';
    TRY(AppendJsonValues(values, offset, offset + lists.value_length(i), out));
    out += ']';
    return {};
  });
}

Result<void> AppendStructs(const arrow::Array& array, Range range, std::string& out) {
  const auto& structs = static_cast<const arrow::StructArray&>(array);
  std::vector<std::shared_ptr<arrow::Array>> fields;
  std::vector<std::string> keys;
  for (int k = 0; k < structs.num_fields(); k++) {
    fields.push_back(structs.field(k));
    std::string key = k == 0 ? "" : ",";
    AppendJsonString(key, array.type()->field(k)->name());
    keys.push_back(key + ':');
  }
  return TryEach(array, range, out, [&](int64_t i) -> Result<void> {
    out += '{';
    for (size_t k = 0; k < fields.size(); k++) {
      out += keys[k];
      TRY(AppendJsonValues(*fields[k], i, i + 1, out));
    }
    out += '}';
    return {};
  });
}

bool IsString(const arrow::DataType& type) {
  return arrow::is_string(type.id()) || type.id() == arrow::Type::STRING_VIEW;
}

Result<void> AppendMaps(const arrow::Array& array, Range range, std::string& out) {
  const auto& maps = static_cast<const arrow::MapArray&>(array);
  const arrow::Array& keys = *maps.keys();
  const arrow::Array& items = *maps.items();
  const bool object = IsString(*keys.type());
  return TryEach(array, range, out, [&](int64_t i) -> Result<void> {
    out += object ? '{' : '[';
    for (int64_t k = maps.value_offset(i); k < maps.value_offset(i + 1); k++) {
      if (k > maps.value_offset(i)) out += ',';
      if (!object) out += "{\"key\":";
      TRY(AppendJsonValues(keys, k, k + 1, out));
      out += object ? ":" : ",\"value\":";
      TRY(AppendJsonValues(items, k, k + 1, out));
      if (!object) out += '}';
    }
    out += object ? '}' : ']';
    return {};
  });
}

Result<void> AppendDictionary(const arrow::Array& array, Range range, std::string& out) {
  const auto& values = static_cast<const arrow::DictionaryArray&>(array);
  const arrow::Array& dictionary = *values.dictionary();
  return TryEach(array, range, out, [&](int64_t i) {
    const int64_t index = values.GetValueIndex(i);
    return AppendJsonValues(dictionary, index, index + 1, out);
  });
}

// The value of a union is the value of its selected child.
Result<void> AppendUnions(const arrow::Array& array, Range range, std::string& out) {
  const auto& unions = static_cast<const arrow::UnionArray&>(array);
  for (int64_t i = range.begin; i < range.end; i++) {
    if (i > range.begin) out += ',';
    const int64_t index = array.type_id() == arrow::Type::DENSE_UNION
                              ? static_cast<const arrow::DenseUnionArray&>(array).value_offset(i)
                              : i;
    TRY(AppendJsonValues(*unions.field(unions.child_id(i)), index, index + 1, out));
  }
  return {};
}

/// Handles the types whose values may have no JSON form.
Result<void> AppendFallible(const arrow::Array& array, Range range, std::string& out) {
  switch (array.type_id()) {
    case arrow::Type::STRING: return AppendStrings<arrow::StringArray>(array, range, out);
    case arrow::Type::LARGE_STRING: return AppendStrings<arrow::LargeStringArray>(array, range, out);
    case arrow::Type::STRING_VIEW: return AppendStrings<arrow::StringViewArray>(array, range, out);
    case arrow::Type::STRUCT: return AppendStructs(array, range, out);
    case arrow::Type::MAP: return AppendMaps(array, range, out);
    case arrow::Type::LIST: return AppendLists<arrow::ListArray>(array, range, out);
    case arrow::Type::LARGE_LIST: return AppendLists<arrow::LargeListArray>(array, range, out);
    case arrow::Type::FIXED_SIZE_LIST: return AppendLists<arrow::FixedSizeListArray>(array, range, out);
    case arrow::Type::LIST_VIEW: return AppendLists<arrow::ListViewArray>(array, range, out);
    case arrow::Type::LARGE_LIST_VIEW: return AppendLists<arrow::LargeListViewArray>(array, range, out);
    case arrow::Type::DICTIONARY: return AppendDictionary(array, range, out);
    case arrow::Type::DENSE_UNION:
    case arrow::Type::SPARSE_UNION: return AppendUnions(array, range, out);
    case arrow::Type::EXTENSION:
      return AppendJsonValues(*static_cast<const arrow::ExtensionArray&>(array).storage(), range.begin, range.end, out);
    default:
      return Error(ErrorCode::kUnsupported,
                   fmt::format("a result column of type {} has no JSON form: cast it", array.type()->ToString()))
          .WithReason(Reason::kUnsupportedType);
  }
}

}  // namespace

void AppendJsonNumber(std::string& out, double value) {
  char text[kFloatingBytes];
  out.append(text, WriteFloating(text, value));
}

void AppendJsonNumber(std::string& out, float value) {
  char text[kFloatingBytes];
  out.append(text, WriteFloating(text, value));
}

Result<void> AppendJsonValues(const arrow::Array& array, int64_t begin, int64_t end, std::string& out) {
  using Append = void (*)(const arrow::Array&, Range, std::string&);
  const Append append = [&]() -> Append {
    switch (array.type_id()) {
      case arrow::Type::NA:
        return [](const arrow::Array& nulls, Range range, std::string& text) {
          AppendEach(nulls, range, text, [](int64_t) {});
        };
      case arrow::Type::BOOL: return AppendBooleans;
      case arrow::Type::INT8: return AppendIntegers<arrow::Int8Type>;
      case arrow::Type::INT16: return AppendIntegers<arrow::Int16Type>;
      case arrow::Type::INT32: return AppendIntegers<arrow::Int32Type>;
      case arrow::Type::INT64: return AppendIntegers<arrow::Int64Type>;
      case arrow::Type::UINT8: return AppendIntegers<arrow::UInt8Type>;
      case arrow::Type::UINT16: return AppendIntegers<arrow::UInt16Type>;
      case arrow::Type::UINT32: return AppendIntegers<arrow::UInt32Type>;
      case arrow::Type::UINT64: return AppendIntegers<arrow::UInt64Type>;
      case arrow::Type::HALF_FLOAT: return AppendHalfFloats;
      case arrow::Type::FLOAT: return AppendFloats<arrow::FloatType>;
      case arrow::Type::DOUBLE: return AppendFloats<arrow::DoubleType>;
      case arrow::Type::DECIMAL32: return AppendDecimals<int32_t>;
      case arrow::Type::DECIMAL64: return AppendDecimals<int64_t>;
      case arrow::Type::DECIMAL128: return AppendDecimals<Int128>;
      case arrow::Type::DECIMAL256: return AppendDecimals256;
      case arrow::Type::BINARY: return AppendBinaries<arrow::BinaryArray>;
      case arrow::Type::LARGE_BINARY: return AppendBinaries<arrow::LargeBinaryArray>;
      case arrow::Type::BINARY_VIEW: return AppendBinaries<arrow::BinaryViewArray>;
      case arrow::Type::FIXED_SIZE_BINARY: return AppendBinaries<arrow::FixedSizeBinaryArray>;
      case arrow::Type::DATE32: return AppendDates<arrow::Date32Array>;
      case arrow::Type::DATE64: return AppendDates<arrow::Date64Array>;
      case arrow::Type::TIMESTAMP: return AppendTimestamps;
      case arrow::Type::TIME32: return AppendTimes<arrow::Time32Array>;
      case arrow::Type::TIME64: return AppendTimes<arrow::Time64Array>;
      case arrow::Type::DURATION:
      case arrow::Type::INTERVAL_MONTHS:
      case arrow::Type::INTERVAL_DAY_TIME:
      case arrow::Type::INTERVAL_MONTH_DAY_NANO: return AppendIntervals;
      default: return nullptr;
    }
  }();
  if (append == nullptr) return AppendFallible(array, Range{begin, end}, out);
  append(array, Range{begin, end}, out);
  return {};
}

Result<void> AppendJsonValue(const arrow::Array& array, int64_t index, std::string& out) {
  return AppendJsonValues(array, index, index + 1, out);
}

}  // namespace yummy::format
