#include "yummy/base/backoff.h"

#include <algorithm>
#include <cstdint>

namespace yummy {

Result<void> Backoff::Wait(const Context& context) {
  const uint64_t pause = random_.Below(static_cast<uint64_t>(std::max<int64_t>(bound_.count(), 0)) + 1);
  bound_ = std::min(bound_ * 2, max_);
  return context.Sleep(std::chrono::milliseconds(pause));
}

}  // namespace yummy
