#include "yummy/format/json/json_check.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/text.h"
#include "yummy/format/json/json_pointer.h"
#include "yummy/format/json/key_set.h"

namespace yummy::format {

namespace {

struct Level {
  bool object = false;
  size_t index = 0;                     // position of the current element
  std::optional<std::string_view> key;  // key of the current field, once it is read
  KeySet keys;
};

bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t CharacterLength(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xE0) return 2;
  return first < 0xF0 ? 3 : 4;
}

// Walks the text without recursion, so that no depth can overflow the stack. simdjson finds quickly that a text is
// broken. This class says where and why, and also finds repeated keys, which simdjson ignores.
class JsonChecker {
 public:
  JsonChecker(std::string_view text, size_t depth_max) : text_(text), depth_max_(depth_max) {
    bad_byte_ = simdjson::validate_utf8(text) ? std::string_view::npos : FirstBadByte();
  }

  Result<void> Check() {
    while (true) {
      SkipSpace();
      if (Peek() == '{' || Peek() == '[') {
        if (!TRY(Open())) continue;
      } else {
        TRY(Scalar());
      }
      if (!TRY(AfterValue())) return {};
    }
  }

 private:
  size_t FirstBadByte() const {
    size_t at = 0;
    while (at < text_.size()) {
      const size_t length = CharacterLength(static_cast<unsigned char>(text_[at]));
      if (!IsUtf8(text_.substr(at, length))) return at;
      at += length;
    }
    return std::string_view::npos;
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool AtEnd() const { return at_ >= text_.size(); }
  void SkipSpace() {
    while (!AtEnd() && IsSpace(text_[at_])) at_++;
  }

  // Called at '{' or '['. True if the value is empty, and so already complete.
  Result<bool> Open() {
    if (levels_.size() >= depth_max_) {
      return Fault(at_, Reason::kJsonTooDeep, fmt::format("the JSON is nested deeper than {} levels", depth_max_));
    }
    Level level;
    level.object = Peek() == '{';
    levels_.push_back(std::move(level));
    at_++;
    SkipSpace();
    if (Peek() == (levels_.back().object ? '}' : ']')) {
      at_++;
      levels_.pop_back();
      return true;
    }
    if (levels_.back().object) TRY(Key());
    return false;
  }

  // Called after a value. False at the end of the text, true before the next value.
  Result<bool> AfterValue() {
    while (true) {
      SkipSpace();
      if (levels_.empty()) {
        if (!AtEnd()) return Fault(at_, Reason::kInvalidJson, "there is more after the end of the JSON value");
        return false;
      }
      Level& level = levels_.back();
      if (Peek() == ',') {
        at_++;
        level.index++;
        SkipSpace();
        if (level.object) TRY(Key());
        return true;
      }
      if (Peek() != (level.object ? '}' : ']')) return Unexpected(level.object ? "',' or '}'" : "',' or ']'");
      at_++;
      levels_.pop_back();
    }
  }

  Result<void> Key() {
    Level& level = levels_.back();
    level.key.reset();
    if (Peek() != '"') return Unexpected("a key in quotes");
    const size_t start = at_;
    const std::string_view key = TRY(String());
    level.key = key;
    if (!level.keys.Insert(key)) {
      return Fault(start, Reason::kDuplicateKey,
                   fmt::format("the key '{}' stands twice in one object", key.substr(0, 100)));
    }
    SkipSpace();
    if (Peek() != ':') return Unexpected("':'");
    at_++;
    return {};
  }

  Result<void> Scalar() {
    const char c = Peek();
    if (c == '"') {
      TRY(String());
      return {};
    }
    if (c == '-' || IsDigit(c)) return Number();
    for (const std::string_view word : {"true", "false", "null"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      if (!AtEnd() && (IsDigit(Peek()) || std::isalpha(static_cast<unsigned char>(Peek())) != 0))
        return Unexpected("a value");
      return {};
    }
    for (const std::string_view word : {"NaN", "Infinity"}) {
      if (text_.substr(at_, word.size()) == word) {
        return Fault(at_, Reason::kInvalidJson,
                     fmt::format("{0} is no JSON value; for a double write \"{0}\" in quotes", word));
      }
    }
    return Unexpected("a value");
  }

  Result<void> Number() {
    const size_t start = at_;
    if (Peek() == '-') at_++;
    if (text_.substr(at_).starts_with("Infinity")) {
      return Fault(start, Reason::kInvalidJson,
                   "-Infinity is no JSON value; for a double write \"-Infinity\" in quotes");
    }
    if (Peek() == '0') {
      at_++;
    } else if (!Digits()) {
      return Unexpected("a digit");
    }
    if (Peek() == '.') {
      at_++;
      if (!Digits()) return Unexpected("a digit");
    }
    if (Peek() == 'e' || Peek() == 'E') {
      at_++;
      if (Peek() == '+' || Peek() == '-') at_++;
      if (!Digits()) return Unexpected("a digit");
    }
    return {};
  }

  bool Digits() {
    const size_t start = at_;
    while (IsDigit(Peek())) at_++;
    return at_ > start;
  }

  // Called at the opening quote. Returns the unescaped text between the quotes, which lives as long as the checker.
  Result<std::string_view> String() {
    const size_t start = ++at_;
    std::string unescaped;
    bool escaped = false;
    size_t plain = start;
    while (true) {
      if (AtEnd()) return Fault(at_, Reason::kInvalidJson, "the text ends inside a string");
      const char c = text_[at_];
      if (c == '"') break;
      if (static_cast<unsigned char>(c) < 0x20) {
        return Fault(at_, Reason::kInvalidJson, "a control character in a string: write it as an escape");
      }
      if (at_ == bad_byte_) return Fault(at_, Reason::kInvalidUtf8, "a string is not UTF-8");
      at_++;
      if (c != '\\') continue;
      escaped = true;
      unescaped.append(text_.substr(plain, at_ - 1 - plain));
      TRY(Escape(unescaped));
      plain = at_;
    }
    const std::string_view rest = text_.substr(plain, at_ - plain);
    at_++;
    if (!escaped) return rest;
    unescaped.append(rest);
    return std::string_view(owned_.emplace_back(std::move(unescaped)));
  }

  // Called after a backslash.
  Result<void> Escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kBytes = "\"\\/\b\f\n\r\t";
    const char c = Peek();
    if (const size_t index = kLetters.find(c); index != std::string_view::npos && !AtEnd()) {
      out += kBytes[index];
      at_++;
      return {};
    }
    const size_t start = at_ - 1;
    if (c != 'u') return Fault(start, Reason::kInvalidJson, "an unknown escape in a string");
    at_++;
    uint32_t point = TRY(Hexadecimal());
    if (point >= 0xD800 && point <= 0xDFFF) {
      const bool pair = point < 0xDC00 && text_.substr(at_, 2) == "\\u";
      if (pair) at_ += 2;
      const uint32_t low = pair ? TRY(Hexadecimal()) : 0;
      if (low < 0xDC00 || low > 0xDFFF)
        return Fault(start, Reason::kInvalidUtf8, "a surrogate without its other half in a string");
      point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(out, point);
    return {};
  }

  Result<uint32_t> Hexadecimal() {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, at_++) {
      const char c = Peek();
      if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return Unexpected("four hexadecimal digits");
      value = value * 16 + static_cast<uint32_t>(IsDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return value;
  }

  static void AppendUtf8(std::string& out, uint32_t point) {
    const auto append = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
      append(point);
    } else if (point < 0x800) {
      append(0xC0 | (point >> 6));
      append(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      append(0xE0 | (point >> 12));
      append(0x80 | ((point >> 6) & 0x3F));
      append(0x80 | (point & 0x3F));
    } else {
      append(0xF0 | (point >> 18));
      append(0x80 | ((point >> 12) & 0x3F));
      append(0x80 | ((point >> 6) & 0x3F));
      append(0x80 | (point & 0x3F));
    }
  }

  Error Unexpected(std::string_view expected) const {
    if (AtEnd()) return Fault(at_, Reason::kInvalidJson, fmt::format("the text ends where {} is expected", expected));
    const auto byte = static_cast<unsigned char>(text_[at_]);
    const std::string found =
        byte > 0x20 && byte < 0x7F ? fmt::format("'{}'", text_[at_]) : fmt::format("byte 0x{:02X}", byte);
    return Fault(at_, Reason::kInvalidJson, fmt::format("expected {}, found {}", expected, found));
  }

  // Lines and columns count from 1; a column is a character, not a byte.
  Error Fault(size_t at, Reason reason, std::string message) const {
    const std::string_view before = text_.substr(0, at);
    const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column = 1 + std::count_if(before.begin() + static_cast<ptrdiff_t>(line_start), before.end(),
                                          [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    JsonPointer pointer;
    for (const Level& level : levels_) {
      if (!level.object) {
        pointer.Index(level.index);
      } else if (level.key) {
        pointer.Key(*level.key);
      }
    }
    return Error(ErrorCode::kInvalidArgument, fmt::format("{} (line {}, column {})", message, line, column))
        .WithReason(reason)
        .With("location_line", std::to_string(line))
        .With("location_column", std::to_string(column))
        .With("pointer", pointer.Take());
  }

  std::string_view text_;
  size_t depth_max_;
  size_t at_ = 0;
  size_t bad_byte_ = std::string_view::npos;
  std::vector<Level> levels_;
  std::deque<std::string> owned_;  // unescaped keys; a deque keeps views into them valid
};

}  // namespace

Result<void> CheckJson(std::string_view body, size_t depth_max) { return JsonChecker(body, depth_max).Check(); }

}  // namespace yummy::format
