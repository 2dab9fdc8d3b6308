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
  /// Finishes the queued tasks, then joins the threads.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs `task` on a thread of the pool. Never blocks. Safe from several threads. An exception of the task is logged.
  /// Errors: ResourceExhausted (the queue is full).
  Result<void> Submit(std::function<void()> task);

  /// Runs body(0) … body(count - 1) on the pool and on the calling thread; returns when all have run.
  /// Every index runs even when the queue is full, because the calling thread then does the work itself. An exception
  /// of a body is rethrown here once all have run. May be called from a thread of the pool.
  void ParallelFor(size_t count, const std::function<void(size_t)>& body);

  size_t threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs body(0) … body(count - 1), on the executor if there is one. Returns the error with the lowest index.
Result<void> ForEachInParallel(Executor* executor, size_t count, const std::function<Result<void>(size_t)>& body);

}  // namespace yummy
