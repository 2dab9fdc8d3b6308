#include "yummy/duck/functions/function_cost.h"

#include <algorithm>
#include <utility>

#include "yummy/base/saturating.h"
#include "yummy/duck/functions/pattern_cost.h"
#include "yummy/duck/functions/scalar_call.h"

namespace yummy::duck {
namespace {

using duckdb::idx_t;
using duckdb::UnifiedVectorFormat;

constexpr uint64_t kEntryBytes = 16;     // an entry of a list, or a string without its text
constexpr uint64_t kNumberBytes = 512;   // a number as text: 1e308 by %f has 309 digits
constexpr uint64_t kFewBytes = 1 << 10;  // for larger values the cost is computed more exactly

uint64_t Positive(int64_t value) { return value > 0 ? static_cast<uint64_t>(value) : 0; }

Cost List(uint64_t entries) { return {.bytes = SaturatedProduct(entries, kEntryBytes), .entries = entries}; }

uint64_t TotalSize(const Arguments& a, idx_t row) {
  uint64_t total = 0;
  for (size_t i = 0; i < a.count(); i++) total = SaturatedSum(total, a.size(i, row));
  return total;
}

uint64_t TotalLength(const Arguments& a, idx_t row) {
  uint64_t total = 0;
  for (size_t i = 0; i < a.count(); i++) total = SaturatedSum(total, a.length(i, row));
  return total;
}

Cost Distance(const Arguments& a, idx_t row) { return {.steps = SaturatedProduct(a.size(0, row), a.size(1, row))}; }

// It keeps a number for each pair of letters until it is done.
Cost DistanceByTable(const Arguments& a, idx_t row) { return {.steps = SaturatedProduct(Distance(a, row).steps, 32)}; }

Cost Repeated(const Arguments& a, idx_t row) {
  const uint64_t times = Positive(a.integer(1, row));
  return {.bytes = SaturatedProduct(a.size(0, row), times), .entries = SaturatedProduct(a.length(0, row), times)};
}

Cost Padded(const Arguments& a, idx_t row) {
  return {.bytes = SaturatedSum(a.size(0, row), SaturatedProduct(Positive(a.integer(1, row)), 4))};
}

Cost BitString(const Arguments& a, idx_t row) {
  const uint64_t bits = std::max(a.size(0, row), Positive(a.integer(1, row)));
  return {.steps = SaturatedProduct(bits, 16), .bytes = bits};
}

Cost Resized(const Arguments& a, idx_t row) { return List(Positive(a.integer(1, row))); }

// The size of a step; a month has at least 28 days. Floating point is exact enough, and cannot overflow.
double Micros(const duckdb::interval_t& step) {
  constexpr double kDay = 86'400e6;
  return step.months * 28 * kDay + step.days * kDay + static_cast<double>(step.micros);
}

Cost Series(const Arguments& a, idx_t row) {
  const bool has_first = a.count() > 1;
  const auto first = has_first ? static_cast<double>(a.integer(0, row)) : 0;
  const auto last = static_cast<double>(a.integer(has_first ? 1 : 0, row));
  double step = 1;
  if (a.count() == 3) step = a.is_interval(2) ? Micros(a.interval(2, row)) : static_cast<double>(a.integer(2, row));
  if (step == 0) return {};
  const double entries = std::clamp((last - first) / step + 1, 0.0, 1e18);
  return List(static_cast<uint64_t>(entries));
}

// Widths and precisions are numbers in the format, or arguments. An argument can be named several times.
Cost Formatted(const Arguments& a, idx_t row) {
  const std::string_view format = a.text(0, row);
  uint64_t bytes = format.size();
  uint64_t number = 0;
  uint64_t places = 0;
  uint64_t open = 0;
  bool width_is_argument = false;
  for (const char c : format) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) bytes = SaturatedSum(bytes, std::exchange(number, 0));
    if (is_digit) number = SaturatedSum(SaturatedProduct(number, 10), static_cast<uint64_t>(c - '0'));
    if (c == '{' || c == '%') ++places;
    if (c == '{' && open++ > 0) width_is_argument = true;
    if (c == '}' && open > 0) --open;
    if (c == '*') width_is_argument = true;
  }
  uint64_t longest = kNumberBytes;
  for (size_t i = 1; i < a.count(); i++) {
    longest = std::max(longest, a.size(i, row));
    if (width_is_argument) longest = std::max(longest, Positive(a.integer(i, row)));
  }
  return {.bytes = SaturatedSum(SaturatedSum(bytes, number), SaturatedProduct(places, longest))};
}

