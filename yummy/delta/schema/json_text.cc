#include "yummy/delta/schema/json_text.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace yummy::delta {

namespace {

static_assert(std::endian::native == std::endian::little, "FindSpecial takes the lowest byte for the first");

// The first quote or backslash, or the end. Looks at eight bytes per step, with the zero-byte test on words.
const char* FindSpecial(const char* begin, const char* end) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  constexpr uint64_t kHighs = 0x8080808080808080ULL;
  while (end - begin >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, begin, sizeof(word));
    const uint64_t quote = word ^ (kOnes * '"');
    const uint64_t backslash = word ^ (kOnes * '\\');
    const uint64_t hits = (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash)) & kHighs;
    if (hits != 0) return begin + std::countr_zero(hits) / 8;
    begin += 8;
  }
  while (begin < end && *begin != '"' && *begin != '\\') begin++;
  return begin;
}

std::optional<uint32_t> ReadHex4(const char* begin, const char* end) {
  if (end - begin < 4) return std::nullopt;
  uint32_t value = 0;
  for (int i = 0; i < 4; i++) {
    const char c = begin[i];
    const bool digit = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    value = value * 16 + static_cast<uint32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

void AppendUtf8(std::string& out, uint32_t point) {
  const auto byte = [&](uint32_t value) { out += static_cast<char>(static_cast<unsigned char>(value)); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xC0 | point >> 6);
    byte(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    byte(0xE0 | point >> 12);
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  } else {
    byte(0xF0 | point >> 18);
    byte(0x80 | (point >> 12 & 0x3F));
    byte(0x80 | (point >> 6 & 0x3F));
    byte(0x80 | (point & 0x3F));
  }
}

// The code point of \uXXXX, or of two that form a surrogate pair. `at` points after the u, and is moved past the
// escape.
std::optional<uint32_t> ReadUnicodeEscape(const char*& at, const char* end) {
  const std::optional<uint32_t> first = ReadHex4(at, end);
  if (!first || (*first >= 0xDC00 && *first <= 0xDFFF)) return std::nullopt;
  at += 4;
  if (*first < 0xD800 || *first > 0xDBFF) return first;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return std::nullopt;
  const std::optional<uint32_t> second = ReadHex4(at + 2, end);
  if (!second || *second < 0xDC00 || *second > 0xDFFF) return std::nullopt;
  at += 6;
  return 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
}

size_t CountDigits(std::string_view text) {
  size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') count++;
  return count;
}

}  // namespace

std::optional<size_t> ReadJsonString(std::string_view text, std::string& out) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    const char* special = FindSpecial(at, end);
    if (special == end) return std::nullopt;
    out.append(at, special);
    at = special + 1;
    if (*special == '"') return static_cast<size_t>(at - text.data());
    if (at == end) return std::nullopt;
    switch (*at++) {
      case '"': out += '"'; break;
      case '\\': out += '\\'; break;
      case '/': out += '/'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case 't': out += '\t'; break;
      case 'u': {
        const std::optional<uint32_t> point = ReadUnicodeEscape(at, end);
        if (!point) return std::nullopt;
        AppendUtf8(out, *point);
        break;
      }
      default: return std::nullopt;
    }
  }
}

std::optional<std::string> UnquoteJson(std::string_view json) {
  if (json.size() < 2 || json[0] != '"') return std::nullopt;
  const bool control =
      std::any_of(json.begin(), json.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (control) return std::nullopt;
  std::string text;
  const std::optional<size_t> length = ReadJsonString(json.substr(1), text);
  if (!length || *length != json.size() - 1) return std::nullopt;
  return text;
}

bool IsJsonNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t digits = CountDigits(text);
  if (digits == 0 || (digits > 1 && text[0] == '0')) return false;
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    const size_t fraction = CountDigits(text.substr(1));
    if (fraction == 0) return false;
    text.remove_prefix(1 + fraction);
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    const size_t exponent = CountDigits(text);
    if (exponent == 0) return false;
    text.remove_prefix(exponent);
  }
  return text.empty();
}

std::optional<int64_t> ParseJsonInteger(std::string_view json, JsonFraction fraction) {
  constexpr double kEnd = 9223372036854775808.0;  // 2^63
  if (!IsJsonNumber(json)) return std::nullopt;
  const char* const end = json.data() + json.size();
  int64_t integer = 0;
  if (const auto [at, error] = std::from_chars(json.data(), end, integer); error == std::errc() && at == end)
    return integer;
  double number = 0;
  if (std::from_chars(json.data(), end, number).ec != std::errc()) return std::nullopt;
  const double whole = std::floor(number);
  const bool is_refused = fraction == JsonFraction::kRefuse && whole != number;
  if (is_refused || !(whole > -kEnd && whole < kEnd)) return std::nullopt;
  return static_cast<int64_t>(whole);
}

std::string_view TrimJson(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(begin);
  const size_t last = text.find_last_not_of(kSpace);
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

}  // namespace yummy::delta
