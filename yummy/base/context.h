#pragma once
// What a request carries through every blocking call: an absolute deadline, a stop token, its id and when it began.

#include <chrono>
#include <stop_token>
#include <string>

#include "yummy/base/result.h"

namespace yummy {

class Context {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// No deadline, never stopped: start-up, tests.
  Context() = default;
  Context(Time deadline, std::stop_token stop, std::string request_id)
      : deadline_(deadline), stop_(std::move(stop)), request_id_(std::move(request_id)) {}

  Time deadline() const { return deadline_; }
  const std::stop_token& stop_token() const { return stop_; }
  const std::string& request_id() const { return request_id_; }

  /// What was seen of the world at this time or later is news to the request. Without a start: only what is asked now.
  Time start() const { return start_; }
  Context WithStart(Time start) const;

  /// This context with its deadline no later than `deadline`.
  Context WithDeadline(Time deadline) const;

  /// Errors: Cancelled (the stop was requested), DeadlineExceeded (reason QUERY_TIMEOUT).
  Result<void> Check() const;

  /// Waits until `duration` has passed. Errors: as Check, as soon as it applies.
  Result<void> Sleep(std::chrono::milliseconds duration) const;

 private:
  Time deadline_ = Time::max();
  std::stop_token stop_;
  std::string request_id_;
  Time start_ = Time::max();
};

}  // namespace yummy
