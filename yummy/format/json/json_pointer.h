#pragma once
// A JSON pointer (RFC 6901), built from the root down.

#include <string>
#include <string_view>

namespace yummy::format {

class JsonPointer {
 public:
  JsonPointer& Key(std::string_view key) {
    text_ += '/';
    for (const char c : key.substr(0, kKeyBytesMax)) {
      if (c == '~') {
        text_ += "~0";
      } else if (c == '/') {
        text_ += "~1";
      } else {
        text_ += c;
      }
    }
    return *this;
  }
  JsonPointer& Index(size_t index) {
    text_ += '/' + std::to_string(index);
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  static constexpr size_t kKeyBytesMax = 200;  // keeps a hostile key from making a long answer
  std::string text_;
};

}  // namespace yummy::format
