#include "yummy/delta/protocol/table_properties.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "yummy/base/text.h"

namespace yummy::delta {

namespace {

std::optional<int64_t> ParseInt(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "134217728", "128mb", "1 g": bytes, at least one.
std::optional<int64_t> ParseBytes(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::optional<int64_t> number = ParseInt(text.substr(0, digits));
  if (!number || *number <= 0) return std::nullopt;
  const std::string unit = LowerCase(Trimmed(text.substr(digits)));
  constexpr std::array<std::pair<std::string_view, int>, 11> kUnits = {{{"", 0},
                                                                        {"b", 0},
                                                                        {"k", 10},
                                                                        {"kb", 10},
                                                                        {"m", 20},
                                                                        {"mb", 20},
                                                                        {"g", 30},
                                                                        {"gb", 30},
                                                                        {"t", 40},
                                                                        {"tb", 40},
                                                                        {"byte", 0}}};
  for (const auto& [name, shift] : kUnits) {
    if (name != unit) continue;
    if (*number > std::numeric_limits<int64_t>::max() >> shift) return std::nullopt;
    return *number << shift;
  }
  return std::nullopt;
}

// "a, s.x, `odd,name`": the items, without the spaces around them. Absent if one is empty or a backtick is not closed.
std::optional<std::vector<std::string>> ParseColumns(std::string_view text) {
  std::vector<std::string> columns;
  size_t begin = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); i++) {
    if (i < text.size() && text[i] == '`') quoted = !quoted;
    if (i < text.size() && (quoted || text[i] != ',')) continue;
    const std::string_view item = Trimmed(text.substr(begin, i - begin));
    if (item.empty() && !Trimmed(text).empty()) return std::nullopt;
    if (!item.empty()) columns.emplace_back(item);
    begin = i + 1;
  }
  if (quoted) return std::nullopt;
  return columns;
}

// A kind of property has two functions: Read gives the value of a text, absent when it is none of the kind, Expected
// says what it should be.

struct Boolean {
  static std::string Expected() { return "true or false"; }
  static std::optional<bool> Read(std::string_view text) {
    const std::string lower = LowerCase(text);
    if (lower == "true") return true;
    if (lower == "false") return false;
    return std::nullopt;
  }
};

template <int64_t least>
struct IntegerFrom {
  static std::string Expected() { return fmt::format("an integer of at least {}", least); }
  static std::optional<int64_t> Read(std::string_view text) {
    const std::optional<int64_t> value = ParseInt(text);
    return value && *value >= least ? value : std::nullopt;
  }
};
using Count = IntegerFrom<0>;

struct Interval {
  static std::string Expected() { return "an interval without months and years, as in 'interval 7 days'"; }
  static std::optional<std::chrono::milliseconds> Read(std::string_view text) { return ParseInterval(text); }
};

struct Bytes {
  static std::string Expected() { return "a size, as in '128mb'"; }
  static std::optional<int64_t> Read(std::string_view text) { return ParseBytes(text); }
};

struct Columns {
  static std::string Expected() { return "column names, separated by commas"; }
  static std::optional<std::vector<std::string>> Read(std::string_view text) { return ParseColumns(text); }
};

struct Text {
  static std::string Expected() { return "a text"; }
  static std::optional<std::string> Read(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
  }
};

struct ProtocolVersion {
  static std::string Expected() { return "nothing: it follows from the features in use"; }
  static std::optional<int64_t> Read(std::string_view) { return std::nullopt; }
};

template <typename T>
struct Choice {
  std::string_view name;  // in lower case
  T value;
};

constexpr Choice<std::string_view> Itself(std::string_view name) { return {name, name}; }

constexpr std::array kAutoCompactModes = {Itself("true"), Itself("false"), Itself("auto")};
constexpr std::array kCodecs = {Itself("zstd"),    Itself("snappy"),       Itself("gzip"), Itself("lz4"),
                                Itself("lz4_raw"), Itself("uncompressed"), Itself("none")};
constexpr std::array kCheckpointPolicies = {Choice{"classic", false}, Choice{"v2", true}};
constexpr std::array kIsolationLevels = {Choice{"serializable", IsolationLevel::kSerializable},
                                         Choice{"writeserializable", IsolationLevel::kWriteSerializable}};
constexpr std::array kMappingModes = {Choice{"none", ColumnMappingMode::kNone},
                                      Choice{"name", ColumnMappingMode::kName}, Choice{"id", ColumnMappingMode::kId}};

template <const auto& choices>
struct OneOf {
  static std::string Expected() {
    std::string text = "one of:";
    for (const auto& choice : choices) text.append(" ").append(choice.name);
    return text;
  }
  static auto Read(std::string_view text) -> std::optional<decltype(choices[0].value)> {
    const std::string lower = LowerCase(text);
    for (const auto& choice : choices) {
      if (choice.name == lower) return choice.value;
    }
    return std::nullopt;
  }
};

struct Property {
  std::string_view key;
  std::string (*expected)();
  /// Sets the field of the property; false when the text is no value of its kind.
  bool (*take)(std::string_view text, TableProperties& properties);
};

// A property without a field is checked when a table is created, and has no effect.
template <typename Kind, auto field = nullptr>
constexpr Property Row(std::string_view key) {
  return {key, &Kind::Expected, [](std::string_view text, [[maybe_unused]] TableProperties& properties) {
            auto value = Kind::Read(text);
            if constexpr (field != nullptr) {
              if (value) properties.*field = *std::move(value);
            }
            return value.has_value();
          }};
}

using Fields = TableProperties;

// The properties that PROTOCOL.md and delta-spark's DeltaConfig name, in the order of their keys. Their defaults are
// those of the fields.
constexpr std::array kProperties = {
    Row<Boolean, &Fields::append_only>("delta.appendOnly"),
    Row<Boolean>("delta.autoOptimize"),
    Row<OneOf<kAutoCompactModes>>("delta.autoOptimize.autoCompact"),
    Row<Boolean>("delta.autoOptimize.optimizeWrite"),
    Row<Boolean, &Fields::checkpoint_write_stats_as_json>("delta.checkpoint.writeStatsAsJson"),
    Row<Boolean, &Fields::checkpoint_write_stats_as_struct>("delta.checkpoint.writeStatsAsStruct"),
    Row<IntegerFrom<1>, &Fields::checkpoint_interval>("delta.checkpointInterval"),
    Row<OneOf<kCheckpointPolicies>, &Fields::checkpoint_policy_v2>("delta.checkpointPolicy"),
    Row<Interval>("delta.checkpointRetentionDuration"),
    Row<Count>("delta.columnMapping.maxColumnId"),
    Row<OneOf<kMappingModes>, &Fields::column_mapping_mode>(kColumnMappingModeProperty),
    Row<Boolean>("delta.compatibility.symlinkFormatManifest.enabled"),
    Row<IntegerFrom<-1>, &Fields::indexed_columns>("delta.dataSkippingNumIndexedCols"),
    Row<Columns, &Fields::statistics_columns>("delta.dataSkippingStatsColumns"),
    Row<Count>("delta.dataSkippingStringPrefixLength"),
    Row<Interval, &Fields::deleted_file_retention>("delta.deletedFileRetentionDuration"),
    Row<Interval>("delta.dropFeatureTruncateHistory.retentionDuration"),
    Row<Boolean, &Fields::enable_change_data_feed>("delta.enableChangeDataCapture"),  // its name before Delta 2.0
    Row<Boolean, &Fields::enable_change_data_feed>("delta.enableChangeDataFeed"),
    Row<Boolean, &Fields::enable_deletion_vectors>("delta.enableDeletionVectors"),
    Row<Boolean>("delta.enableExpiredLogCleanup"),
    Row<Boolean>("delta.enableFullRetentionRollback"),
    Row<Boolean, &Fields::enable_iceberg_compat_v1>("delta.enableIcebergCompatV1"),
    Row<Boolean, &Fields::enable_iceberg_compat_v2>("delta.enableIcebergCompatV2"),
    Row<Boolean, &Fields::enable_iceberg_compat_v3>("delta.enableIcebergCompatV3"),
    Row<Boolean, &Fields::in_commit_timestamps>("delta.enableInCommitTimestamps"),
    Row<Boolean, &Fields::enable_materialized_partition_columns>("delta.enableMaterializePartitionColumnsFeature"),
    Row<Boolean, &Fields::enable_row_tracking>("delta.enableRowTracking"),
    Row<Boolean, &Fields::enable_type_widening>("delta.enableTypeWidening"),
    Row<Boolean, &Fields::enable_variant_shredding>("delta.enableVariantShredding"),
    Row<Boolean>("delta.ignoreProtocolDefaults"),
    Row<Count, &Fields::in_commit_timestamp_enablement_ms>(kInCommitTimestampTimeProperty),
    Row<Count, &Fields::in_commit_timestamp_enablement_version>(kInCommitTimestampVersionProperty),
    Row<OneOf<kIsolationLevels>, &Fields::isolation>("delta.isolationLevel"),
    Row<Interval, &Fields::log_retention>("delta.logRetentionDuration"),
    Row<ProtocolVersion>("delta.minReaderVersion"),
    Row<ProtocolVersion>("delta.minWriterVersion"),
    Row<OneOf<kCodecs>, &Fields::compression_codec>("delta.parquet.compression.codec"),
    Row<Text>("delta.parquet.format.version"),
    Row<IntegerFrom<1>>("delta.randomPrefixLength"),
    Row<Boolean>("delta.randomizeFilePrefixes"),
    Row<Count>("delta.requireCheckpointProtectionBeforeVersion"),
    Row<Boolean>("delta.rowTrackingSuspended"),
    Row<Interval>("delta.sampleRetentionDuration"),
    Row<Interval, &Fields::transaction_retention>("delta.setTransactionRetentionDuration"),
    Row<Bytes, &Fields::target_file_size_bytes>("delta.targetFileSize"),
    Row<Boolean>("delta.tuneFileSizesForRewrites"),
    Row<Text>("delta.universalFormat.enabledFormats"),
    Row<Boolean, &Fields::write_partition_columns_to_parquet>("delta.writePartitionColumnsToParquet"),
};

const Property* FindProperty(std::string_view key) {
  const auto found = std::ranges::find(kProperties, key, &Property::key);
  return found == kProperties.end() ? nullptr : &*found;
}

Error InvalidProperty(std::string message, std::string_view key) {
  return Error(ErrorCode::kInvalidArgument, std::move(message))
      .WithReason(Reason::kInvalidTableProperty)
      .With("property", std::string(key));
}

Result<void> CheckProperty(std::string_view key, std::string_view value) {
  if (!key.starts_with("delta.") || key.starts_with(kConstraintPropertyPrefix)) return {};
  if (key.starts_with(kFeaturePropertyPrefix)) {
    const std::string state = LowerCase(value);
    if (state == "supported" || state == "enabled") return {};
    return InvalidProperty(fmt::format("table property '{}': expected 'supported', found '{}'", key, value), key);
  }
  const Property* found = FindProperty(key);
  if (found == nullptr) {
    std::vector<std::string> names;
    for (const Property& property : kProperties) names.emplace_back(property.key);
    const auto nearest = NearestName(key, names);
    Error error = InvalidProperty(fmt::format("table property '{}' is not known", key), key);
    return nearest ? std::move(error).With("hint", *nearest) : std::move(error);
  }
  TableProperties taken;
  if (found->take(value, taken)) return {};
  return InvalidProperty(fmt::format("table property '{}': expected {}, found '{}'", key, found->expected(), value),
                         key);
}

}  // namespace

