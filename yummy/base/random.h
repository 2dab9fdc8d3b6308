#pragma once
// Randomness as an argument, so that a test can repeat a run from its seed.

#include <cstdint>
#include <mutex>
#include <random>
#include <string>

namespace yummy {

/// Safe from several threads.
class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  uint64_t Next();
  /// Uniform in [0, bound); bound > 0.
  uint64_t Below(uint64_t bound);
  /// True with probability `chance` in [0, 1].
  bool Chance(double chance);
  /// A version 4 UUID in its lower-case text form (RFC 9562).
  std::string Uuid();

  /// Seeded by the operating system. Lives for ever.
  static Random& System();

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;  // guarded by mutex_
};

}  // namespace yummy
