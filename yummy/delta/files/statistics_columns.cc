#include "yummy/delta/files/statistics_columns.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/delta/files/text_column.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {

namespace {

// Spark cuts timestamps in statistics to milliseconds, so that a maximum may lie below the data by less than one.
constexpr int64_t kMillisecondMicros = 1000;
// Spark up to 3.3 cut zone offsets to minutes (delta-io/delta#5249): a bound with an explicit offset is off by less
// than one.
constexpr int64_t kOffsetErrorMicros = 59'000'000;
constexpr int64_t kDayMicros = 86'400'000'000;

bool IsTimestamp(TypeKind kind) { return kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampNtz; }

bool IsInteger(TypeKind kind) {
  return kind == TypeKind::kByte || kind == TypeKind::kShort || kind == TypeKind::kInteger || kind == TypeKind::kLong;
}

/// True if the type can hold the value. Otherwise the bound would become another value in typed statistics of a
/// checkpoint.
bool FitsInteger(int64_t value, TypeKind kind) {
  if (kind == TypeKind::kByte) return std::in_range<int8_t>(value);
  if (kind == TypeKind::kShort) return std::in_range<int16_t>(value);
  return kind != TypeKind::kInteger || std::in_range<int32_t>(value);
}

/// True for texts with an offset after the time of day: "2024-01-02T03:04:05+05:53".
bool HasExplicitOffset(std::string_view text) {
  constexpr size_t kDateLength = 10;
  const size_t at = text.find_last_of("+-");
  return at != std::string_view::npos && at > kDateLength;
}

// Many writers compute decimal bounds as doubles: the unscaled value, a power of ten and their quotient are each
// rounded, and one writer then steps to the double before. Together that is less than this part of the bound.
constexpr Int128 kDoubleErrorPart = Int128{1} << 49;
// Up to this value a double keeps a decimal exactly: 15 digits survive.
constexpr Int128 kExactInDouble = 1'000'000'000'000'000;

Int128 Magnitude(Int128 value) { return value < 0 ? -value : value; }

Int128 PowerOfTen(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; i++) power *= 10;
  return power;
}

/// How far the data may lie beyond a bound.
Int128 DecimalError(Int128 bound) {
  const Int128 magnitude = Magnitude(bound);
  return magnitude <= kExactInDouble ? 0 : magnitude / kDoubleErrorPart + 1;
}

/// True if the bound is a limit of 64 bits, of the value or of its unscaled form. Then a conversion may have clamped
/// it, and the data may lie anywhere beyond.
bool IsClamped(Int128 bound, const DataType& type) {
  constexpr Int128 kEnd = Int128{1} << 63;
  const auto is_near = [&](Int128 end) { return Magnitude(Magnitude(bound) - end) <= DecimalError(end); };
  constexpr int kScaleMax = 19;  // with a larger scale the limit has more than 38 digits
  return is_near(kEnd) || (type.scale <= kScaleMax && is_near(kEnd * PowerOfTen(type.scale)));
}

/// `bound` moved by `error`, within what the type can hold.
Scalar MoveDecimal(const Scalar& bound, Int128 error, const DataType& type) {
  const Int128 last = PowerOfTen(type.precision) - 1;
  return Scalar(std::clamp(bound.get<Int128>() + error, -last, last));
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) return b < 0 ? INT64_MIN : INT64_MAX;
  return sum;
}

std::string_view TrimRight(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

/// The wanted columns as a tree of names.
struct ColumnNode {
  std::string name;
  std::vector<ColumnNode> children;
  std::optional<size_t> column;

  const ColumnNode* Find(std::string_view key) const {
    for (const ColumnNode& child : children) {
      if (child.name == key) return &child;
    }
    return nullptr;
  }
};

ColumnNode MakeTree(std::span<const LeafColumn> columns) {
  ColumnNode root;
  for (size_t i = 0; i < columns.size(); i++) {
    ColumnNode* node = &root;
    for (const std::string& name : columns[i].path) {
      auto at =
          std::find_if(node->children.begin(), node->children.end(), [&](const auto& n) { return n.name == name; });
      if (at == node->children.end())
        at = node->children.insert(at, ColumnNode{.name = name, .children = {}, .column = {}});
      node = &*at;
    }
    node->column = i;
  }
  return root;
}

std::optional<Scalar> ParseTimeBound(std::string_view text, TypeKind kind) {
  if (kind == TypeKind::kDate) {
    const auto days = ParseDate(text);
    return days ? std::optional(Scalar(*days)) : std::nullopt;
  }
  if (const auto micros = ParseTimestamp(text)) return Scalar(*micros);
  // A date that was widened to timestamp_ntz.
  if (const auto days = ParseDate(text)) return Scalar(*days * kDayMicros);
  return std::nullopt;
}

}  // namespace