Cost Joined(const Arguments& a, idx_t row) { return {.bytes = TotalSize(a, row), .entries = TotalLength(a, row)}; }

// A sort makes one key per row, which holds all values that the row is sorted by.
Cost SortKey(const Arguments& a, idx_t row) { return {.bytes = TotalSize(a, row)}; }

// The separator stands between all other arguments.
Cost JoinedBySeparator(const Arguments& a, idx_t row) {
  return {.bytes = SaturatedSum(TotalSize(a, row), SaturatedProduct(a.count(), a.size(0, row)))};
}

template <uint64_t kFactor>
Cost Grown(const Arguments& a, idx_t row) {
  return {.bytes = SaturatedProduct(TotalSize(a, row), kFactor)};
}

// The number of places of the part in the text. An empty part is at every place.
uint64_t Places(std::string_view text, std::string_view part, size_t step) {
  if (part.empty()) return SaturatedSum(text.size(), 1);
  uint64_t places = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + step)) places++;
  return places;
}

// The search compares the part at every place, in the worst case to its end.
uint64_t SearchSteps(uint64_t text_size, uint64_t part_size) {
  constexpr uint64_t kBytesPerStep = 32;
  return part_size > text_size ? 0 : SaturatedProduct(text_size, part_size) / kBytesPerStep;
}

// The places are counted only if they matter.
Cost Replaced(const Arguments& a, idx_t row) {
  const uint64_t size = a.size(0, row);
  const std::string_view part = a.text(1, row);
  const uint64_t replacement = a.size(2, row);
  Cost cost{.steps = SearchSteps(size, part.size()), .bytes = size};
  if (part.empty() || replacement <= part.size() || cost.steps > FunctionLimits::kStepsMax) return cost;
  uint64_t growth = SaturatedProduct(size / part.size(), replacement - part.size());
  if (growth > kFewBytes)
    growth = SaturatedProduct(Places(a.text(0, row), part, part.size()), replacement - part.size());
  cost.bytes = SaturatedSum(size, growth);
  return cost;
}

// The number of parts is bounded by the room for separators, or by the places where one may begin.
Cost Split(const Arguments& a, idx_t row) {
  const uint64_t size = a.size(0, row);
  const std::string_view separator = a.text(1, row);
  uint64_t parts = size / std::max<uint64_t>(separator.size(), 1);
  if (SaturatedProduct(parts, kEntryBytes) > kFewBytes && !separator.empty()) {
    const std::string_view text = a.text(0, row);
    parts = static_cast<uint64_t>(std::count(text.begin(), text.end(), separator.front()));
  }
  Cost cost = List(parts + 1);
  cost.bytes = SaturatedSum(cost.bytes, size);
  cost.steps = SearchSteps(size, separator.size());
  return cost;
}

template <uint64_t kSteps>
Cost ForEachEntry(const Arguments& a, idx_t row) {
  return {.steps = SaturatedProduct(a.length(0, row), kSteps)};
}

template <uint64_t kSteps>
Cost ForAllEntries(const Arguments& a, idx_t row) {
  return {.steps = SaturatedProduct(TotalLength(a, row), kSteps)};
}

// It looks for each key among all keys that it has.
Cost JoinedMaps(const Arguments& a, idx_t row) {
  const uint64_t total = TotalLength(a, row);
  return {.steps = SaturatedProduct(total, total)};
}

