#include "yummy/base/text.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include <fmt/format.h>

namespace yummy {
namespace {

constexpr size_t kLogBytesMax = 8 << 10;
// A longer name is not worth the quadratic time.
constexpr size_t kComparedBytesMax = 64;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

// A name in lower case, without '_' and '-'.
std::string Plain(std::string_view name) {
  std::string plain = LowerCase(name.substr(0, kComparedBytesMax));
  std::erase_if(plain, [](char c) { return c == '_' || c == '-'; });
  return plain;
}

// Levenshtein's distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); j++) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<uint8_t>(text[i]);
    size_t length = 0;
    uint32_t point = 0;
    if (byte < 0x80) {
      i++;
      continue;
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
      length = 2;
      point = byte & 0x1F;
    } else if (byte >= 0xE0 && byte <= 0xEF) {
      length = 3;
      point = byte & 0x0F;
    } else if (byte >= 0xF0 && byte <= 0xF4) {
      length = 4;
      point = byte & 0x07;
    } else
      return false;
    if (i + length > text.size()) return false;
    for (size_t k = 1; k < length; k++) {
      const auto next = static_cast<uint8_t>(text[i + k]);
      if ((next & 0xC0) != 0x80) return false;
      point = (point << 6) | (next & 0x3F);
    }
    // Refuses overlong forms, halves of surrogate pairs, and code points beyond Unicode.
    if (length == 3 && (point < 0x800 || (point >= 0xD800 && point <= 0xDFFF))) return false;
    if (length == 4 && (point < 0x10000 || point > 0x10FFFF)) return false;
    i += length;
  }
  return true;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), Lower);
  return lower;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

std::string_view Trimmed(std::string_view text, std::string_view spaces) {
  const size_t begin = std::min(text.find_first_not_of(spaces), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(spaces) + 1);
}

std::optional<std::string> NearestName(std::string_view name, const std::vector<std::string>& known) {
  const std::string from = Plain(name);
  size_t nearest_distance = from.size() / 3 + 2;  // a name further away is not a typing error
  std::optional<std::string> nearest;
  for (const std::string& candidate : known) {
    const size_t distance = EditDistance(from, Plain(candidate));
    if (distance >= nearest_distance) continue;
    nearest_distance = distance;
    nearest = candidate;
  }
  return nearest;
}

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
