#include "yummy/base/text.h"

#include <fmt/format.h>

#include "yummy/base/url.h"

namespace yummy {

namespace {
constexpr size_t kLogBytesMax = 8 << 10;
}  // namespace

std::string_view Utf8Prefix(std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) end--;
  return text.substr(0, end);
}

std::string LogText(std::string_view text) {
  const bool is_cut = text.size() > kLogBytesMax;
  text = Utf8Prefix(text, kLogBytesMax);
  const bool is_utf8 = IsUtf8(text);
  std::string line;
  line.reserve(text.size());
  const auto escape = [&](unsigned char byte) { line += fmt::format("\\x{:02x}", byte); };
  for (size_t i = 0; i < text.size(); i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool is_control = byte < 0x20 || byte == 0x7F;
    // So are U+0080 to U+009F: the byte C2 and one of these.
    const bool is_late_control = is_utf8 && byte == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (is_control || is_late_control || (byte >= 0x80 && !is_utf8)) {
      escape(byte);
      if (is_late_control) escape(static_cast<unsigned char>(text[++i]));
    } else {
      line += text[i];
    }
  }
  return is_cut ? line + " …" : line;
}

}  // namespace yummy
