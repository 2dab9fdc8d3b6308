#include "yummy/server/http/stop_signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include <fmt/format.h>

namespace yummy::server {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kForcedExitCode = 1;

// The log itself may hang. So the last message bypasses it, and is written only if that cannot block.
[[noreturn]] void EndProcess(std::string_view why) {
  const std::string words = fmt::format("yummy: the process ends by force: {}\n", why);
  pollfd log{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&log, 1, 0) > 0) [[maybe_unused]]
    const ssize_t ignored = ::write(STDERR_FILENO, words.data(), words.size());
  ::_exit(kForcedExitCode);
}

// False if the time is over and no signal came.
bool Wait(const sigset_t& signals, const std::optional<Clock::time_point>& until) {
  while (true) {
    int signal = 0;
    if (!until) {
      signal = ::sigwaitinfo(&signals, nullptr);
    } else {
      const auto left = std::max(Clock::duration::zero(), *until - Clock::now());
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
      const timespec timeout{.tv_sec = seconds.count(),
                             .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(left - seconds).count()};
      signal = ::sigtimedwait(&signals, nullptr, &timeout);
    }
    if (signal > 0) return true;
    if (errno == EAGAIN) return false;
  }
}

}  // namespace

StopSignals::StopSignals() {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGINT);
  ::sigaddset(&signals_, SIGTERM);
  struct sigaction hangup{};
  ::sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) ::sigaddset(&signals_, SIGHUP);  // nohup ignores it
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::jthread([this] { Run(); });
}

StopSignals::~StopSignals() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // wakes the thread
}

void StopSignals::Serve(std::function<void()> stop, StopTimes times) {
  const std::lock_guard lock(mutex_);
  stop_ = std::move(stop);
  times_ = times;
  serves_ = true;
}

void StopSignals::Served() {
  const std::lock_guard lock(mutex_);
  stop_ = nullptr;
}

void StopSignals::Run() {
  std::optional<Clock::time_point> end;
  int count = 0;
  while (true) {
    if (!Wait(signals_, end)) EndProcess("something that runs does not stop");
    const std::lock_guard lock(mutex_);
    if (over_) return;
    if (!serves_) EndProcess("it was told to stop before it served");
    if (++count > 2) EndProcess("it was told to stop again and again");
    if (stop_) stop_();  // under the lock, so that the server still exists
    const auto time = Clock::now() + (count == 1 ? times_.finish + times_.abort : times_.abort);
    end = end ? std::min(*end, time) : time;
  }
}

}  // namespace yummy::server
