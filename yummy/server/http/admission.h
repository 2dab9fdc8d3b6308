#pragma once
// Bounds how many requests of a kind run and how many wait; further ones are refused immediately. Use it on the
// server's I/O thread only.

#include <chrono>
#include <cstddef>
#include <list>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "yummy/base/result.h"

namespace yummy::server {

class Admission {
 public:
  Admission(size_t running_max, size_t queued_max, std::chrono::milliseconds wait_max)
      : running_max_(running_max), queued_max_(queued_max), wait_max_(wait_max) {}

  /// A place among the running requests. The destructor gives it back.
  class Permit {
   public:
    explicit Permit(Admission* admission) : admission_(admission) {}
    Permit(Permit&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (admission_ != nullptr) admission_->Release();
    }

   private:
    Admission* admission_;
  };

  /// Errors: ResourceExhausted (reason TOO_MANY_REQUESTS): the queue is full, or the wait took too long.
  boost::asio::awaitable<Result<Permit>> Acquire();

 private:
  struct Waiter {
    boost::asio::steady_timer timer;
    bool granted = false;
  };
  void Release();

  size_t running_max_;
  size_t queued_max_;
  std::chrono::milliseconds wait_max_;
  size_t running_ = 0;
  std::list<Waiter> waiters_;
};

}  // namespace yummy::server
