#include "yummy/delta/protocol/actions_json.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/base/url.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {

namespace {

namespace ondemand = simdjson::ondemand;

// Bounds the memory that one line may take: the longest statistics seen in the wild are far below.
constexpr size_t kLineBytesMax = 256UL << 20;
// Lines up to this size share a parser for the life of the thread; longer ones get their own, so that it is given back.
constexpr size_t kSharedParserBytesMax = 1UL << 20;
constexpr int kDepthMax = 500;

struct Where {
  std::string_view name;
  size_t line = 0;
};

Error CorruptAt(const Where& where, std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("{} line {}: {}", where.name, where.line, what))
      .WithReason(Reason::kCorruptTable)
      .With("line", std::to_string(where.line));
}

using Required = std::initializer_list<std::string_view>;

// Turns one line into actions. simdjson's on-demand values are checked only where they are looked at, so everything is
// looked at: Check walks through what nobody asks for.
class LineParser {
 public:
  LineParser(const Where& where, ondemand::document& document, std::string_view line, std::vector<Action>& actions)
      : where_(where), document_(document), line_(line), actions_(actions) {}

  Result<void> Parse();

 private:
  Error NotJson() const { return CorruptAt(where_, "not a JSON object, or cut off"); }
  Error Bad(std::string_view field, std::string_view expected) const {
    return CorruptAt(where_, fmt::format("{}.{} is not {}", action_, field, expected));
  }

  template <typename Visit>
  Result<void> EachField(ondemand::object object, Visit&& visit);
  // As EachField, for the fields of an action: fields that are null count as absent, and the required ones must be
  // there.
  template <typename Visit>
  Result<void> EachValue(ondemand::value value, std::string_view field, Required required, Visit&& visit);

  Result<bool> IsNull(ondemand::value& value) const;
  Result<void> ReadString(ondemand::value& value, std::string_view field, std::string& out) const;
  Result<std::string> String(ondemand::value& value, std::string_view field) const;
  Result<int64_t> Int64(ondemand::value& value, std::string_view field) const;
  Result<int64_t> Millis(ondemand::value& value, std::string_view field) const;
  Result<int64_t> Count(ondemand::value& value, std::string_view field) const;
  Result<int32_t> Int32(ondemand::value& value, std::string_view field) const;
  Result<bool> Bool(ondemand::value& value, std::string_view field) const;
  Result<std::string> Path(ondemand::value& value, std::string_view field) const;
  Result<StringMap> Map(ondemand::value& value, std::string_view field);
  Result<std::vector<std::string>> Strings(ondemand::value& value, std::string_view field);
  Result<PartitionValues> Partition(ondemand::value& value, std::string_view field);
  Result<DeletionVectorDescriptor> Vector(ondemand::value& value, std::string_view field);
  Result<void> Check(ondemand::value value, int depth);

  Result<void> ParseAction(std::string_view name, ondemand::value& value);
  Result<Add> ParseAdd(ondemand::value& value);
  Result<Remove> ParseRemove(ondemand::value& value);
  Result<Cdc> ParseCdc(ondemand::value& value);
  Result<Metadata> ParseMetadata(ondemand::value& value);
  Result<void> ParseFormat(ondemand::value& value, Metadata& metadata);
  Result<Protocol> ParseProtocol(ondemand::value& value);
  Result<Txn> ParseTxn(ondemand::value& value);
  Result<DomainMetadata> ParseDomain(ondemand::value& value);
  Result<CommitInfo> ParseCommitInfo(ondemand::value& value);
  Result<void> ParseCommitInfoField(std::string_view key, ondemand::value& value, CommitInfo& info);
  Result<Sidecar> ParseSidecar(ondemand::value& value);
  Result<CheckpointMetadata> ParseCheckpointMetadata(ondemand::value& value);

  const Where& where_;
  ondemand::document& document_;
  std::string_view line_;
  std::vector<Action>& actions_;
  std::string_view action_;
  std::string scratch_;
};