// From each separator on, it searches for the other separator, which may be missing, up to the end.
Cost PathParsed(const Arguments& a, idx_t row) {
  constexpr uint64_t kBytesPerStep = 128;
  const std::string_view path = a.text(0, row);
  const auto places =
      static_cast<uint64_t>(std::ranges::count_if(path, [](char c) { return c == '/' || c == '\\' || c == '.'; }));
  Cost cost{.steps = SaturatedSum(SaturatedProduct(places, path.size()) / kBytesPerStep,
                                  SaturatedProduct(a.size(1, row), 4))};
  cost.bytes = SaturatedSum(path.size(), SaturatedProduct(places, kEntryBytes));
  return cost;
}

// An unknown name is compared with all known names.
Cost Aggregated(const Arguments& a, idx_t row) {
  return {.steps = SaturatedProduct(a.length(0, row), 4), .name = a.size(1, row)};
}

template <uint64_t kSteps>
Cost ForEachByte(const Arguments& a, idx_t row) {
  return {.steps = SaturatedProduct(TotalSize(a, row), kSteps)};
}

// A pattern that is not constant is compiled for each row.
Cost Pattern(const Arguments& a, idx_t row) {
  constexpr uint64_t kCompileSteps = 1000;
  const uint64_t pattern = a.pattern_size(1, row);
  const uint64_t compiled = a.is_constant(1) ? 0 : SaturatedProduct(pattern, kCompileSteps);
  return {.steps = SaturatedSum(SaturatedProduct(a.size(0, row), pattern) / 4, compiled), .pattern = pattern};
}

// Finds the places of all matches. Each may search for a longer match up to the end of the text.
Cost EveryMatch(const Arguments& a, idx_t row) {
  constexpr uint64_t kBytesPerStep = 2;
  Cost cost = Pattern(a, row);
  const uint64_t size = a.size(0, row);
  if (a.pattern_looks_far(1, row)) cost.steps = SaturatedSum(cost.steps, SaturatedProduct(size, size) / kBytesPerStep);
  return cost;
}

Cost PatternList(const Arguments& a, idx_t row) {
  Cost cost = EveryMatch(a, row);
  cost.bytes = SaturatedProduct(a.size(0, row), kEntryBytes);
  return cost;
}

// A pattern that is not constant is compiled for each match.
Cost SplitByPattern(const Arguments& a, idx_t row) {
  Cost cost = PatternList(a, row);
  if (!a.is_constant(1)) cost.steps = SaturatedProduct(cost.steps, SaturatedSum(a.size(0, row), 1));
  return cost;
}

// Replaces the first match or all matches. The replacement can refer to the match, or to parts of it, with a backslash.
Cost PatternReplaced(const Arguments& a, idx_t row) {
  const std::string_view replacement = a.text(2, row);
  const auto names = static_cast<uint64_t>(std::count(replacement.begin(), replacement.end(), '\\'));
  const bool is_global = a.text(3, row).find('g') != std::string_view::npos;
  const uint64_t matches = is_global ? SaturatedSum(a.size(0, row), 1) : 1;
  Cost cost = is_global ? EveryMatch(a, row) : Pattern(a, row);
  cost.bytes = SaturatedSum(SaturatedProduct(a.size(0, row), names + 1), SaturatedProduct(matches, replacement.size()));
  return cost;
}

Cost Nested(const Arguments& a, idx_t row) {
  uint64_t depth = 0;
  for (size_t i = 0; i < a.count(); i++) {
    const uint64_t size = a.size(i, row);  // a text has at most as many levels as bytes
    depth = std::max(depth, size <= FunctionLimits::kJsonDepthMax ? size : JsonDepth(a.text(i, row)));
  }
  return {.depth = depth};
}

// A star tries every place, once for each place that the stars before it try. The last star tries no further places.
Cost Glob(const Arguments& a, idx_t row) {
  const std::string_view text = a.text(0, row);
  const std::string_view pattern = a.text(1, row);
  uint64_t tries = 1;
  uint64_t before = 1;
  if (const uint64_t steps = SearchSteps(text.size(), pattern.size()); steps > FunctionLimits::kStepsMax)
    return {.steps = steps};
  for (size_t i = 0; i < pattern.size(); i++) {
    if (pattern[i] != '*') continue;
    const size_t begin = pattern.find_first_not_of('*', i);
    if (begin == std::string_view::npos) break;
    tries = SaturatedProduct(tries, before);
    const size_t end = std::min(pattern.find_first_of("*?[\\", begin), pattern.size());
    before = Places(text, pattern.substr(begin, end - begin), 1);
    i = begin - 1;
  }
  return {.steps = SaturatedProduct(tries, SaturatedSum(text.size(), 1))};
}

}  // namespace