std::string LeafColumn::cache_key() const {
  std::string key = TypeName(type);
  if (was_widened) key += '*';
  for (const std::string& name : path) {
    key += '\0';
    key += name;
  }
  return key;
}

ColumnBounds::ColumnBounds(const LeafColumn& column, size_t rows)
    : type_(column.type), was_widened_(column.was_widened), flags_(rows, 0), null_counts_(rows, -1) {}

Scalar ColumnBounds::At(const BoundValues& values, size_t row) const {
  switch (type_.kind) {
    case TypeKind::kBoolean: return Scalar(values.integers[row] != 0);
    case TypeKind::kFloat:
    case TypeKind::kDouble: return Scalar(values.doubles[row]);
    case TypeKind::kDecimal: return Scalar(values.decimals[row]);
    case TypeKind::kString:
    case TypeKind::kBinary: return Scalar(values.texts[row]);
    default: return Scalar(values.integers[row]);
  }
}

void ColumnBounds::Set(BoundValues& values, size_t row, const Scalar& value) {
  const size_t rows = flags_.size();
  if (const auto* integer = std::get_if<int64_t>(&value.storage())) {
    if (values.integers.empty()) values.integers.resize(rows);
    values.integers[row] = *integer;
  } else if (const auto* boolean = std::get_if<bool>(&value.storage())) {
    if (values.integers.empty()) values.integers.resize(rows);
    values.integers[row] = *boolean ? 1 : 0;
  } else if (const auto* number = std::get_if<double>(&value.storage())) {
    if (values.doubles.empty()) values.doubles.resize(rows);
    values.doubles[row] = *number;
  } else if (const auto* decimal = std::get_if<Int128>(&value.storage())) {
    if (values.decimals.empty()) values.decimals.resize(rows);
    values.decimals[row] = *decimal;
  } else if (const auto* text = std::get_if<std::string>(&value.storage())) {
    if (values.texts.empty()) values.texts.resize(rows);
    values.texts[row] = *text;
  }
}

void ColumnBounds::Forget(size_t row) {
  flags_[row] = 0;
  null_counts_[row] = -1;
}

void ColumnBounds::CheckRow(size_t row, int64_t num_records) {
  const bool count_lies = null_counts_[row] < -1 || (num_records >= 0 && null_counts_[row] > num_records);
  const bool has_both = (flags_[row] & kHasMin) != 0 && (flags_[row] & kHasMax) != 0;
  if (count_lies || (has_both && Scalar::Compare(At(min_, row), At(max_, row)) > 0)) Forget(row);
}

std::optional<Scalar> ColumnBounds::stored_min(size_t row) const {
  if ((flags_[row] & kHasMin) == 0) return std::nullopt;
  if ((flags_[row] & kOffsetZone) != 0) return Scalar(SaturatingAdd(min_.integers[row], -kOffsetErrorMicros));
  return At(min_, row);
}

std::optional<Scalar> ColumnBounds::stored_max(size_t row) const {
  if ((flags_[row] & kHasMax) == 0) return std::nullopt;
  if ((flags_[row] & kOffsetZone) != 0) return Scalar(SaturatingAdd(max_.integers[row], kOffsetErrorMicros));
  return At(max_, row);
}

