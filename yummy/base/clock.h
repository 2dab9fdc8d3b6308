#pragma once
// Time as an argument, so that tests decide what time it is.

#include <atomic>
#include <cstdint>

namespace yummy {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Microseconds since the epoch, UTC.
  virtual int64_t now_micros() const = 0;
  int64_t now_millis() const { return now_micros() / 1000; }

  /// The machine's clock. Lives for ever.
  static const Clock& System();
};

/// A clock that stands still until a test moves it. Safe from several threads.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t now_micros) : now_micros_(now_micros) {}
  int64_t now_micros() const override { return now_micros_.load(); }
  void Advance(int64_t micros) { now_micros_ += micros; }

 private:
  std::atomic<int64_t> now_micros_;
};

}  // namespace yummy
