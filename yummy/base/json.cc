#include "yummy/base/json.h"

#include <cmath>

#include <fmt/format.h>

#include "yummy/base/text.h"

namespace yummy {

namespace {
void AppendEscaped(std::string& out, std::string_view text) {
  size_t plain = 0;  // start of the run that needs no escape
  for (size_t i = 0; i < text.size(); i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    out.append(text.substr(plain, i - plain));
    plain = i + 1;
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    }
  }
  out.append(text.substr(plain));
}
}  // namespace

std::string ReadableUtf8(std::string_view text) {
  if (IsUtf8(text)) return std::string(text);
  std::string result;
  size_t i = 0;
  while (i < text.size()) {
    size_t length = 1;
    while (length <= 4 && i + length <= text.size() && !IsUtf8(text.substr(i, length))) length++;
    if (length > 4 || i + length > text.size()) {
      result += "\xEF\xBF\xBD";
      i++;
    } else {
      result += text.substr(i, length);
      i += length;
    }
  }
  return result;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  AppendEscaped(out, text);
  out += '"';
}

void AppendJsonDouble(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void AppendJsonFloat(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else {
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
}

void JsonWriter::Before() {
  if (!first_ && !after_key_) text_ += ',';
  first_ = false;
  after_key_ = false;
}

void JsonWriter::Key(std::string_view key) {
  Before();
  AppendJsonString(text_, key);
  text_ += ':';
  after_key_ = true;
}

}  // namespace yummy