TableProperties TableProperties::From(const StringMap& configuration) {
  TableProperties properties;
  // In the order of the keys: delta.enableChangeDataFeed has the last word over its old name.
  for (const auto& [key, value] : configuration) {
    if (const Property* property = FindProperty(key)) property->take(value, properties);
  }
  return properties;
}

Result<ColumnMappingMode> NamedMappingMode(const StringMap& configuration) {
  const auto property = configuration.find(std::string(kColumnMappingModeProperty));
  if (property == configuration.end()) return ColumnMappingMode::kNone;
  if (const auto mode = OneOf<kMappingModes>::Read(property->second)) return *mode;
  return Error(ErrorCode::kCorrupt, fmt::format("the table property {} is '{}', expected none, name or id",
                                                kColumnMappingModeProperty, property->second))
      .WithReason(Reason::kCorruptTable);
}

Result<void> CheckTableProperties(const StringMap& configuration) {
  for (const auto& [key, value] : configuration) TRY(CheckProperty(key, value));
  return {};
}

std::optional<std::chrono::milliseconds> ParseInterval(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 7> kUnits = {{{"week", 604'800'000'000},
                                                                           {"day", 86'400'000'000},
                                                                           {"hour", 3'600'000'000},
                                                                           {"minute", 60'000'000},
                                                                           {"second", 1'000'000},
                                                                           {"millisecond", 1'000},
                                                                           {"microsecond", 1}}};
  const std::string lower = LowerCase(text);
  std::vector<std::string_view> words;
  for (size_t at = 0; at < lower.size();) {
    const size_t end = std::min(lower.find(' ', at), lower.size());
    if (end > at) words.push_back(std::string_view(lower).substr(at, end - at));
    at = end + 1;
  }
  if (!words.empty() && words.front() == "interval") words.erase(words.begin());
  if (words.empty() || words.size() % 2 != 0) return std::nullopt;
  int64_t micros = 0;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::optional<int64_t> number = Count::Read(words[i]);
    std::string_view unit = words[i + 1];
    if (unit.ends_with('s')) unit.remove_suffix(1);
    const auto found = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& item) { return item.first == unit; });
    int64_t part = 0;
    if (!number || found == kUnits.end()) return std::nullopt;
    if (__builtin_mul_overflow(*number, found->second, &part) || __builtin_add_overflow(micros, part, &micros))
      return std::nullopt;
  }
  return std::chrono::milliseconds(micros / 1000);
}

}  // namespace yummy::delta