ColumnFacts ColumnBounds::Facts(size_t row, int64_t num_records) const {
  ColumnFacts facts;
  facts.may_hold_nan = type_.kind == TypeKind::kFloat || type_.kind == TypeKind::kDouble;
  facts.no_null = null_counts_[row] == 0;
  facts.all_null = num_records > 0 && null_counts_[row] == num_records;
  facts.min = stored_min(row);
  facts.max = stored_max(row);
  if (IsTimestamp(type_.kind) && facts.max)
    facts.max = Scalar(SaturatingAdd(facts.max->get<int64_t>(), kMillisecondMicros));
  if (type_.kind == TypeKind::kDecimal) {
    if (facts.min) facts.min = MoveDecimal(*facts.min, -DecimalError(facts.min->get<Int128>()), type_);
    if (facts.max) facts.max = MoveDecimal(*facts.max, DecimalError(facts.max->get<Int128>()), type_);
  }
  if (type_.kind == TypeKind::kDouble && was_widened_) {
    // The text may be the shortest text of a float. Then the data is the float's value, on either side of the text's
    // value.
    const auto as_float = [](const Scalar& value) {
      return static_cast<double>(static_cast<float>(value.get<double>()));
    };
    if (facts.min) facts.min = Scalar(std::min(facts.min->get<double>(), as_float(*facts.min)));
    if (facts.max) facts.max = Scalar(std::max(facts.max->get<double>(), as_float(*facts.max)));
  }
  return facts;
}

/// Fills the columns from one text after another.
class StatisticsDecoder {
 public:
  StatisticsDecoder(const TextColumn& texts, std::span<const LeafColumn> columns)
      : texts_(texts), tree_(MakeTree(columns)) {
    out_.counts.num_records.assign(texts.size(), -1);
    out_.counts.tight.assign(texts.size(), 1);
    out_.columns.reserve(columns.size());
    for (const LeafColumn& column : columns) out_.columns.emplace_back(column, texts.size());
  }

  DecodedStatistics Decode() {
    for (size_t row = 0; row < texts_.size(); row++) {
      if (texts_[row].empty()) continue;
      const bool understood = DecodeRow(row);
      int64_t& num_records = out_.counts.num_records[row];
      if (!understood || num_records < -1) {
        num_records = -1;
        for (ColumnBounds& column : out_.columns) column.Forget(row);
      }
      for (ColumnBounds& column : out_.columns) column.CheckRow(row, num_records);
    }
    return std::move(out_);
  }

 private:
  enum class Part { kMin, kMax, kNullCount };

