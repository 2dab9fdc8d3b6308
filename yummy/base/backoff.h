#pragma once
// Pauses between tries.

#include <chrono>

#include "yummy/base/context.h"
#include "yummy/base/random.h"
#include "yummy/base/result.h"

namespace yummy {

/// Pauses with full jitter: each pause is random between zero and a bound. The bound doubles up to a limit.
class Backoff {
 public:
  Backoff(std::chrono::milliseconds first, std::chrono::milliseconds max, Random& random)
      : bound_(first), max_(max), random_(random) {}

  /// Errors: as Context::Sleep.
  Result<void> Wait(const Context& context);

 private:
  std::chrono::milliseconds bound_;
  std::chrono::milliseconds max_;
  Random& random_;
};

}  // namespace yummy
