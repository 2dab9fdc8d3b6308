#include "yummy/server/http/admission.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace yummy::server {

namespace asio = boost::asio;

asio::awaitable<Result<Admission::Permit>> Admission::Acquire() {
  if (running_ < running_max_ && waiters_.empty()) {
    running_++;
    co_return Permit(this);
  }
  if (waiters_.size() >= queued_max_) {
    co_return Error(ErrorCode::kResourceExhausted, "too many requests run and wait already")
        .WithReason(Reason::kTooManyRequests);
  }
  waiters_.push_back({asio::steady_timer(co_await asio::this_coro::executor, wait_max_)});
  const auto waiter = std::prev(waiters_.end());
  boost::system::error_code ignored;  // the timer is cancelled when a place becomes free
  co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  const bool granted = waiter->granted;
  waiters_.erase(waiter);
  if (!granted) {
    co_return Error(ErrorCode::kResourceExhausted, "too many requests run already: the wait for a place took too long")
        .WithReason(Reason::kTooManyRequests);
  }
  co_return Permit(this);
}

void Admission::Release() {
  // The place goes straight to the first waiter, so that no other request overtakes it.
  for (auto& waiter : waiters_) {
    if (waiter.granted) continue;
    waiter.granted = true;
    waiter.timer.cancel();
    return;
  }
  running_--;
}

}  // namespace yummy::server
