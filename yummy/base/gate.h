#pragma once
// A bounded number of places, which are given out in the order of the requests.

#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "yummy/base/context.h"
#include "yummy/base/result.h"

namespace yummy {

/// Safe from several threads.
class Gate {
 public:
  /// `places` is at least 1.
  explicit Gate(size_t places) : places_(places) {}

  /// A place. It is held as long as this object lives.
  class Place {
   public:
    explicit Place(Gate& gate) : gate_(&gate) {}
    Place(Place&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    Gate* gate_;
  };

  /// Waits for a place, at most as long as the context allows. Errors: as Context::Check.
  Result<Place> Enter(const Context& context);

  /// Places that are held, and callers that wait for one.
  size_t held() const;
  size_t waiting() const;

 private:
  struct Waiter;
  void Leave();

  const size_t places_;
  mutable std::mutex mutex_;
  std::deque<Waiter*> waiting_;  // guarded by mutex_, as is held_
  size_t held_ = 0;
};

}  // namespace yummy
