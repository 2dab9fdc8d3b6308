#pragma once
// The signals that end the process: SIGINT, SIGTERM, and SIGHUP where it is not ignored.

#include <signal.h>

#include <chrono>
#include <functional>
#include <mutex>
#include <thread>

namespace yummy::server {

struct StopTimes {
  std::chrono::milliseconds finish{0};    // for what runs, after the first signal
  std::chrono::milliseconds abort{5000};  // then, or after the second one, for the rest
};

/// Waits for the signals on a thread of its own, so that nothing that hangs keeps them from ending the process. Without
/// a server the first one does. Else the first asks it to stop, the second to stop at once, the third ends the process,
/// as does the clock: some time after a stop that should have been over. An end by force says so on standard error and
/// exits with 1; locks of files go with the process, temporary files are left to the next start.
class StopSignals {
 public:
  /// Blocks the signals for the calling thread and all that it starts from now on, so it is made before any other
  /// thread. They stay blocked when it is gone: the process is about to end.
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// From now on there is a server: `stop` must not block.
  void Serve(std::function<void()> stop, StopTimes times);
  /// `stop` is not called any more when it returns; the clock goes on.
  void Served();

 private:
  void Run();

  sigset_t signals_;
  std::mutex mutex_;
  std::function<void()> stop_;  // guarded by mutex_
  StopTimes times_;             // guarded by mutex_
  bool serves_ = false;         // guarded by mutex_; a server is there, or was
  bool over_ = false;           // guarded by mutex_
  std::jthread thread_;         // last: it uses the rest
};

}  // namespace yummy::server