template <typename Visit>
Result<void> LineParser::EachField(ondemand::object object, Visit&& visit) {
  for (auto item : object) {
    ondemand::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return NotJson();
    const char* raw = field.key().raw();
    const auto rest = static_cast<size_t>(line_.data() + line_.size() - raw);
    const void* quote = std::memchr(raw, '"', rest);
    if (quote == nullptr) return NotJson();
    std::string_view key(raw, static_cast<size_t>(static_cast<const char*>(quote) - raw));
    std::string unescaped;
    if (key.find('\\') != std::string_view::npos) {
      if (!ReadJsonString({raw, rest}, unescaped)) return NotJson();
      key = unescaped;
    }
    TRY(visit(key, field.value()));
  }
  return {};
}

template <typename Visit>
Result<void> LineParser::EachValue(ondemand::value value, std::string_view field, Required required, Visit&& visit) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return Bad(field, "an object");
  uint32_t seen = 0;  // a bit for each required field
  TRY(EachField(object, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    if (TRY(IsNull(item))) return {};
    for (size_t i = 0; i < required.size(); i++) seen |= static_cast<uint32_t>(required.begin()[i] == key) << i;
    return visit(key, item);
  }));
  for (size_t i = 0; i < required.size(); i++) {
    if ((seen >> i & 1) == 0) return CorruptAt(where_, fmt::format("{} has no {}", field, required.begin()[i]));
  }
  return {};
}

Result<bool> LineParser::IsNull(ondemand::value& value) const {
  bool is_null = false;
  if (value.is_null().get(is_null) != simdjson::SUCCESS) return NotJson();
  return is_null;
}

Result<void> LineParser::ReadString(ondemand::value& value, std::string_view field, std::string& out) const {
  ondemand::raw_json_string raw;
  if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return Bad(field, "a string");
  const auto rest = static_cast<size_t>(line_.data() + line_.size() - raw.raw());
  if (!ReadJsonString({raw.raw(), rest}, out)) return Bad(field, "a string with valid escapes");
  return {};
}

Result<std::string> LineParser::String(ondemand::value& value, std::string_view field) const {
  std::string text;
  TRY(ReadString(value, field, text));
  return text;
}

Result<int64_t> LineParser::Int64(ondemand::value& value, std::string_view field) const {
  int64_t integer = 0;
  if (value.get_int64().get(integer) == simdjson::SUCCESS) return integer;
  const auto number = ParseJsonInteger(TrimJson(value.raw_json_token()), JsonFraction::kRefuse);
  if (!number) return Bad(field, "an integer of 64 bits");
  return *number;
}

// A point in time, which some writers give in parts of a millisecond.
Result<int64_t> LineParser::Millis(ondemand::value& value, std::string_view field) const {
  int64_t integer = 0;
  if (value.get_int64().get(integer) == simdjson::SUCCESS) return integer;
  const auto number = ParseJsonInteger(TrimJson(value.raw_json_token()), JsonFraction::kCut);
  if (!number) return Bad(field, "a time in milliseconds");
  return *number;
}

Result<int64_t> LineParser::Count(ondemand::value& value, std::string_view field) const {
  const int64_t number = TRY(Int64(value, field));
  if (number < 0) return Bad(field, "zero or more");
  return number;
}

Result<int32_t> LineParser::Int32(ondemand::value& value, std::string_view field) const {
  const int64_t number = TRY(Int64(value, field));
  if (number != static_cast<int32_t>(number)) return Bad(field, "an integer of 32 bits");
  return static_cast<int32_t>(number);
}

Result<bool> LineParser::Bool(ondemand::value& value, std::string_view field) const {
  bool flag = false;
  if (value.get_bool().get(flag) != simdjson::SUCCESS) return Bad(field, "true or false");
  return flag;
}

Result<std::string> LineParser::Path(ondemand::value& value, std::string_view field) const {
  std::string path = TRY(String(value, field));
  if (path.empty()) return Bad(field, "a path: it is empty");
  if (path.find('%') != std::string::npos && !PercentDecode(path).ok())
    return Bad(field, "a path: it has a bad escape");
  if (path.find('\0') != std::string::npos) return Bad(field, "a path: it holds NUL");
  return path;
}

Result<StringMap> LineParser::Map(ondemand::value& value, std::string_view field) {
  StringMap map;
  TRY(EachValue(value, field, {}, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    map.insert_or_assign(std::string(key), TRY(String(item, field)));
    return {};
  }));
  return map;
}

