#pragma once
// Interrupts queries at their deadline, because DuckDB has no time limit of its own.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "yummy/base/context.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// One thread for all queries of a database. Safe from several threads.
class Watchdog {
 public:
  Watchdog();
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Interrupts `client` at the deadline, and again and again until Forget, because DuckDB drops an interrupt when a
  /// statement begins. Returns a ticket for Forget; 0 if there is no deadline.
  uint64_t Watch(Context::Time deadline, duckdb::ClientContext& client);
  /// After it returns, the client is not used any more.
  void Forget(uint64_t ticket);

 private:
  void Run();

  static constexpr std::chrono::milliseconds kRepeat{20};

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;                                                       // guarded by mutex_
  uint64_t next_ticket_ = 1;                                                    // guarded by mutex_
  Context::Time sleeps_until_ = Context::Time::min();                           // guarded by mutex_
  std::map<std::pair<Context::Time, uint64_t>, duckdb::ClientContext*> queue_;  // guarded by mutex_
  std::unordered_map<uint64_t, Context::Time> times_;                           // guarded by mutex_
  std::thread thread_;
};

/// As long as it lives, `client` is interrupted at the deadline and at the stop of `context`.
class QueryWatch {
 public:
  QueryWatch(Watchdog& watchdog, const Context& context, duckdb::ClientContext& client)
      : watchdog_(watchdog),
        ticket_(watchdog.Watch(context.deadline(), client)),
        stop_(context.stop_token(), Interrupt{client}) {}
  ~QueryWatch() { watchdog_.Forget(ticket_); }
  QueryWatch(const QueryWatch&) = delete;
  QueryWatch& operator=(const QueryWatch&) = delete;

 private:
  struct Interrupt {
    duckdb::ClientContext& client;
    void operator()() const { client.Interrupt(); }
  };
  Watchdog& watchdog_;
  const uint64_t ticket_;
  std::stop_callback<Interrupt> stop_;
};

}  // namespace yummy::duck
