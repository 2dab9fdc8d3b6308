#pragma once
// Writes JSON (RFC 8259). simdjson parses it, where that is needed.

#include <cstdint>
#include <string>
#include <string_view>

namespace yummy {

/// Appends `text` as a JSON string with its quotes; control characters, quotes and backslashes are escaped. Bytes that
/// are not UTF-8 are written unchanged, because repairing them would change the value. Callers whose text may hold such
/// bytes check it before, or check the whole JSON text afterwards.
void AppendJsonString(std::string& out, std::string_view text);

/// `text` with every byte that is not part of UTF-8 replaced by U+FFFD. For messages, never for values.
std::string ReadableUtf8(std::string_view text);

/// Appends a double in the shortest form that reads back equal. NaN and infinities become null.
void AppendJsonDouble(std::string& out, double value);
void AppendJsonFloat(std::string& out, float value);

/// Builds one JSON value piece by piece; the writer adds commas and colons.
///   JsonWriter json; json.BeginObject(); json.Key("table"); json.String("t1"); json.EndObject(); json.text()
class JsonWriter {
 public:
  void BeginObject() {
    Before();
    text_ += '{';
    first_ = true;
  }
  void EndObject() {
    text_ += '}';
    first_ = false;
  }
  void BeginArray() {
    Before();
    text_ += '[';
    first_ = true;
  }
  void EndArray() {
    text_ += ']';
    first_ = false;
  }
  void Key(std::string_view key);
  void String(std::string_view value) {
    Before();
    AppendJsonString(text_, value);
  }
  void Int(int64_t value) {
    Before();
    text_ += std::to_string(value);
  }
  void Double(double value) {
    Before();
    AppendJsonDouble(text_, value);
  }
  void Bool(bool value) {
    Before();
    text_ += value ? "true" : "false";
  }
  void Null() {
    Before();
    text_ += "null";
  }
  /// A value that is already JSON text.
  void Raw(std::string_view json) {
    Before();
    text_ += json;
  }

  const std::string& text() const { return text_; }
  std::string Take() { return std::move(text_); }

 private:
  void Before();
  std::string text_;
  bool first_ = true;
  bool after_key_ = false;
};

}  // namespace yummy
