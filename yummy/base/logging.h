#pragma once
// The program's log on standard error: one line per event, formatted by fmt. It has spdlog's levels.

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "yummy/base/result.h"

namespace yummy {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kOff };

/// Errors: InvalidArgument (the name is not trace, debug, info, warn, error or off).
Result<LogLevel> ParseLogLevel(std::string_view name);
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view text);

template <typename... Args>
void Log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (LogEnabled(level)) LogLine(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace yummy
