#include "yummy/duck/state/watchdog.h"

namespace yummy::duck {

Watchdog::Watchdog() : thread_([this] { Run(); }) {}

Watchdog::~Watchdog() {
  {
    std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

uint64_t Watchdog::Watch(Context::Time deadline, duckdb::ClientContext& client) {
  if (deadline == Context::Time::max()) return 0;
  bool wake = false;
  uint64_t ticket = 0;
  {
    std::scoped_lock lock(mutex_);
    ticket = next_ticket_++;
    queue_.emplace(std::pair(deadline, ticket), &client);
    times_.emplace(ticket, deadline);
    // Later queries mostly have later deadlines. Then the thread already sleeps until an earlier one, and need not be
    // woken.
    wake = deadline < sleeps_until_;
  }
  if (wake) changed_.notify_one();
  return ticket;
}

void Watchdog::Forget(uint64_t ticket) {
  if (ticket == 0) return;
  std::scoped_lock lock(mutex_);
  auto found = times_.find(ticket);
  if (found == times_.end()) return;
  queue_.erase({found->second, ticket});
  times_.erase(found);
}

void Watchdog::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto now = std::chrono::steady_clock::now();
    while (!queue_.empty() && queue_.begin()->first.first <= now) {
      auto entry = queue_.extract(queue_.begin());
      // Interrupt only sets a flag, so it may be called under the lock. The lock keeps the client alive.
      entry.mapped()->Interrupt();
      entry.key().first = now + kRepeat;
      times_[entry.key().second] = entry.key().first;
      queue_.insert(std::move(entry));
    }
    // With an empty queue the thread sleeps until a query comes. Otherwise it sleeps until the first deadline, even if
    // that query ends before.
    sleeps_until_ = queue_.empty() ? Context::Time::max() : queue_.begin()->first.first;
    if (queue_.empty()) {
      changed_.wait(lock);
    } else {
      changed_.wait_until(lock, sleeps_until_);
    }
  }
}

}  // namespace yummy::duck