Arguments::Arguments(duckdb::DataChunk& rows) : rows_(rows.size()), columns_(rows.ColumnCount()) {
  for (size_t i = 0; i < columns_.size(); i++) {
    auto& vector = rows.data[i];
    const auto& type = vector.GetType();
    vector.ToUnifiedFormat(rows_, columns_[i].format);
    columns_[i].type = type.InternalType();
    columns_[i].is_constant = vector.GetVectorType() == duckdb::VectorType::CONSTANT_VECTOR;
    if (type.id() == duckdb::LogicalTypeId::ARRAY) columns_[i].array_size = duckdb::ArrayType::GetSize(type);
  }
}

std::optional<Cost> Arguments::AtMost(CostFunction cost) const {
  is_known_ = true;
  const Cost most = cost(*this, kLargest);
  return is_known_ ? std::optional(most) : std::nullopt;
}

std::optional<idx_t> Arguments::Index(size_t column, idx_t row) const {
  const auto& [format, type, is_constant, array_size] = columns_[column];
  if (row == kLargest) {
    is_known_ = is_known_ && is_constant;
    row = 0;
  }
  const idx_t index = format.sel->get_index(row);
  return format.validity.RowIsValid(index) ? std::optional(index) : std::nullopt;
}

std::string_view Arguments::text(size_t column, idx_t row) const {
  if (column >= count() || columns_[column].type != duckdb::PhysicalType::VARCHAR) return {};
  const auto index = Index(column, row);
  if (!index) return {};
  return View(UnifiedVectorFormat::GetData<duckdb::string_t>(columns_[column].format)[*index]);
}

int64_t Arguments::integer(size_t column, idx_t row) const {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const auto saturated = [](auto upper, uint64_t lower) {
    return upper != 0 || lower > static_cast<uint64_t>(kMax) ? kMax : static_cast<int64_t>(lower);
  };
  const auto index = column < count() ? Index(column, row) : std::nullopt;
  if (!index) return 0;
  const auto& format = columns_[column].format;
  switch (columns_[column].type) {
    case duckdb::PhysicalType::INT8: return UnifiedVectorFormat::GetData<int8_t>(format)[*index];
    case duckdb::PhysicalType::INT16: return UnifiedVectorFormat::GetData<int16_t>(format)[*index];
    case duckdb::PhysicalType::INT32: return UnifiedVectorFormat::GetData<int32_t>(format)[*index];
    case duckdb::PhysicalType::INT64: return UnifiedVectorFormat::GetData<int64_t>(format)[*index];
    case duckdb::PhysicalType::UINT8: return UnifiedVectorFormat::GetData<uint8_t>(format)[*index];
    case duckdb::PhysicalType::UINT16: return UnifiedVectorFormat::GetData<uint16_t>(format)[*index];
    case duckdb::PhysicalType::UINT32: return UnifiedVectorFormat::GetData<uint32_t>(format)[*index];
    case duckdb::PhysicalType::UINT64: return saturated(0, UnifiedVectorFormat::GetData<uint64_t>(format)[*index]);
    case duckdb::PhysicalType::INT128: {
      const auto& value = UnifiedVectorFormat::GetData<duckdb::hugeint_t>(format)[*index];
      if (value.upper == -1 && value.lower > static_cast<uint64_t>(kMax)) return static_cast<int64_t>(value.lower);
      return value.upper < 0 ? std::numeric_limits<int64_t>::min() : saturated(value.upper, value.lower);
    }
    case duckdb::PhysicalType::UINT128: {
      const auto& value = UnifiedVectorFormat::GetData<duckdb::uhugeint_t>(format)[*index];
      return saturated(value.upper, value.lower);
    }
    default: return 0;
  }
}

duckdb::interval_t Arguments::interval(size_t column, idx_t row) const {
  const auto index = Index(column, row);
  return index ? UnifiedVectorFormat::GetData<duckdb::interval_t>(columns_[column].format)[*index]
               : duckdb::interval_t();
}

