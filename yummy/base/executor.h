#pragma once
// A bounded pool of threads for blocking work.

#include <cstddef>
#include <functional>
#include <memory>

#include "yummy/base/result.h"

namespace yummy {

class Executor {
 public:
  /// `queue_max` bounds the tasks that wait for a thread.
  Executor(size_t threads, size_t queue_max);
  /// Finishes the tasks that are queued, then joins.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs `task` on a thread of the pool. Never blocks. Safe from several threads. What it throws is logged.
  /// Errors: ResourceExhausted (the queue is full).
  Result<void> Submit(std::function<void()> task);

  /// Runs body(0) … body(count - 1) on the pool and on the calling thread; returns when all have run.
  /// Every index runs even when the queue is full: the caller does the work itself then. What a body throws is thrown
  /// again here, once all have run. May be called from a thread of the pool.
  void ParallelFor(size_t count, const std::function<void(size_t)>& body);

  size_t threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs body(0) … body(count - 1), by the executor when there is one, and returns the first error by index.
Result<void> ForEachInParallel(Executor* executor, size_t count, const std::function<Result<void>(size_t)>& body);

}  // namespace yummy
