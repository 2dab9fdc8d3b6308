#include "yummy/delta/protocol/actions_json.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/base/url.h"
#include "yummy/delta/protocol/action_fields.h"
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
    return CorruptAt(where_,
                     fmt::format("{}.{}{}{} is not {}", action_, struct_, struct_.empty() ? "" : ".", field, expected));
  }

  template <typename Visit>
  Result<void> EachField(ondemand::object object, Visit&& visit);
  // Reads the fields that kFields<T> lists. A field that is null counts as absent; the required ones must be there.
  template <HasFields T>
  Result<void> ReadFields(ondemand::object object, std::string_view name, T& out);

  // Reads a value that is not null into a member. The member's type decides what the value must be.
  Result<void> Read(ondemand::value& value, const FieldRule& field, bool& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, char& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, int32_t& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, int64_t& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, std::string& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, std::vector<std::string>& out) const;
  Result<void> Read(ondemand::value& value, const FieldRule& field, StringMap& out);
  Result<void> Read(ondemand::value& value, const FieldRule& field, PartitionValues& out);
  template <HasFields T>
  Result<void> Read(ondemand::value& value, const FieldRule& field, T& out);
  template <typename T>
  Result<void> Read(ondemand::value& value, const FieldRule& field, std::optional<T>& out) {
    return Read(value, field, out.emplace());
  }

  Result<bool> IsNull(ondemand::value& value) const;
  Result<ondemand::object> AsObject(ondemand::value& value, std::string_view field) const;
  Result<void> ReadString(ondemand::value& value, std::string_view field, std::string& out) const;
  Result<void> Check(ondemand::value value, int depth);

  Result<void> ParseAction(std::string_view name, ondemand::value& value);
  template <typename T>
  Result<void> Take(ondemand::value& value);
  Result<CommitInfo> ParseCommitInfo(ondemand::value& value);
  Result<void> ParseCommitInfoField(std::string_view key, ondemand::value& value, CommitInfo& info);

  const Where& where_;
  ondemand::document& document_;
  std::string_view line_;
  std::vector<Action>& actions_;
  std::string_view action_;
  std::string_view struct_;  // the field of the action that is being read, if that field has fields itself
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

template <HasFields T>
Result<void> LineParser::ReadFields(ondemand::object object, std::string_view name, T& out) {
  uint64_t seen = 0;  // a bit for each field
  TRY(EachField(object, [&](std::string_view key, ondemand::value& item) -> Result<void> {
    if (TRY(IsNull(item))) return {};
    Result<void> read;
    size_t position = 0;
    const bool is_known = AnyField<T>([&](const auto& field) {
      if (field.name != key) {
        position++;
        return false;
      }
      seen |= uint64_t{1} << position;
      read = Read(item, field, out.*field.member);
      return true;
    });
    if (!is_known) return Check(item, 0);
    return read;
  }));
  std::string_view missing;
  size_t position = 0;
  AnyField<T>([&](const auto& field) {
    const bool is_optional = field.presence == Presence::kOptional || field.presence == Presence::kOptionalInCommits;
    if (!is_optional && (seen >> position & 1) == 0) missing = field.name;
    position++;
    return !missing.empty();
  });
  if (!missing.empty()) return CorruptAt(where_, fmt::format("{} has no {}", name, missing));
  return {};
}

Result<bool> LineParser::IsNull(ondemand::value& value) const {
  bool is_null = false;
  if (value.is_null().get(is_null) != simdjson::SUCCESS) return NotJson();
  return is_null;
}

Result<ondemand::object> LineParser::AsObject(ondemand::value& value, std::string_view field) const {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) return Bad(field, "an object");
  return object;
}

