#include "yummy/delta/protocol/table_properties.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "yummy/base/text.h"

namespace yummy::delta {

namespace {

enum class Kind {
  kBool,
  kCount,           // an integer of at least 0
  kPositive,        // an integer of at least 1
  kIndexedColumns,  // an integer of at least -1
  kInterval,
  kBytes,
  kColumns,
  kOneOf,
  kText,
  kProtocolVersion,  // set by features, never directly
};

struct Property {
  std::string_view key;
  Kind kind;
  std::string_view values = {};  // kOneOf: separated by spaces, in lower case
};

// The properties that PROTOCOL.md and delta-spark's DeltaConfig name, in their order of use.
constexpr std::array kProperties = {
    Property{"delta.appendOnly", Kind::kBool},
    Property{"delta.autoOptimize", Kind::kBool},
    Property{"delta.autoOptimize.autoCompact", Kind::kOneOf, "true false auto"},
    Property{"delta.autoOptimize.optimizeWrite", Kind::kBool},
    Property{"delta.checkpoint.writeStatsAsJson", Kind::kBool},
    Property{"delta.checkpoint.writeStatsAsStruct", Kind::kBool},
    Property{"delta.checkpointInterval", Kind::kPositive},
    Property{"delta.checkpointPolicy", Kind::kOneOf, "classic v2"},
    Property{"delta.checkpointRetentionDuration", Kind::kInterval},
    Property{"delta.columnMapping.maxColumnId", Kind::kCount},
    Property{"delta.columnMapping.mode", Kind::kOneOf, "none name id"},
    Property{"delta.compatibility.symlinkFormatManifest.enabled", Kind::kBool},
    Property{"delta.dataSkippingNumIndexedCols", Kind::kIndexedColumns},
    Property{"delta.dataSkippingStatsColumns", Kind::kColumns},
    Property{"delta.dataSkippingStringPrefixLength", Kind::kCount},
    Property{"delta.deletedFileRetentionDuration", Kind::kInterval},
    Property{"delta.dropFeatureTruncateHistory.retentionDuration", Kind::kInterval},
    Property{"delta.enableChangeDataCapture", Kind::kBool},
    Property{"delta.enableChangeDataFeed", Kind::kBool},
    Property{"delta.enableDeletionVectors", Kind::kBool},
    Property{"delta.enableExpiredLogCleanup", Kind::kBool},
    Property{"delta.enableFullRetentionRollback", Kind::kBool},
    Property{"delta.enableIcebergCompatV1", Kind::kBool},
    Property{"delta.enableIcebergCompatV2", Kind::kBool},
    Property{"delta.enableIcebergCompatV3", Kind::kBool},
    Property{"delta.enableInCommitTimestamps", Kind::kBool},
    Property{"delta.enableMaterializePartitionColumnsFeature", Kind::kBool},
    Property{"delta.enableRowTracking", Kind::kBool},
    Property{"delta.enableTypeWidening", Kind::kBool},
    Property{"delta.enableVariantShredding", Kind::kBool},
    Property{"delta.ignoreProtocolDefaults", Kind::kBool},
    Property{"delta.inCommitTimestampEnablementTimestamp", Kind::kCount},
    Property{"delta.inCommitTimestampEnablementVersion", Kind::kCount},
    Property{"delta.isolationLevel", Kind::kOneOf, "serializable writeserializable"},
    Property{"delta.logRetentionDuration", Kind::kInterval},
    Property{"delta.minReaderVersion", Kind::kProtocolVersion},
    Property{"delta.minWriterVersion", Kind::kProtocolVersion},
    Property{"delta.parquet.compression.codec", Kind::kOneOf, "zstd snappy gzip lz4 lz4_raw uncompressed none"},
    Property{"delta.parquet.format.version", Kind::kText},
    Property{"delta.randomPrefixLength", Kind::kPositive},
    Property{"delta.randomizeFilePrefixes", Kind::kBool},
    Property{"delta.requireCheckpointProtectionBeforeVersion", Kind::kCount},
    Property{"delta.rowTrackingSuspended", Kind::kBool},
    Property{"delta.sampleRetentionDuration", Kind::kInterval},
    Property{"delta.setTransactionRetentionDuration", Kind::kInterval},
    Property{"delta.targetFileSize", Kind::kBytes},
    Property{"delta.tuneFileSizesForRewrites", Kind::kBool},
    Property{"delta.universalFormat.enabledFormats", Kind::kText},
    Property{"delta.writePartitionColumnsToParquet", Kind::kBool},
};

std::optional<bool> ParseBool(std::string_view text) {
  const std::string lower = LowerCase(text);
  if (lower == "true") return true;
  if (lower == "false") return false;
  return std::nullopt;
}

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

bool IsOneOf(std::string_view text, std::string_view values) {
  const std::string lower = LowerCase(text);
  return !lower.empty() && lower.find(' ') == std::string::npos &&
         fmt::format(" {} ", values).find(fmt::format(" {} ", lower)) != std::string::npos;
}

bool IsValid(const Property& property, std::string_view value) {
  switch (property.kind) {
    case Kind::kBool: return ParseBool(value).has_value();
    case Kind::kCount: return ParseInt(value).value_or(-1) >= 0;
    case Kind::kPositive: return ParseInt(value).value_or(-1) >= 1;
    case Kind::kIndexedColumns: return ParseInt(value).value_or(-2) >= -1;
    case Kind::kInterval: return ParseInterval(value).has_value();
    case Kind::kBytes: return ParseBytes(value).has_value();
    case Kind::kColumns: return ParseColumns(value).has_value();
    case Kind::kOneOf: return IsOneOf(value, property.values);
    case Kind::kText: return !value.empty();
    case Kind::kProtocolVersion: return false;
  }
  return false;
}

std::string Expected(const Property& property) {
  switch (property.kind) {
    case Kind::kBool: return "true or false";
    case Kind::kCount: return "an integer of at least 0";
    case Kind::kPositive: return "an integer of at least 1";
    case Kind::kIndexedColumns: return "an integer of at least -1";
    case Kind::kInterval: return "an interval without months and years, as in 'interval 7 days'";
    case Kind::kBytes: return "a size, as in '128mb'";
    case Kind::kColumns: return "column names, separated by commas";
    case Kind::kOneOf: return fmt::format("one of: {}", property.values);
    case Kind::kText: return "a text";
    case Kind::kProtocolVersion: return "nothing: it follows from the features in use";
  }
  return {};
}

Error InvalidProperty(std::string message, std::string_view key) {
  return Error(ErrorCode::kInvalidArgument, std::move(message))
      .WithReason(Reason::kInvalidTableProperty)
      .With("property", std::string(key));
}

Result<void> CheckProperty(std::string_view key, std::string_view value) {
  if (!key.starts_with("delta.") || key.starts_with("delta.constraints.")) return {};
  if (key.starts_with(kFeaturePropertyPrefix)) {
    const std::string state = LowerCase(value);
    if (state == "supported" || state == "enabled") return {};
    return InvalidProperty(fmt::format("table property '{}': expected 'supported', found '{}'", key, value), key);
  }
  const auto found = std::find_if(kProperties.begin(), kProperties.end(),
                                  [&](const Property& property) { return property.key == key; });
  if (found == kProperties.end()) {
    std::vector<std::string> names;
    for (const Property& property : kProperties) names.emplace_back(property.key);
    const auto nearest = NearestName(key, names);
    Error error = InvalidProperty(fmt::format("table property '{}' is not known", key), key);
    return nearest ? std::move(error).With("hint", *nearest) : std::move(error);
  }
  if (IsValid(*found, value)) return {};
  return InvalidProperty(fmt::format("table property '{}': expected {}, found '{}'", key, Expected(*found), value),
                         key);
}

// Sets `target` when the property is there and readable.
template <typename Target, typename Parse>
void Read(const StringMap& configuration, const char* key, Target& target, Parse&& parse) {
  const auto found = configuration.find(key);
  if (found == configuration.end()) return;
  if (auto value = parse(std::string_view(found->second))) target = *value;
}

std::optional<int64_t> AtLeast(std::optional<int64_t> value, int64_t least) {
  return value && *value >= least ? value : std::nullopt;
}

}  // namespace

TableProperties TableProperties::From(const StringMap& configuration) {
  TableProperties properties;
  const auto count = [](std::string_view text) { return AtLeast(ParseInt(text), 0); };
  const auto one_of = [](std::string_view choices) {
    return [choices](std::string_view text) {
      return IsOneOf(text, choices) ? std::optional(LowerCase(text)) : std::nullopt;
    };
  };
  const auto read = [&](const char* key, auto& target, auto parse) { Read(configuration, key, target, parse); };
  read("delta.appendOnly", properties.append_only, ParseBool);
  read("delta.checkpointInterval", properties.checkpoint_interval,
       [](std::string_view text) { return AtLeast(ParseInt(text), 1); });
  read("delta.checkpoint.writeStatsAsJson", properties.checkpoint_write_stats_as_json, ParseBool);
  read("delta.checkpoint.writeStatsAsStruct", properties.checkpoint_write_stats_as_struct, ParseBool);
  read("delta.dataSkippingNumIndexedCols", properties.indexed_columns,
       [](std::string_view text) { return AtLeast(ParseInt(text), -1); });
  read("delta.dataSkippingStatsColumns", properties.statistics_columns, ParseColumns);
  read("delta.deletedFileRetentionDuration", properties.deleted_file_retention, ParseInterval);
  read("delta.logRetentionDuration", properties.log_retention, ParseInterval);
  read("delta.enableDeletionVectors", properties.enable_deletion_vectors, ParseBool);
  read("delta.enableChangeDataCapture", properties.enable_change_data_feed, ParseBool);  // its name before Delta 2.0
  read("delta.enableChangeDataFeed", properties.enable_change_data_feed, ParseBool);
  read("delta.enableInCommitTimestamps", properties.in_commit_timestamps, ParseBool);
  read("delta.inCommitTimestampEnablementVersion", properties.in_commit_timestamp_enablement_version, count);
  read("delta.inCommitTimestampEnablementTimestamp", properties.in_commit_timestamp_enablement_ms, count);
  read("delta.setTransactionRetentionDuration", properties.transaction_retention, ParseInterval);
  read("delta.targetFileSize", properties.target_file_size_bytes, ParseBytes);
  read("delta.parquet.compression.codec", properties.compression_codec,
       one_of("zstd snappy gzip lz4 lz4_raw uncompressed none"));
  std::string policy, isolation;
  read("delta.checkpointPolicy", policy, one_of("classic v2"));
  read("delta.isolationLevel", isolation, one_of("serializable"));
  properties.checkpoint_policy_v2 = policy == "v2";
  if (isolation == "serializable") properties.isolation = IsolationLevel::kSerializable;
  return properties;
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
    const std::optional<int64_t> number = AtLeast(ParseInt(words[i]), 0);
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