uint64_t Arguments::LargestSize(const Column& column) const {
  uint64_t largest = 0;
  const auto each = [&](const auto& size_of) {
    const idx_t count = column.is_constant ? 1 : rows_;
    const bool is_plain = column.format.validity.AllValid() && !column.format.sel->IsSet();
    for (idx_t row = 0; is_plain && row < count; row++) largest = std::max(largest, size_of(row));
    for (idx_t row = 0; !is_plain && row < count; row++) {
      const idx_t index = column.format.sel->get_index(row);
      if (column.format.validity.RowIsValid(index)) largest = std::max(largest, size_of(index));
    }
  };
  if (column.type == duckdb::PhysicalType::VARCHAR) {
    const auto* texts = UnifiedVectorFormat::GetData<duckdb::string_t>(column.format);
    each([&](idx_t index) { return uint64_t{texts[index].GetSize()}; });
  } else {
    const auto* lists = UnifiedVectorFormat::GetData<duckdb::list_entry_t>(column.format);
    each([&](idx_t index) { return uint64_t{lists[index].length}; });
  }
  return largest;
}

uint64_t Arguments::length(size_t column, idx_t row) const {
  if (column >= count()) return 0;
  const Column& of = columns_[column];
  if (of.array_size) return *of.array_size;
  if (of.type != duckdb::PhysicalType::LIST) return 0;
  if (row == kLargest) return LargestSize(of);
  const auto index = Index(column, row);
  return index ? UnifiedVectorFormat::GetData<duckdb::list_entry_t>(of.format)[*index].length : 0;
}

uint64_t Arguments::size(size_t column, idx_t row) const {
  if (column >= count()) return 0;
  const Column& of = columns_[column];
  if (of.type != duckdb::PhysicalType::VARCHAR) return SaturatedProduct(length(column, row), kEntryBytes);
  return row == kLargest ? LargestSize(of) : text(column, row).size();
}

uint64_t Arguments::pattern_size(size_t column, idx_t row) const {
  if (!is_constant(column)) return PatternSize(text(column, row));
  if (!constant_pattern_size_) constant_pattern_size_ = PatternSize(text(column, row));
  return *constant_pattern_size_;
}

bool Arguments::pattern_looks_far(size_t column, idx_t row) const {
  if (!is_constant(column)) return MayLookFar(text(column, row));
  if (!constant_pattern_looks_far_) constant_pattern_looks_far_ = MayLookFar(text(column, row));
  return *constant_pattern_looks_far_;
}

uint64_t JsonDepth(std::string_view text) {
  uint64_t depth = 0;
  uint64_t deepest = 0;
  for (size_t i = 0; i < text.size(); i++) {
    const char c = text[i];
    if (c == '"') {
      for (i++; i < text.size() && text[i] != '"'; i++) i += text[i] == '\\' ? 1 : 0;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == ']' || c == '}') && depth > 0) {
      depth--;
    }
  }
  return deepest;
}

