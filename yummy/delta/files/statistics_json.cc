#include "yummy/delta/files/statistics_json.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include <simdjson.h>

#include "yummy/base/json.h"
#include "yummy/base/text.h"

namespace yummy::delta {

namespace {

constexpr size_t kStringBoundPoints = 32;
constexpr int64_t kMicrosPerMilli = 1'000;

// "s.`odd.name`" into its names, in lower case. Absent when a backtick is open or a name is empty.
std::optional<ColumnPath> ParseColumnPath(std::string_view text) {
  ColumnPath path(1);
  bool quoted = false;
  for (const char c : text) {
    if (c == '`') {
      quoted = !quoted;
    } else if (c == '.' && !quoted) {
      path.emplace_back();
    } else {
      path.back() += c;
    }
  }
  const bool has_empty = std::any_of(path.begin(), path.end(), [](const std::string& name) { return name.empty(); });
  if (quoted || has_empty) return std::nullopt;
  for (std::string& name : path) name = LowerCase(name);
  return path;
}

bool StartsWithPath(const ColumnPath& path, const ColumnPath& prefix) {
  return path.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

// Walks the leaves of a schema that can have statistics.
class LeafCollector {
 public:
  explicit LeafCollector(const TableProperties& properties) {
    if (properties.statistics_columns) {
      // Takes the named columns, however many. As in Spark, the list takes precedence over the count.
      chosen_.emplace();
      for (const std::string& text : *properties.statistics_columns) {
        if (std::optional<ColumnPath> path = ParseColumnPath(text)) chosen_->push_back(std::move(*path));
      }
    } else if (properties.indexed_columns >= 0) {
      remaining_ = static_cast<size_t>(properties.indexed_columns);
    }
  }

  void Visit(const Field& field) {
    logical_.push_back(LowerCase(field.name));
    physical_.push_back(field.physical_name());
    if (field.type.kind == TypeKind::kStruct) {
      for (const Field& child : field.type.fields) Visit(child);
    } else if (remaining_ > 0 && IsChosen()) {
      remaining_--;
      const bool has_statistics =
          !field.type.is_nested() && field.type.kind != TypeKind::kVoid && field.type.kind != TypeKind::kVariant;
      if (has_statistics) leaves_.push_back(physical_);
    }
    logical_.pop_back();
    physical_.pop_back();
  }

  std::vector<ColumnPath> Take() { return std::move(leaves_); }

 private:
  bool IsChosen() const {
    return !chosen_ || std::any_of(chosen_->begin(), chosen_->end(),
                                   [&](const ColumnPath& path) { return StartsWithPath(logical_, path); });
  }

  std::optional<std::vector<ColumnPath>> chosen_;
  size_t remaining_ = std::numeric_limits<size_t>::max();
  ColumnPath logical_, physical_;
  std::vector<ColumnPath> leaves_;
};

enum class Bound { kMin, kMax };

std::optional<Scalar> FitDouble(double value, Bound bound) {
  if (!std::isfinite(value)) return std::nullopt;
  // Some readers order -0.0 below 0.0. So each bound takes the zero that is right for all readers.
  if (value == 0) return Scalar(bound == Bound::kMin ? -0.0 : 0.0);
  return Scalar(value);
}

std::optional<Scalar> FitTimestamp(int64_t micros, Bound bound) {
  if (bound == Bound::kMax) {
    const int64_t rest = ((micros % kMicrosPerMilli) + kMicrosPerMilli) % kMicrosPerMilli;
    if (rest != 0 && __builtin_add_overflow(micros, kMicrosPerMilli - rest, &micros)) return std::nullopt;
  }
  if (micros < kMicrosMin || micros > kMicrosMax) return std::nullopt;
  return Scalar(micros);
}

std::optional<Scalar> FitString(const std::string& text, Bound bound) {
  if (!IsUtf8(text)) return std::nullopt;
  if (bound == Bound::kMin) return Scalar(TruncateMin(text));
  std::optional<std::string> max = TruncateMax(text);
  return max ? std::optional(Scalar(std::move(*max))) : std::nullopt;
}

// The bound in the form of the log, if the log can hold it.
std::optional<Scalar> FitBound(const ColumnStatistics& column, Bound bound) {
  const std::optional<Scalar>& value = bound == Bound::kMin ? column.min : column.max;
  if (!value || value->is_null() || column.has_nan) return std::nullopt;
  switch (column.type.kind) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
    case TypeKind::kDecimal: return value;
    case TypeKind::kFloat:
    case TypeKind::kDouble: return FitDouble(value->get<double>(), bound);
    case TypeKind::kString: return FitString(value->get<std::string>(), bound);
    case TypeKind::kDate: {
      const int64_t days = value->get<int64_t>();
      return days < kDaysMin || days > kDaysMax ? std::nullopt : value;
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: return FitTimestamp(value->get<int64_t>(), bound);
    default: return std::nullopt;
  }
}

std::optional<std::string> BoundText(const ColumnStatistics& column, Bound bound) {
  const std::optional<Scalar> value = FitBound(column, bound);
  return value ? std::optional(FormatStatisticsValue(*value, column.type)) : std::nullopt;
}

// The columns as the tree that the JSON objects form.
struct Node {
  std::string name;
  std::vector<Node> children;
  std::optional<std::string> value;  // JSON text; leaves only

  void Insert(const ColumnPath& path, size_t depth, std::string text) {
    if (depth == path.size()) {
      value = std::move(text);
      return;
    }
    auto child =
        std::find_if(children.begin(), children.end(), [&](const Node& node) { return node.name == path[depth]; });
    if (child == children.end())
      child = children.insert(children.end(), Node{.name = path[depth], .children = {}, .value = {}});
    child->Insert(path, depth + 1, std::move(text));
  }

  void Write(JsonWriter& json) const {
    if (value) return json.Raw(*value);
    json.BeginObject();
    for (const Node& child : children) {
      json.Key(child.name);
      child.Write(json);
    }
    json.EndObject();
  }
};

template <typename TextOf>
void WriteTree(JsonWriter& json, std::string_view key, const std::vector<ColumnStatistics>& columns, TextOf&& text_of) {
  Node root;
  for (const ColumnStatistics& column : columns) {
    if (std::optional<std::string> text = text_of(column)) root.Insert(column.path, 0, std::move(*text));
  }
  json.Key(key);
  root.Write(json);
}

size_t CodePointLength(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0x80) return 1;
  if (byte < 0xE0) return 2;
  return byte < 0xF0 ? 3 : 4;
}

// The bytes of the first `points` code points; `value` is UTF-8.
std::string_view FirstPoints(std::string_view value, size_t points) {
  size_t end = 0;
  while (points > 0 && end < value.size()) {
    end += CodePointLength(value[end]);
    points--;
  }
  return value.substr(0, end);
}

uint32_t DecodePoint(std::string_view bytes) {
  if (bytes.size() == 1) return static_cast<unsigned char>(bytes[0]);
  uint32_t point = static_cast<unsigned char>(bytes[0]) & (0xFFU >> (bytes.size() + 1));
  for (const char c : bytes.substr(1)) point = point << 6 | (static_cast<unsigned char>(c) & 0x3F);
  return point;
}

void AppendPoint(std::string& out, uint32_t point) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  const auto tail = [&](uint32_t shift) { byte(0x80 | (point >> shift & 0x3F)); };
  if (point < 0x80) return byte(point);
  if (point < 0x800) {
    byte(0xC0 | point >> 6);
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    tail(6);
  } else {
    byte(0xF0 | point >> 18);
    tail(12);
    tail(6);
  }
  tail(0);
}

}  // namespace

