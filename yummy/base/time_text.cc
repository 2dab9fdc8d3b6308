#include "yummy/base/time_text.h"

#include <charconv>
#include <chrono>

namespace yummy {

namespace {

constexpr int64_t kMicrosPerSecond = 1'000'000;

int64_t FloorDivide(int64_t value, int64_t divisor) {
  const int64_t quotient = value / divisor;
  return value % divisor < 0 ? quotient - 1 : quotient;
}

// Takes digits off the front: at least `digits_min`, at most `digits_max`.
std::optional<int> TakeNumber(std::string_view& text, size_t digits_min, size_t digits_max) {
  size_t count = 0;
  int value = 0;
  while (count < text.size() && count < digits_max && text[count] >= '0' && text[count] <= '9') {
    value = value * 10 + (text[count] - '0');
    count++;
  }
  if (count < digits_min) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> TakeDate(std::string_view& text) {
  const std::optional<int> year = TakeNumber(text, 4, 4);
  if (!year || !TakeChar(text, '-')) return std::nullopt;
  const std::optional<int> month = TakeNumber(text, 1, 2);
  if (!month || !TakeChar(text, '-')) return std::nullopt;
  const std::optional<int> day = TakeNumber(text, 1, 2);
  if (!day || *year < 1) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

struct TimeOfDay {
  int64_t micros = 0;
  bool is_exact = true;
};

// "03:04", "03:04:05", "03:04:05.000006".
std::optional<TimeOfDay> TakeTime(std::string_view& text) {
  const std::optional<int> hour = TakeNumber(text, 1, 2);
  if (!hour || *hour > 23 || !TakeChar(text, ':')) return std::nullopt;
  const std::optional<int> minute = TakeNumber(text, 1, 2);
  if (!minute || *minute > 59) return std::nullopt;
  TimeOfDay time{.micros = (*hour * 60LL + *minute) * 60 * kMicrosPerSecond};
  if (!TakeChar(text, ':')) return time;
  const std::optional<int> second = TakeNumber(text, 1, 2);
  if (!second || *second > 59) return std::nullopt;
  time.micros += *second * kMicrosPerSecond;
  if (!TakeChar(text, '.')) return time;
  int64_t unit = kMicrosPerSecond / 10;
  size_t digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
    if (++digits > 9) return std::nullopt;
    time.micros += (text[0] - '0') * unit;
    time.is_exact = time.is_exact && (unit > 0 || text[0] == '0');
    unit /= 10;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  return time;
}

// "Z", "+01:00", "-0730", "+05", "-07:52:58": the offset in microseconds.
std::optional<int64_t> TakeZone(std::string_view& text) {
  if (TakeChar(text, 'Z') || TakeChar(text, 'z')) return 0;
  const bool negative = text.starts_with('-');
  if (!negative && !text.starts_with('+')) return std::nullopt;
  text.remove_prefix(1);
  const std::optional<int> hours = TakeNumber(text, 2, 2);
  if (!hours || *hours > 23) return std::nullopt;
  int64_t seconds = *hours * 3600LL;
  for (const int64_t unit : {60, 1}) {
    if (text.empty()) break;
    TakeChar(text, ':');
    const std::optional<int> part = TakeNumber(text, 2, 2);
    if (!part || *part > 59) return std::nullopt;
    seconds += *part * unit;
  }
  return (negative ? -seconds : seconds) * kMicrosPerSecond;
}

struct Day {
  int64_t year;
  int month;
  int day;
};

// std::chrono::year has only 16 bits, but days in results reach further. The calendar repeats every 400 years.
Day DayOf(int64_t days) {
  constexpr int64_t kDaysPer400Years = 146'097;
  const int64_t cycle = FloorDivide(days, kDaysPer400Years);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days - cycle * kDaysPer400Years))};
  return {static_cast<int>(date.year()) + cycle * 400, static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day()))};
}

// Appends `value` with leading zeros.
void AppendDigits(std::string& out, int64_t value, int digits) {
  char text[8];
  for (int i = digits - 1; i >= 0; i--) {
    text[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(text, static_cast<size_t>(digits));
}

}  // namespace

void AppendDate(std::string& out, int64_t days) {
  const Day date = DayOf(days);
  if (date.year >= 0 && date.year <= 9999) {
    AppendDigits(out, date.year, 4);
  } else {
    char text[24];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), date.year);
    out.append(text, end);
  }
  out += '-';
  AppendDigits(out, date.month, 2);
  out += '-';
  AppendDigits(out, date.day, 2);
}

void AppendTime(std::string& out, int64_t micros) {
  const int64_t seconds = micros / kMicrosPerSecond;
  AppendDigits(out, seconds / 3600, 2);
  out += ':';
  AppendDigits(out, seconds / 60 % 60, 2);
  out += ':';
  AppendDigits(out, seconds % 60, 2);
  out += '.';
  AppendDigits(out, micros % kMicrosPerSecond, 6);
}

std::string FormatDate(int64_t days) {
  std::string text;
  AppendDate(text, days);
  return text;
}

std::string FormatTimestamp(int64_t micros, bool utc_suffix) {
  const int64_t days = FloorDivide(micros, kMicrosPerDay);
  std::string text;
  AppendDate(text, days);
  text += utc_suffix ? 'T' : ' ';
  AppendTime(text, micros - days * kMicrosPerDay);
  if (utc_suffix) text += 'Z';
  return text;
}

std::optional<int64_t> ParseDate(std::string_view text) {
  const std::optional<int64_t> days = TakeDate(text);
  return text.empty() ? days : std::nullopt;
}

std::optional<TimestampText> ReadTimestamp(std::string_view text) {
  const std::optional<int64_t> days = TakeDate(text);
  if (!days) return std::nullopt;
  TimestampText result{.micros = *days * kMicrosPerDay};
  if (text.empty()) return result;
  if (!TakeChar(text, 'T') && !TakeChar(text, ' ')) return std::nullopt;
  const std::optional<TimeOfDay> time = TakeTime(text);
  if (!time) return std::nullopt;
  result.micros += time->micros;
  result.is_exact = time->is_exact;
  if (text.empty()) return result;
  TakeChar(text, ' ');
  const std::optional<int64_t> offset = TakeZone(text);
  if (!offset || !text.empty()) return std::nullopt;
  result.micros -= *offset;
  result.has_zone = true;
  return result;
}

std::optional<int64_t> ParseTimestamp(std::string_view text) {
  const std::optional<TimestampText> read = ReadTimestamp(text);
  return read ? std::optional(read->micros) : std::nullopt;
}

}  // namespace yummy
