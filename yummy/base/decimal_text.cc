#include "yummy/base/decimal_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace yummy {

std::optional<Int128> ParseDecimal(std::string_view text, int precision, int scale) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int64_t exponent = 0;
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view digits = text.substr(e + 1);
    if (digits.starts_with("+") && !digits.starts_with("+-")) digits.remove_prefix(1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (error != std::errc() || end != digits.data() + digits.size() || exponent > 1000 || exponent < -1000)
      return std::nullopt;
    text = text.substr(0, e);
  }
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  if (point < text.size()) digits += text.substr(point + 1);
  const bool only_digits = std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits.empty() || !only_digits) return std::nullopt;
  // The unscaled value is digits × 10^shift.
  int64_t shift = exponent + scale - static_cast<int64_t>(digits.size() - point);
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
  while (shift < 0 && !digits.empty()) {
    if (digits.back() != '0') return std::nullopt;
    digits.pop_back();
    shift++;
  }
  if (digits.empty()) return Int128{0};
  if (static_cast<int64_t>(digits.size()) + shift > precision) return std::nullopt;
  digits.append(static_cast<size_t>(shift), '0');
  Int128 unscaled = 0;
  for (const char c : digits) unscaled = unscaled * 10 + (c - '0');
  return negative ? -unscaled : unscaled;
}

void AppendDecimal(std::string& out, Int128 unscaled, int scale) {
  char text[96];  // digits from the end; a scale is 76 at most
  char* const end = text + sizeof(text);
  char* begin = end;
  const bool negative = unscaled < 0;
  for (int digits = 0; unscaled != 0 || digits <= scale; digits++) {
    if (digits == scale && scale > 0) *--begin = '.';
    const int digit = static_cast<int>(unscaled % 10);
    *--begin = static_cast<char>('0' + (digit < 0 ? -digit : digit));
    unscaled /= 10;
  }
  if (negative) *--begin = '-';
  out.append(begin, end);
}

std::string FormatDecimal(Int128 unscaled, int scale) {
  std::string text;
  AppendDecimal(text, unscaled, scale);
  return text;
}

}  // namespace yummy
