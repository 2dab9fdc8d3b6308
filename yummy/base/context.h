#pragma once
// What a request passes to every blocking call: an absolute deadline, a stop token, its id and its start time.

#include <chrono>
#include <stop_token>
#include <string>

#include "yummy/base/result.h"

namespace yummy {

class Context {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Without a deadline, and never stopped: for start-up and tests.
  Context() = default;
  Context(Time deadline, std::stop_token stop, std::string request_id)
      : deadline_(deadline), stop_(std::move(stop)), request_id_(std::move(request_id)) {}

  Time deadline() const { return deadline_; }
  const std::stop_token& stop_token() const { return stop_; }
  const std::string& request_id() const { return request_id_; }

  /// When the request began. A state of a store that was seen at this time or later is recent enough for the request.
  /// Without a start, only a new question to the store is.
  Time start() const { return start_; }
  Context WithStart(Time start) const;

  /// A copy of this context whose deadline is at most `deadline`.
  Context WithDeadline(Time deadline) const;

  /// Errors: Cancelled (the stop was requested), DeadlineExceeded (reason QUERY_TIMEOUT).
  Result<void> Check() const;

  /// Waits until `duration` has passed. Returns early with the error of Check once there is one.
  Result<void> Sleep(std::chrono::milliseconds duration) const;

 private:
  Time deadline_ = Time::max();
  std::stop_token stop_;
  std::string request_id_;
  Time start_ = Time::max();
};

}  // namespace yummy
