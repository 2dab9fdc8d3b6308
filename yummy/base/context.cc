#include "yummy/base/context.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace yummy {

Context Context::WithDeadline(Time deadline) const {
  Context result = *this;
  result.deadline_ = std::min(deadline_, deadline);
  return result;
}

Context Context::WithStart(Time start) const {
  Context result = *this;
  result.start_ = start;
  return result;
}

Result<void> Context::Check() const {
  if (stop_.stop_requested()) return Error(ErrorCode::kCancelled, "the request was cancelled");
  if (deadline_ != Time::max() && std::chrono::steady_clock::now() >= deadline_) {
    return Error(ErrorCode::kDeadlineExceeded, "the request's deadline has passed").WithReason(Reason::kQueryTimeout);
  }
  return {};
}

Result<void> Context::Sleep(std::chrono::milliseconds duration) const {
  TRY(Check());
  const Time end = std::chrono::steady_clock::now() + duration;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_until(lock, stop_, std::min(end, deadline_), [] { return false; });
  return Check();
}

}  // namespace yummy