Result<std::vector<std::string>> LineParser::Strings(ondemand::value& value, std::string_view field) {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return Bad(field, "an array");
  std::vector<std::string> strings;
  for (auto item : array) {
    ondemand::value element;
    if (std::move(item).get(element) != simdjson::SUCCESS) return NotJson();
    strings.push_back(TRY(String(element, field)));
  }
  return strings;
}

Result<PartitionValues> LineParser::Partition(ondemand::value& value, std::string_view field) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return Bad(field, "an object");
  PartitionValues values;
  TRY(EachField(object, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    std::optional<std::string> text;
    if (!TRY(IsNull(item))) text = TRY(String(item, field));
    values.emplace_back(std::string(key), std::move(text));
    return {};
  }));
  return values;
}

Result<DeletionVectorDescriptor> LineParser::Vector(ondemand::value& value, std::string_view field) {
  DeletionVectorDescriptor vector;
  TRY(EachValue(value, field, {"storageType", "pathOrInlineDv", "sizeInBytes", "cardinality"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "storageType") {
                    const std::string type = TRY(String(item, key));
                    if (type.size() != 1) return Bad("deletionVector.storageType", "one character");
                    vector.storage_type = type[0];
                  } else if (key == "pathOrInlineDv") {
                    vector.path_or_inline = TRY(String(item, key));
                  } else if (key == "offset") {
                    vector.offset = TRY(Int32(item, key));
                  } else if (key == "sizeInBytes") {
                    vector.size_bytes = TRY(Int32(item, key));
                  } else if (key == "cardinality") {
                    vector.cardinality = TRY(Count(item, key));
                  } else {
                    return Check(item, 0);
                  }
                  return {};
                }));
  return vector;
}

Result<void> LineParser::Check(ondemand::value value, int depth) {
  if (depth > kDepthMax) return CorruptAt(where_, fmt::format("nested deeper than {}", kDepthMax));
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return NotJson();
  switch (type) {
    case ondemand::json_type::object: {
      ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS) return NotJson();
      return EachField(object, [&](std::string_view, ondemand::value& item) { return Check(item, depth + 1); });
    }
    case ondemand::json_type::array: {
      ondemand::array array;
      if (value.get_array().get(array) != simdjson::SUCCESS) return NotJson();
      for (auto item : array) {
        ondemand::value element;
        if (std::move(item).get(element) != simdjson::SUCCESS) return NotJson();
        TRY(Check(element, depth + 1));
      }
      return {};
    }
    case ondemand::json_type::string: {
      ondemand::raw_json_string raw;
      if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return NotJson();
      scratch_.clear();
      if (!ReadJsonString({raw.raw(), static_cast<size_t>(line_.data() + line_.size() - raw.raw())}, scratch_))
        return NotJson();
      return {};
    }
    case ondemand::json_type::number:
      // The token is left where it is: the iteration above skips it. Numbers of any size are fine here.
      if (!IsJsonNumber(TrimJson(value.raw_json_token()))) return NotJson();
      return {};
    case ondemand::json_type::boolean: {
      bool flag = false;
      if (value.get_bool().get(flag) != simdjson::SUCCESS) return NotJson();
      return {};
    }
    case ondemand::json_type::null:
      if (!TRY(IsNull(value))) return NotJson();
      return {};
  }
  return NotJson();
}

Result<void> LineParser::Parse() {
  ondemand::object root;
  if (document_.get_object().get(root) != simdjson::SUCCESS) return NotJson();
  TRY(EachField(root, [&](std::string_view key, ondemand::value& value) -> Result<void> {
    if (TRY(IsNull(value))) return {};
    return ParseAction(key, value);
  }));
  const char* rest = nullptr;
  if (document_.current_location().get(rest) == simdjson::SUCCESS)
    return CorruptAt(where_, "text after the JSON object");
  return {};
}

