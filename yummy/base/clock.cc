#include "yummy/base/clock.h"

#include <chrono>

namespace yummy {

namespace {
class SystemClock final : public Clock {
 public:
  int64_t now_micros() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  }
};
}  // namespace

const Clock& Clock::System() {
  static const SystemClock clock;
  return clock;
}

}  // namespace yummy
