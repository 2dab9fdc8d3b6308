#pragma once
// Handles the signals that end the process: SIGINT, SIGTERM, and SIGHUP unless it is ignored.

#include <signal.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace yummy::server {

struct StopTimes {
  std::chrono::milliseconds finish{0};    // after the first signal, for running requests to finish
  std::chrono::milliseconds abort{5000};  // after that or after the second signal, for requests that are ended
};

/// Waits for the signals on a thread of its own, so that they end the process even if other threads hang. Without a
/// server the first signal ends the process. With one, the first signal asks it to stop, the second to stop at once,
/// and the third ends the process. The process also ends some time after a stop that should have been over. A forced
/// end is reported on standard error, with exit code 1. File locks go with the process; temporary files are left to the
/// next start.
class StopSignals {
 public:
  /// Blocks the signals for the calling thread and all threads that it starts from now on. So construct it before any
  /// other thread starts. The signals stay blocked after its destruction, because the process is about to end.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Registers the server. `stop` asks it to stop and must not block.
  void Serve(std::function<void()> stop, StopTimes times);
  /// After it returns, `stop` is not called any more. The time limit of the stop still holds.
  void Served();

 private:
  void Run();

  sigset_t signals_;
  std::mutex mutex_;
  std::function<void()> stop_;  // guarded by mutex_
  StopTimes times_;             // guarded by mutex_
  bool serves_ = false;         // guarded by mutex_; true from Serve() on
  bool over_ = false;           // guarded by mutex_
  std::jthread thread_;         // last: it uses the rest
};

}  // namespace yummy::server