Result<void> LineParser::ParseAction(std::string_view name, ondemand::value& value) {
  action_ = name;
  if (name == "add")
    actions_.emplace_back(TRY(ParseAdd(value)));
  else if (name == "remove")
    actions_.emplace_back(TRY(ParseRemove(value)));
  else if (name == "commitInfo")
    actions_.emplace_back(TRY(ParseCommitInfo(value)));
  else if (name == "txn")
    actions_.emplace_back(TRY(ParseTxn(value)));
  else if (name == "cdc")
    actions_.emplace_back(TRY(ParseCdc(value)));
  else if (name == "metaData")
    actions_.emplace_back(TRY(ParseMetadata(value)));
  else if (name == "protocol")
    actions_.emplace_back(TRY(ParseProtocol(value)));
  else if (name == "domainMetadata")
    actions_.emplace_back(TRY(ParseDomain(value)));
  else if (name == "sidecar")
    actions_.emplace_back(TRY(ParseSidecar(value)));
  else if (name == "checkpointMetadata")
    actions_.emplace_back(TRY(ParseCheckpointMetadata(value)));
  else
    return Check(value, 0);  // "unknown actions are ignored", but they must be JSON
  return {};
}

Result<Add> LineParser::ParseAdd(ondemand::value& value) {
  Add add;
  TRY(EachValue(value, "add", {"path", "partitionValues", "size", "modificationTime", "dataChange"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "path")
                    add.path = TRY(Path(item, key));
                  else if (key == "partitionValues")
                    add.partition_values = TRY(Partition(item, key));
                  else if (key == "size")
                    add.size_bytes = TRY(Count(item, key));
                  else if (key == "modificationTime")
                    add.modification_time_ms = TRY(Millis(item, key));
                  else if (key == "dataChange")
                    add.data_change = TRY(Bool(item, key));
                  else if (key == "stats")
                    TRY(ReadString(item, key, add.stats.emplace()));
                  else if (key == "tags")
                    add.tags = TRY(Map(item, key));
                  else if (key == "deletionVector")
                    add.deletion_vector = TRY(Vector(item, key));
                  else if (key == "baseRowId")
                    add.base_row_id = TRY(Int64(item, key));
                  else if (key == "defaultRowCommitVersion")
                    add.default_row_commit_version = TRY(Int64(item, key));
                  else if (key == "clusteringProvider")
                    add.clustering_provider = TRY(String(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return add;
}

Result<Remove> LineParser::ParseRemove(ondemand::value& value) {
  Remove remove;
  TRY(EachValue(value, "remove", {"path", "dataChange"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "path")
                    remove.path = TRY(Path(item, key));
                  else if (key == "dataChange")
                    remove.data_change = TRY(Bool(item, key));
                  else if (key == "deletionTimestamp")
                    remove.deletion_timestamp_ms = TRY(Millis(item, key));
                  else if (key == "extendedFileMetadata")
                    remove.extended_file_metadata = TRY(Bool(item, key));
                  else if (key == "partitionValues")
                    remove.partition_values = TRY(Partition(item, key));
                  else if (key == "size")
                    remove.size_bytes = TRY(Count(item, key));
                  else if (key == "tags")
                    remove.tags = TRY(Map(item, key));
                  else if (key == "deletionVector")
                    remove.deletion_vector = TRY(Vector(item, key));
                  else if (key == "baseRowId")
                    remove.base_row_id = TRY(Int64(item, key));
                  else if (key == "defaultRowCommitVersion")
                    remove.default_row_commit_version = TRY(Int64(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return remove;
}

Result<Cdc> LineParser::ParseCdc(ondemand::value& value) {
  Cdc cdc;
  TRY(EachValue(value, "cdc", {"path", "partitionValues", "size"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "path")
                    cdc.path = TRY(Path(item, key));
                  else if (key == "partitionValues")
                    cdc.partition_values = TRY(Partition(item, key));
                  else if (key == "size")
                    cdc.size_bytes = TRY(Count(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return cdc;
}

Result<void> LineParser::ParseFormat(ondemand::value& value, Metadata& metadata) {
  return EachValue(value, "format", {}, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    if (key == "provider")
      metadata.format_provider = TRY(String(item, "format.provider"));
    else if (key == "options")
      metadata.format_options = TRY(Map(item, "format.options"));
    else
      return Check(item, 0);
    return {};
  });
}

Result<Metadata> LineParser::ParseMetadata(ondemand::value& value) {
  Metadata metadata;
  TRY(EachValue(value, "metaData", {"id", "format", "partitionColumns"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "id")
                    metadata.id = TRY(String(item, key));
                  else if (key == "name")
                    metadata.name = TRY(String(item, key));
                  else if (key == "description")
                    metadata.description = TRY(String(item, key));
                  else if (key == "format")
                    TRY(ParseFormat(item, metadata));
                  else if (key == "schemaString")
                    metadata.schema_string = TRY(String(item, key));
                  else if (key == "partitionColumns")
                    metadata.partition_columns = TRY(Strings(item, key));
                  else if (key == "configuration")
                    metadata.configuration = TRY(Map(item, key));
                  else if (key == "createdTime")
                    metadata.created_time_ms = TRY(Millis(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return metadata;
}

Result<Protocol> LineParser::ParseProtocol(ondemand::value& value) {
  Protocol protocol;
  const auto version = [&](ondemand::value& item, std::string_view key) -> Result<int32_t> {
    const int32_t number = TRY(Int32(item, key));
    if (number < 0) return Bad(key, "a protocol version");
    return number;
  };
  TRY(EachValue(value, "protocol", {"minReaderVersion", "minWriterVersion"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "minReaderVersion")
                    protocol.min_reader_version = TRY(version(item, key));
                  else if (key == "minWriterVersion")
                    protocol.min_writer_version = TRY(version(item, key));
                  else if (key == "readerFeatures")
                    protocol.reader_features = TRY(Strings(item, key));
                  else if (key == "writerFeatures")
                    protocol.writer_features = TRY(Strings(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return protocol;
}

Result<Txn> LineParser::ParseTxn(ondemand::value& value) {
  Txn txn;
  TRY(EachValue(value, "txn", {"appId", "version"}, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    if (key == "appId")
      txn.app_id = TRY(String(item, key));
    else if (key == "version")
      txn.version = TRY(Int64(item, key));
    else if (key == "lastUpdated")
      txn.last_updated_ms = TRY(Millis(item, key));
    else
      return Check(item, 0);
    return {};
  }));
  return txn;
}

Result<DomainMetadata> LineParser::ParseDomain(ondemand::value& value) {
  DomainMetadata domain;
  TRY(EachValue(value, "domainMetadata", {"domain", "configuration", "removed"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "domain")
                    domain.domain = TRY(String(item, key));
                  else if (key == "configuration")
                    domain.configuration = TRY(String(item, key));
                  else if (key == "removed")
                    domain.removed = TRY(Bool(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return domain;
}

// "commitInfo … can contain arbitrary, well-formed JSON": the fields that matter here count as absent when they are
// of another type than ours.
Result<CommitInfo> LineParser::ParseCommitInfo(ondemand::value& value) {
  CommitInfo info;
  const std::string_view token = value.raw_json_token();
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return NotJson();
  if (type != ondemand::json_type::object && type != ondemand::json_type::array) {
    TRY(Check(value, 0));
    info.json = TrimJson(token);
    return info;
  }
  if (type == ondemand::json_type::array) {
    TRY(Check(value, 0));
  } else {
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return NotJson();
    TRY(EachField(object,
                  [&](std::string_view key, ondemand::value& item) { return ParseCommitInfoField(key, item, info); }));
  }
  // The whole value was read: the parser stands at what follows it.
  const char* end = nullptr;
  if (document_.current_location().get(end) != simdjson::SUCCESS) return NotJson();
  info.json = TrimJson({token.data(), static_cast<size_t>(end - token.data())});
  return info;
}

Result<void> LineParser::ParseCommitInfoField(std::string_view key, ondemand::value& value, CommitInfo& info) {
  ondemand::json_type type{};
  if (value.type().get(type) != simdjson::SUCCESS) return NotJson();
  if (type == ondemand::json_type::string) {
    if (key == "txnId") return ReadString(value, key, info.txn_id.emplace());
    if (key == "operation") return ReadString(value, key, info.operation.emplace());
  } else if (type == ondemand::json_type::boolean && key == "isBlindAppend") {
    info.is_blind_append = TRY(Bool(value, key));
    return {};
  } else if (type == ondemand::json_type::number && (key == "timestamp" || key == "inCommitTimestamp")) {
    const std::string_view token = TrimJson(value.raw_json_token());
    if (const auto number = ParseJsonInteger(token, JsonFraction::kCut)) {
      (key == "timestamp" ? info.timestamp_ms : info.in_commit_timestamp_ms) = *number;
      return {};
    }
    if (!IsJsonNumber(token)) return NotJson();
    return {};
  }
  return Check(value, 0);
}

Result<Sidecar> LineParser::ParseSidecar(ondemand::value& value) {
  Sidecar sidecar;
  TRY(EachValue(value, "sidecar", {"path", "sizeInBytes", "modificationTime"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key == "path")
                    sidecar.path = TRY(Path(item, key));
                  else if (key == "sizeInBytes")
                    sidecar.size_bytes = TRY(Count(item, key));
                  else if (key == "modificationTime")
                    sidecar.modification_time_ms = TRY(Millis(item, key));
                  else
                    return Check(item, 0);
                  return {};
                }));
  return sidecar;
}

Result<CheckpointMetadata> LineParser::ParseCheckpointMetadata(ondemand::value& value) {
  CheckpointMetadata metadata;
  TRY(EachValue(value, "checkpointMetadata", {"version"},
                [&](std::string_view key, ondemand::value& item) -> Result<void> {
                  if (key != "version") return Check(item, 0);
                  metadata.version = TRY(Count(item, key));
                  return {};
                }));
  return metadata;
}

// Parses one line. `readable` counts the bytes from its begin that may be read: simdjson looks beyond the end.
Result<void> ParseLine(std::string_view line, size_t readable, const Where& where, std::vector<Action>& actions) {
  if (line.size() > kLineBytesMax) {
    return Error(ErrorCode::kResourceExhausted, fmt::format("{} line {}: {} bytes, at most {} are read", where.name,
                                                            where.line, line.size(), kLineBytesMax))
        .WithReason(Reason::kLimitExceeded);
  }
  thread_local ondemand::parser shared_parser;
  thread_local std::string shared_padded;
  std::optional<ondemand::parser> own_parser;
  std::string own_padded;
  const bool is_long = line.size() > kSharedParserBytesMax;
  ondemand::parser& parser = is_long ? own_parser.emplace() : shared_parser;
  if (readable - line.size() < simdjson::SIMDJSON_PADDING) {
    std::string& padded = is_long ? own_padded : shared_padded;
    padded.assign(line);
    padded.append(simdjson::SIMDJSON_PADDING, ' ');
    readable = padded.size();
    line = std::string_view(padded).substr(0, line.size());
  }
  if (parser.capacity() < line.size() && parser.allocate(std::bit_ceil(line.size())) != simdjson::SUCCESS) {
    return OutOfMemory().Prefixed(fmt::format("{} line {}", where.name, where.line));
  }
  ondemand::document document;
  const simdjson::error_code error = parser.iterate(line.data(), line.size(), readable).get(document);
  if (error == simdjson::UTF8_ERROR) return CorruptAt(where, "not UTF-8");
  if (error != simdjson::SUCCESS) return CorruptAt(where, "not a JSON object, or cut off");
  return LineParser(where, document, line, actions).Parse();
}

}  // namespace

Result<std::vector<Action>> ParseActions(std::string_view bytes, std::string_view name) {
  std::vector<Action> actions;
  Where where{name, 0};
  if (bytes.starts_with("\xEF\xBB\xBF")) {
    where.line = 1;
    return CorruptAt(where, "begins with a byte order mark");
  }
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at < end) {
    where.line++;
    const void* newline = std::memchr(at, '\n', static_cast<size_t>(end - at));
    const char* line_end = newline == nullptr ? end : static_cast<const char*>(newline);
    const std::string_view line = TrimJson({at, static_cast<size_t>(line_end - at)});
    if (!line.empty()) {
      TRY(ParseLine(line, static_cast<size_t>(end - line.data()), where, actions));
    }
    at = line_end + 1;
  }
  return actions;
}

Result<std::vector<Action>> ParseCommit(std::string_view bytes, std::string_view name) {
  std::vector<Action> actions = TRY(ParseActions(bytes, name));
  TRY(CheckCommit(actions, name));
  return actions;
}

Result<std::vector<Action>> ParseCompaction(std::string_view bytes, std::string_view name) {
  std::vector<Action> actions = TRY(ParseActions(bytes, name));
  if (actions.empty())
    return Error(ErrorCode::kCorrupt, std::string(name) + " is empty").WithReason(Reason::kCorruptTable);
  TRY(CheckReconciled(actions, name));
  return actions;
}

}  // namespace yummy::delta