std::vector<ColumnPath> StatisticsColumns(const Schema& schema, const std::vector<std::string>& partition_columns,
                                          const TableProperties& properties) {
  LeafCollector collector(properties);
  for (const Field& field : schema) {
    const bool is_partition =
        std::any_of(partition_columns.begin(), partition_columns.end(),
                    [&](const std::string& name) { return LowerCase(name) == LowerCase(field.name); });
    if (!is_partition) collector.Visit(field);
  }
  return collector.Take();
}

std::string WriteStatistics(int64_t num_records, const std::vector<ColumnStatistics>& columns) {
  assert(num_records >= 0);
  JsonWriter json;
  json.BeginObject();
  json.Key("numRecords");
  json.Int(num_records);
  WriteTree(json, "minValues", columns, [](const ColumnStatistics& column) { return BoundText(column, Bound::kMin); });
  WriteTree(json, "maxValues", columns, [](const ColumnStatistics& column) { return BoundText(column, Bound::kMax); });
  WriteTree(json, "nullCount", columns, [](const ColumnStatistics& column) {
    return column.null_count ? std::optional(std::to_string(*column.null_count)) : std::nullopt;
  });
  json.Key("tightBounds");
  json.Bool(true);
  json.EndObject();
  return json.Take();
}

std::string WithWideBounds(std::string_view statistics) {
  simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(statistics);
  simdjson::ondemand::document document;
  simdjson::ondemand::object object;
  if (parser.iterate(padded).get(document) || document.get_object().get(object)) return std::string(statistics);
  JsonWriter json;
  json.BeginObject();
  for (auto entry : object) {
    std::string_view key;
    std::string_view value;
    simdjson::ondemand::field field;
    if (std::move(entry).get(field) || field.unescaped_key().get(key)) return std::string(statistics);
    if (key == "tightBounds") continue;
    json.Key(key);
    if (field.value().raw_json().get(value)) return std::string(statistics);
    json.Raw(value);
  }
  json.Key("tightBounds");
  json.Bool(false);
  json.EndObject();
  return json.Take();
}

std::string TruncateMin(std::string_view value) {
  assert(IsUtf8(value));
  return std::string(FirstPoints(value, kStringBoundPoints));
}

std::optional<std::string> TruncateMax(std::string_view value) {
  assert(IsUtf8(value));
  const std::string_view prefix = FirstPoints(value, kStringBoundPoints);
  if (prefix.size() == value.size()) return std::string(value);
  // The next greater string of the same number of code points: UTF-8 orders by bytes as by code points. It keeps its
  // full length, so that a reader sees by the length that the bound was cut.
  const std::string_view kept = FirstPoints(prefix, kStringBoundPoints - 1);
  uint32_t point = DecodePoint(prefix.substr(kept.size())) + 1;
  if (point == 0xD800) point = 0xE000;  // surrogates are no characters
  if (point > 0x10FFFF) return std::nullopt;
  std::string max(kept);
  AppendPoint(max, point);
  assert(max >= value);
  return max;
}

}  // namespace yummy::delta
