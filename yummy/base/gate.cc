#include "yummy/base/gate.h"

#include <algorithm>

namespace yummy {

Result<Gate::Place> Gate::Enter(const Context& context) {
  TRY(context.Check());
  std::unique_lock lock(mutex_);
  const uint64_t ticket = tickets_++;
  waiting_.push_back(ticket);
  const bool has_entered = changed_.wait_until(lock, context.stop_token(), context.deadline(),
                                               [&] { return held_ < places_ && waiting_.front() == ticket; });
  std::erase(waiting_, ticket);
  if (has_entered) held_++;
  lock.unlock();
  changed_.notify_all();
  if (has_entered) return Place(*this);
  TRY(context.Check());
  // The clock of the wait ran a little ahead of the context's.
  return Error(ErrorCode::kDeadlineExceeded, "the request's deadline has passed").WithReason("QUERY_TIMEOUT");
}

void Gate::Leave() {
  {
    const std::lock_guard lock(mutex_);
    held_--;
  }
  changed_.notify_all();
}

size_t Gate::held() const {
  const std::lock_guard lock(mutex_);
  return held_;
}

size_t Gate::waiting() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace yummy
