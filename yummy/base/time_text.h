#pragma once
// Converts dates and timestamps to text and back. They are days and microseconds since 1970-01-01, in UTC and the
// proleptic Gregorian calendar.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yummy {

inline constexpr int64_t kMicrosPerDay = 86'400'000'000;
/// The years 0001 to 9999. A Delta table holds no others, because its log has a text only for these.
inline constexpr int64_t kDaysMin = -719'162;
inline constexpr int64_t kDaysMax = 2'932'896;
inline constexpr int64_t kMicrosMin = kDaysMin * kMicrosPerDay;
inline constexpr int64_t kMicrosMax = (kDaysMax + 1) * kMicrosPerDay - 1;

/// "2024-01-02". Years after 9999 or before 1 get further digits or a sign.
std::string FormatDate(int64_t days);
/// "2024-01-02T03:04:05.000006Z", or "2024-01-02 03:04:05.000006" without the suffix.
std::string FormatTimestamp(int64_t micros, bool utc_suffix);

/// Appends "2024-01-02".
void AppendDate(std::string& out, int64_t days);
/// Appends "03:04:05.000006"; `micros` since midnight.
void AppendTime(std::string& out, int64_t micros);

/// Absent when the text is not a date of the years 0001 to 9999. Month and day may have one digit.
std::optional<int64_t> ParseDate(std::string_view text);

struct TimestampText {
  int64_t micros = 0;
  bool has_zone = false;
  bool is_exact = true;  // false: digits after the microseconds were cut
};
/// Reads RFC 3339, with 'T' or a space between date and time and up to nine digits of fraction. Without a zone it is
/// UTC.
std::optional<TimestampText> ReadTimestamp(std::string_view text);
/// The microseconds of ReadTimestamp.
std::optional<int64_t> ParseTimestamp(std::string_view text);

}  // namespace yummy
