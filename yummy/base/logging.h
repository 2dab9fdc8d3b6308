#pragma once
// The program's log: one line an event, on standard error, text by fmt. Levels as spdlog has them.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "yummy/base/result.h"

namespace yummy {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// Errors: InvalidArgument (the name is none of trace, debug, info, warn, error, off).
Result<LogLevel> ParseLogLevel(std::string_view name);
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view text);

template <typename... Args>
void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level)) LogLine(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace yummy