const std::vector<FunctionCost>& FunctionCosts() {
  using enum FunctionCost::Binding;
  static const std::vector<FunctionCost> kCosts = {
      {"apply", ForEachEntry<1>},
      {"array_aggr", Aggregated, kReadsConstants},
      {"array_aggregate", Aggregated, kReadsConstants},
      {"array_apply", ForEachEntry<1>},
      {"array_cat", Joined},
      {"array_concat", Joined},
      {"array_distinct", ForEachEntry<32>},
      {"array_filter", ForEachEntry<1>},
      {"array_grade_up", ForEachEntry<32>},
      {"array_has_all", ForAllEntries<128>},
      {"array_has_any", ForAllEntries<128>},
      {"array_intersect", ForAllEntries<1024>},
      {"array_reduce", ForEachEntry<1024>},
      {"array_resize", Resized},
      {"array_reverse_sort", ForEachEntry<32>},
      {"array_sort", ForEachEntry<32>},
      {"array_transform", ForEachEntry<1>},
      {"array_unique", ForEachEntry<32>},
      {"array_value", Joined},
      {"array_zip", ForAllEntries<512>},
      {"aggregate", Aggregated, kReadsConstants},
      {"base64", Grown<2>},
      {"bin", Grown<8>},
      {"bitstring", BitString},
      {"concat", Joined},
      {"concat_ws", JoinedBySeparator},
      {"create_sort_key", SortKey},
      {"damerau_levenshtein", DistanceByTable},
      {"editdist3", Distance},
      {"filter", ForEachEntry<1>},
      {"format", Formatted},
      {"from_json", Nested, kReadsConstants},
      {"from_json_strict", Nested, kReadsConstants},
      {"generate_series", Series},
      {"grade_up", ForEachEntry<32>},
      {"hex", Grown<2>},
      {"jaro_similarity", Distance},
      {"jaro_winkler_similarity", Distance},
      {"json_contains", Nested, kReadsConstants},
      {"json_merge_patch", Nested, kReadsConstants},
      {"json_structure", Nested, kReadsConstants},
      {"json_transform", Nested, kReadsConstants},
      {"json_transform_strict", Nested, kReadsConstants},
      {"left_grapheme", ForEachByte<16>},
      {"length_grapheme", ForEachByte<16>},
      {"levenshtein", Distance},
      {"list_aggr", Aggregated, kReadsConstants},
      {"list_aggregate", Aggregated, kReadsConstants},
      {"list_apply", ForEachEntry<1>},
      {"list_cat", Joined},
      {"list_concat", Joined},
      {"list_distinct", ForEachEntry<32>},
      {"list_filter", ForEachEntry<1>},
      {"list_grade_up", ForEachEntry<32>},
      {"list_has_all", ForAllEntries<128>},
      {"list_has_any", ForAllEntries<128>},
      {"list_intersect", ForAllEntries<1024>},
      {"list_pack", Joined},
      {"list_reduce", ForEachEntry<1024>},
      {"list_resize", Resized},
      {"list_reverse_sort", ForEachEntry<32>},
      {"list_sort", ForEachEntry<32>},
      {"list_transform", ForEachEntry<1>},
      {"list_unique", ForEachEntry<32>},
      {"list_value", Joined},
      {"list_zip", ForAllEntries<512>},
      {"lpad", Padded},
      {"map", ForAllEntries<2048>},
      {"map_concat", JoinedMaps},
      {"map_from_entries", ForAllEntries<2048>},
      {"nfc_normalize", ForEachByte<16>},
      {"parse_dirname", PathParsed},
      {"parse_dirpath", PathParsed},
      {"parse_filename", PathParsed},
      {"parse_path", PathParsed},
      {"printf", Formatted},
      {"range", Series},
      {"reduce", ForEachEntry<1024>},
      {"regexp_escape", Grown<4>},
      {"regexp_extract", Pattern, kReadsConstants},
      {"regexp_extract_all", PatternList, kReadsConstants},
      {"regexp_full_match", Pattern, kReadsConstants},
      {"regexp_matches", Pattern, kReadsConstants},
      {"regexp_replace", PatternReplaced, kReadsConstants},
      {"regexp_split_to_array", SplitByPattern, kReadsConstants},
      {"repeat", Repeated},
      {"replace", Replaced},
      {"reverse", ForEachByte<16>},
      {"right_grapheme", ForEachByte<16>},
      {"rpad", Padded},
      {"split", Split},
      {"str_split", Split},
      {"str_split_regex", SplitByPattern, kReadsConstants},
      {"string_split", Split},
      {"string_split_regex", SplitByPattern, kReadsConstants},
      {"strftime", Grown<16>},
      {"string_to_array", Split},
      {"strip_accents", ForEachByte<16>},
      {"substring_grapheme", ForEachByte<16>},
      {"to_base64", Grown<2>},
      {"to_binary", Grown<8>},
      {"to_hex", Grown<2>},
      {"url_encode", Grown<3>},
      {"&&", ForAllEntries<128>},
      {"<@", ForAllEntries<128>},
      {"@>", ForAllEntries<128>},
      {"||", Joined},
      {"~~~", Glob},
  };
  return kCosts;
}

}  // namespace yummy::duck
