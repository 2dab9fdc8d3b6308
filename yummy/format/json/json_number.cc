#include "yummy/format/json/json_number.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace yummy::format {

namespace {

constexpr size_t kShownBytesMax = 60;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes digits off the front; false when there is none.
bool TakeDigits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) count++;
  text.remove_prefix(count);
  return count > 0;
}

// "-123" of up to 18 digits: nearly every integer of a body.
std::optional<int64_t> ParsePlainInteger(std::string_view token) {
  const bool negative = token.starts_with('-');
  if (negative) token.remove_prefix(1);
  if (token.empty() || token.size() > 18 || (token[0] == '0' && token.size() > 1)) return std::nullopt;
  int64_t value = 0;
  for (const char c : token) {
    if (!IsDigit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

bool HasOnlyZeroDigits(std::string_view token) {
  return token.substr(0, token.find_first_of("eE")).find_first_of("123456789") == std::string_view::npos;
}

std::string_view TypeWord(float /*of*/) { return "float"; }
std::string_view TypeWord(double /*of*/) { return "double"; }

/// True if a whole number that is written only with digits would be stored as another number. It may also be the
/// shortest text of the stored value, because JavaScript writes doubles like this up to 1e21.
template <typename Float>
bool IsAnotherNumber(std::string_view token, Float value) {
  if (token.size() <= static_cast<size_t>(std::numeric_limits<Float>::digits10)) return false;
  if (token.find_first_of(".eE") != std::string_view::npos) return false;
  constexpr int kDigitsMax = 38;
  const std::optional<Int128> whole = ParseDecimal(token, kDigitsMax, 0);
  if (!whole) return true;
  return *whole != static_cast<Int128>(value) && whole != ParseDecimal(fmt::format("{}", value), kDigitsMax, 0);
}

template <typename Float>
Result<Float> ParseFloating(std::string_view token) {
  if (!IsJsonNumber(token)) return InvalidJson();
  Float value = 0;
  const auto [end, status] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (status == std::errc()) {
    if (IsAnotherNumber(token, value)) return OutOfRange(fmt::format("a {} exactly", TypeWord(value)), token);
    return value;
  }
  // from_chars gives the same error for too large and too small. A number that is too small becomes zero or the nearest
  // subnormal.
  const std::string text(token);
  const Float rounded = std::is_same_v<Float, float> ? static_cast<Float>(std::strtof(text.c_str(), nullptr))
                                                     : static_cast<Float>(std::strtod(text.c_str(), nullptr));
  if (!std::isfinite(rounded)) return OutOfRange(TypeWord(Float{}), token);
  return rounded;
}

std::string Shown(std::string_view value) {
  if (value.size() <= kShownBytesMax) return std::string(value);
  size_t end = kShownBytesMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) end--;  // not inside a character
  return std::string(value.substr(0, end)) + "…";
}

}  // namespace

bool IsJsonNumber(std::string_view token) {
  if (token.starts_with('-')) token.remove_prefix(1);
  if (token.starts_with('0')) {
    token.remove_prefix(1);
  } else if (!TakeDigits(token)) {
    return false;
  }
  if (token.starts_with('.')) {
    token.remove_prefix(1);
    if (!TakeDigits(token)) return false;
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    if (!TakeDigits(token)) return false;
  }
  return token.empty();
}

Result<int64_t> ParseJsonInteger(std::string_view token, const IntegerRange& range) {
  std::optional<int64_t> value = ParsePlainInteger(token);
  if (!value) {
    if (!IsJsonNumber(token)) return InvalidJson();
    constexpr int kDigitsMax = 38;
    const std::optional<Int128> wide = HasOnlyZeroDigits(token) ? Int128{0} : ParseDecimal(token, kDigitsMax, 0);
    if (!wide) {
      const double nearest = std::strtod(std::string(token).c_str(), nullptr);
      constexpr double kExactMax = 9.3e18;  // beyond int64
      if (!(std::abs(nearest) < kExactMax)) return OutOfRange(range.type, token);
      return TypeMismatch(fmt::format("a whole number ({})", range.type), token);
    }
    if (*wide < range.min || *wide > range.max) return OutOfRange(range.type, token);
    value = static_cast<int64_t>(*wide);
  }
  if (*value < range.min || *value > range.max) return OutOfRange(range.type, token);
  return *value;
}

Result<double> ParseJsonDouble(std::string_view token) { return ParseFloating<double>(token); }
Result<float> ParseJsonFloat(std::string_view token) { return ParseFloating<float>(token); }

Result<Int128> ParseJsonDecimal(std::string_view text, int precision, int scale) {
  if (!IsJsonNumber(text)) return InvalidValue(fmt::format("a number for decimal({},{})", precision, scale), text);
  if (HasOnlyZeroDigits(text)) return Int128{0};
  const std::optional<Int128> value = ParseDecimal(text, precision, scale);
  if (!value) return OutOfRange(fmt::format("decimal({},{})", precision, scale), text);
  return *value;
}

Error TypeMismatch(std::string_view expected, std::string_view found) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("expected {}, found {}", expected, Shown(found)))
      .WithReason(Reason::kTypeMismatch);
}

Error OutOfRange(std::string_view type, std::string_view value) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("{} does not fit {}", Shown(value), type))
      .WithReason(Reason::kValueOutOfRange);
}

Error InvalidValue(std::string_view expected, std::string_view value) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("expected {}, found '{}'", expected, Shown(value)))
      .WithReason(Reason::kInvalidValue);
}

Error InvalidJson() {
  return Error(ErrorCode::kInvalidArgument, "the body is no valid JSON").WithReason(Reason::kInvalidJson);
}

}  // namespace yummy::format
