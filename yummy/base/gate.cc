#include "yummy/base/gate.h"

#include <condition_variable>

namespace yummy {

// Each waits for itself: one that leaves would wake all the others for the sake of the first.
struct Gate::Waiter {
  std::condition_variable_any let_in;
  bool has_place = false;
};

Result<Gate::Place> Gate::Enter(const Context& context) {
  TRY(context.Check());
  std::unique_lock lock(mutex_);
  if (held_ < places_) {
    held_++;
    return Place(*this);
  }
  Waiter waiter;
  waiting_.push_back(&waiter);
  if (waiter.let_in.wait_until(lock, context.stop_token(), context.deadline(), [&] { return waiter.has_place; }))
    return Place(*this);
  std::erase(waiting_, &waiter);
  lock.unlock();
  TRY(context.Check());
  // The clock of the wait ran a little ahead of the context's.
  return Error(ErrorCode::kDeadlineExceeded, "the request's deadline has passed").WithReason(Reason::kQueryTimeout);
}

// The place goes to the first that waits, who may be gone as soon as the lock is free.
void Gate::Leave() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    held_--;
    return;
  }
  Waiter& first = *waiting_.front();
  waiting_.pop_front();
  first.has_place = true;
  first.let_in.notify_one();
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