Result<void> LineParser::ReadString(ondemand::value& value, std::string_view field, std::string& out) const {
  ondemand::raw_json_string raw;
  if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS) return Bad(field, "a string");
  const auto rest = static_cast<size_t>(line_.data() + line_.size() - raw.raw());
  out.clear();
  if (!ReadJsonString({raw.raw(), rest}, out)) return Bad(field, "a string with valid escapes");
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, bool& out) const {
  if (value.get_bool().get(out) != simdjson::SUCCESS) return Bad(field.name, "true or false");
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, char& out) const {
  std::string text;
  TRY(ReadString(value, field.name, text));
  if (text.size() != 1) return Bad(field.name, "one character");
  out = text[0];
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, int32_t& out) const {
  int64_t number = 0;
  TRY(Read(value, field, number));
  if (number != static_cast<int32_t>(number)) return Bad(field.name, "an integer of 32 bits");
  out = static_cast<int32_t>(number);
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, int64_t& out) const {
  const bool is_time = field.form == Form::kMillis;
  if (value.get_int64().get(out) != simdjson::SUCCESS) {
    const std::string_view token = TrimJson(value.raw_json_token());
    const auto number = ParseJsonInteger(token, is_time ? JsonFraction::kCut : JsonFraction::kRefuse);
    if (!number) return Bad(field.name, is_time ? "a time in milliseconds" : "an integer of 64 bits");
    out = *number;
  }
  if (field.form == Form::kCount && out < 0) return Bad(field.name, "zero or more");
  if (field.form == Form::kVersion && out < 0) return Bad(field.name, "a protocol version");
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, std::string& out) const {
  TRY(ReadString(value, field.name, out));
  if (field.form != Form::kPath) return {};
  if (out.empty()) return Bad(field.name, "a path: it is empty");
  if (out.find('%') != std::string::npos && !PercentDecode(out).ok())
    return Bad(field.name, "a path: it has a bad escape");
  if (out.find('\0') != std::string::npos) return Bad(field.name, "a path: it holds NUL");
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, std::vector<std::string>& out) const {
  ondemand::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS) return Bad(field.name, "an array");
  out.clear();
  for (auto item : array) {
    ondemand::value element;
    if (std::move(item).get(element) != simdjson::SUCCESS) return NotJson();
    TRY(ReadString(element, field.name, out.emplace_back()));
  }
  return {};
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, StringMap& out) {
  out.clear();
  return EachField(TRY(AsObject(value, field.name)), [&](std::string_view key, ondemand::value& item) -> Result<void> {
    if (TRY(IsNull(item))) return {};
    return ReadString(item, field.name, out[std::string(key)]);
  });
}

Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, PartitionValues& out) {
  out.clear();
  return EachField(TRY(AsObject(value, field.name)), [&](std::string_view key, ondemand::value& item) -> Result<void> {
    auto& text = out.emplace_back(std::string(key), std::nullopt).second;
    if (TRY(IsNull(item))) return {};
    return ReadString(item, field.name, text.emplace());
  });
}

template <HasFields T>
Result<void> LineParser::Read(ondemand::value& value, const FieldRule& field, T& out) {
  const ondemand::object object = TRY(AsObject(value, field.name));
  struct_ = field.name;
  TRY(ReadFields(object, field.name, out));
  struct_ = {};
  return {};
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
  if (name == kActionName<Add>) return Take<Add>(value);
  if (name == kActionName<Remove>) return Take<Remove>(value);
  if (name == kActionName<Cdc>) return Take<Cdc>(value);
  if (name == kActionName<Metadata>) return Take<Metadata>(value);
  if (name == kActionName<Protocol>) return Take<Protocol>(value);
  if (name == kActionName<Txn>) return Take<Txn>(value);
  if (name == kActionName<DomainMetadata>) return Take<DomainMetadata>(value);
  if (name == kActionName<Sidecar>) return Take<Sidecar>(value);
  if (name == kActionName<CheckpointMetadata>) return Take<CheckpointMetadata>(value);
  if (name != kActionName<CommitInfo>) return Check(value, 0);  // "unknown actions are ignored", but they must be JSON
  actions_.emplace_back(TRY(ParseCommitInfo(value)));
  return {};
}

template <typename T>
Result<void> LineParser::Take(ondemand::value& value) {
  actions_.emplace_back(std::in_place_type<T>);
  return ReadFields(TRY(AsObject(value, action_)), action_, std::get<T>(actions_.back()));
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
    if (value.get_bool().get(info.is_blind_append.emplace()) != simdjson::SUCCESS) return Bad(key, "true or false");
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
