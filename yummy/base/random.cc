#include "yummy/base/random.h"

#include <cassert>

#include <fmt/format.h>

namespace yummy {

uint64_t Random::Next() {
  const std::lock_guard lock(mutex_);
  return engine_();
}

uint64_t Random::Below(uint64_t bound) {
  assert(bound > 0);
  const std::lock_guard lock(mutex_);
  return std::uniform_int_distribution<uint64_t>(0, bound - 1)(engine_);
}

bool Random::Chance(double chance) {
  const std::lock_guard lock(mutex_);
  return std::uniform_real_distribution<double>(0.0, 1.0)(engine_) < chance;
}

std::string Random::Uuid() {
  const uint64_t high = (Next() & ~0xF000ULL) | 0x4000ULL;
  const uint64_t low = (Next() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF, high & 0xFFFF, low >> 48,
                     low & 0xFFFFFFFFFFFFULL);
}

Random& Random::System() {
  static Random random([] {
    std::random_device device;
    return (static_cast<uint64_t>(device()) << 32) | device();
  }());
  return random;
}

}  // namespace yummy