  bool DecodeRow(size_t row) {
    const std::string_view text = texts_[row];
    // TextColumn keeps the padding after the last text readable.
    const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + simdjson::SIMDJSON_PADDING);
    simdjson::ondemand::document document;
    simdjson::ondemand::object root;
    if (parser_.iterate(padded).get(document) != simdjson::SUCCESS) return false;
    if (document.get_object().get(root) != simdjson::SUCCESS) return false;
    for (auto entry : root) {
      simdjson::ondemand::field field;
      std::string_view key;
      if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
      if (!DecodeEntry(key, field.value(), row)) return false;
    }
    return true;
  }

  bool DecodeEntry(std::string_view key, simdjson::ondemand::value value, size_t row) {
    if (key == "numRecords") {
      const auto count = ReadCount(value);
      if (!count) return value.is_null();
      out_.counts.num_records[row] = *count < 0 ? -2 : *count;
      return true;
    }
    if (key == "tightBounds") {
      bool tight = false;
      if (value.get_bool().get(tight) != simdjson::SUCCESS) return value.is_null();
      out_.counts.tight[row] = tight ? 1 : 0;
      return true;
    }
    if (tree_.children.empty()) return true;
    if (key == "minValues") return Walk(value, tree_, Part::kMin, row);
    if (key == "maxValues") return Walk(value, tree_, Part::kMax, row);
    if (key == "nullCount") return Walk(value, tree_, Part::kNullCount, row);
    return true;
  }

  static std::optional<int64_t> ReadCount(simdjson::ondemand::value value) {
    int64_t count = 0;
    if (value.get_int64().get(count) == simdjson::SUCCESS) return count;
    return ParseJsonInteger(TrimRight(value.raw_json_token()), JsonFraction::kRefuse);
  }

  bool Walk(simdjson::ondemand::value value, const ColumnNode& node, Part part, size_t row) {
    simdjson::ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return false;
    if (node.column && type != simdjson::ondemand::json_type::object)
      return DecodeValue(value, type, *node.column, part, row);
    if (node.children.empty() || type != simdjson::ondemand::json_type::object) return true;
    simdjson::ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return false;
    for (auto entry : object) {
      simdjson::ondemand::field field;
      std::string_view key;
      if (std::move(entry).get(field) != simdjson::SUCCESS) return false;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
      const ColumnNode* child = node.Find(key);
      if (child != nullptr && !Walk(field.value(), *child, part, row)) return false;
    }
    return true;
  }

  bool DecodeValue(simdjson::ondemand::value value, simdjson::ondemand::json_type type, size_t at, Part part,
                   size_t row) {
    ColumnBounds& column = out_.columns[at];
    if (part == Part::kNullCount) {
      const auto count = ReadCount(value);
      if (count) column.null_counts_[row] = *count < 0 ? -2 : *count;
      return true;
    }
    bool explicit_offset = false;
    const std::optional<Scalar> bound = ParseBound(value, type, column.type_, &explicit_offset);
    if (!bound) return true;
    column.Set(part == Part::kMin ? column.min_ : column.max_, row, *bound);
    const unsigned flag = part == Part::kMin ? ColumnBounds::kHasMin : ColumnBounds::kHasMax;
    column.flags_[row] =
        static_cast<uint8_t>(column.flags_[row] | flag | (explicit_offset ? unsigned{ColumnBounds::kOffsetZone} : 0U));
    return true;
  }

  static std::optional<Scalar> ParseBound(simdjson::ondemand::value value, simdjson::ondemand::json_type type,
                                          const DataType& wanted, bool* explicit_offset) {
    using Json = simdjson::ondemand::json_type;
    if (type == Json::string) {
      std::string_view text;
      if (value.get_string().get(text) != simdjson::SUCCESS) return std::nullopt;
      if (wanted.kind == TypeKind::kString) return Scalar(std::string(text));
      if (wanted.kind != TypeKind::kDate && !IsTimestamp(wanted.kind)) return std::nullopt;
      *explicit_offset = HasExplicitOffset(text);
      return ParseTimeBound(text, wanted.kind);
    }
    if (type == Json::number && IsInteger(wanted.kind)) {
      int64_t integer = 0;
      const bool fits = value.get_int64().get(integer) == simdjson::SUCCESS && FitsInteger(integer, wanted.kind);
      return fits ? std::optional(Scalar(integer)) : std::nullopt;
    }
    if (type == Json::number && (wanted.kind == TypeKind::kDouble || wanted.kind == TypeKind::kFloat)) {
      double number = 0;
      if (value.get_double().get(number) != simdjson::SUCCESS || !std::isfinite(number)) return std::nullopt;
      if (wanted.kind == TypeKind::kDouble) return Scalar(number);
      // The shortest text of a float, read as a double, is not the float's value.
      if (std::abs(number) > static_cast<double>(FLT_MAX)) return std::nullopt;
      return Scalar(static_cast<double>(static_cast<float>(number)));
    }
    const bool is_decimal = type == Json::number && wanted.kind == TypeKind::kDecimal;
    const bool is_boolean = type == Json::boolean && wanted.kind == TypeKind::kBoolean;
    if (!is_decimal && !is_boolean) return std::nullopt;
    auto bound = ParseStatisticsValue(TrimRight(value.raw_json_token()), wanted);
    if (bound && is_decimal && IsClamped(bound->get<Int128>(), wanted)) return std::nullopt;
    return bound;
  }

  const TextColumn& texts_;
  ColumnNode tree_;
  simdjson::ondemand::parser parser_;
  DecodedStatistics out_;
};

DecodedStatistics DecodeStatistics(const TextColumn& texts, std::span<const LeafColumn> columns) {
  return StatisticsDecoder(texts, columns).Decode();
}

}  // namespace yummy::delta
