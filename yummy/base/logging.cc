#include "yummy/base/logging.h"

#include <array>
#include <atomic>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "yummy/base/text.h"

namespace yummy {

namespace {
constexpr std::array<std::string_view, 6> kLevelNames = {"trace", "debug", "info", "warn", "error", "off"};
std::atomic<LogLevel> current_level = LogLevel::kInfo;

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  constexpr std::array kLevels = {spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                                  spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};
  return kLevels[static_cast<size_t>(level)];
}

spdlog::logger& Logger() {
  static const auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("yummy", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}
}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); i++) {
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("unknown log level '{}': expected one of {}", name, fmt::join(kLevelNames, ", ")));
}

void SetLogLevel(LogLevel level) { current_level = level; }
bool LogEnabled(LogLevel level) {
  return level >= current_level.load(std::memory_order_relaxed) && level != LogLevel::kOff;
}
void LogLine(LogLevel level, std::string_view text) { Logger().log(ToSpdlog(level), LogText(text)); }

}  // namespace yummy
