// Actions to JSON; absent fields are left out.
#include "yummy/base/json.h"
#include "yummy/delta/protocol/action_fields.h"
#include "yummy/delta/protocol/actions_json.h"

namespace yummy::delta {

namespace {

void Write(JsonWriter& json, bool flag) { json.Bool(flag); }
void Write(JsonWriter& json, char character) { json.String({&character, 1}); }
void Write(JsonWriter& json, int64_t number) { json.Int(number); }
void Write(JsonWriter& json, int32_t number) { json.Int(number); }
void Write(JsonWriter& json, const std::string& text) { json.String(text); }

void Write(JsonWriter& json, const std::vector<std::string>& texts) {
  json.BeginArray();
  for (const std::string& text : texts) json.String(text);
  json.EndArray();
}

void Write(JsonWriter& json, const StringMap& map) {
  json.BeginObject();
  for (const auto& [name, value] : map) {
    json.Key(name);
    json.String(value);
  }
  json.EndObject();
}

void Write(JsonWriter& json, const PartitionValues& values) {
  json.BeginObject();
  for (const auto& [name, value] : values) {
    json.Key(name);
    if (value) {
      json.String(*value);
    } else {
      json.Null();
    }
  }
  json.EndObject();
}

template <HasFields T>
void Write(JsonWriter& json, const T& object);

template <typename T>
void WriteField(JsonWriter& json, std::string_view name, const T& value) {
  json.Key(name);
  Write(json, value);
}

template <typename T>
void WriteField(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  if (value) WriteField(json, name, *value);
}

template <HasFields T>
void WriteFields(JsonWriter& json, const T& object) {
  ForEachField<T>([&](const auto& field) { WriteField(json, field.name, object.*field.member); });
}

template <HasFields T>
void Write(JsonWriter& json, const T& object) {
  json.BeginObject();
  WriteFields(json, object);
  json.EndObject();
}

// Writes the one key of the line and its object.
struct ActionWriter {
  JsonWriter& json;

  template <typename T>
  void operator()(const T& action) const {
    WriteField(json, kActionName<T>, action);
  }

  void operator()(const Cdc& cdc) const {
    json.Key(kActionName<Cdc>);
    json.BeginObject();
    WriteFields(json, cdc);
    WriteField(json, "dataChange", false);  // "should always be set to false for cdc actions"
    json.EndObject();
  }

  void operator()(Protocol protocol) const {
    // "readerFeatures … only when minReaderVersion is 3", "writerFeatures … only when minWriterVersion is 7".
    if (protocol.min_reader_version != 3) protocol.reader_features.reset();
    if (protocol.min_writer_version != 7) protocol.writer_features.reset();
    WriteField(json, kActionName<Protocol>, protocol);
  }

  void operator()(const CommitInfo& info) const {
    json.Key(kActionName<CommitInfo>);
    json.Raw(info.json);
  }
};

}  // namespace

std::string WriteAction(const Action& action) {
  JsonWriter json;
  json.BeginObject();
  std::visit(ActionWriter{json}, action);
  json.EndObject();
  return json.Take();
}

std::string WriteActions(const std::vector<Action>& actions) {
  std::string text;
  for (const Action& action : actions) {
    text += WriteAction(action);
    text += '\n';
  }
  return text;
}

}  // namespace yummy::delta
