#include "yummy/base/executor.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "yummy/base/exception.h"
#include "yummy/base/logging.h"

namespace yummy {

struct Executor::State {
  size_t queue_max = 0;
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> queue;  // guarded by mutex
  bool stopping = false;                    // guarded by mutex
  std::vector<std::jthread> threads;

  void Run() {
    while (true) {
      std::function<void()> task;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || !queue.empty(); });
        if (queue.empty()) return;
        task = std::move(queue.front());
        queue.pop_front();
      }
      try {
        task();
      } catch (...) {  // nobody waits for the task; one that owes an answer catches its exceptions itself
        Log(LogLevel::kError, "a task of a pool ended with {}", CaughtException().ToString());
      }
    }
  }
};

Executor::Executor(size_t threads, size_t queue_max) : state_(std::make_unique<State>()) {
  state_->queue_max = queue_max;
  state_->threads.reserve(threads);
  for (size_t i = 0; i < threads; i++) {
    state_->threads.emplace_back([state = state_.get()] { state->Run(); });
  }
}

Executor::~Executor() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  state_->threads.clear();  // joins
}

size_t Executor::threads() const { return state_->threads.size(); }

Result<void> Executor::Submit(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->queue.size() >= state_->queue_max) {
      return Error(ErrorCode::kResourceExhausted, "too many tasks wait for a thread");
    }
    state_->queue.push_back(std::move(task));
  }
  state_->wake.notify_one();
  return {};
}

namespace {
// One ParallelFor. The caller and its queued tasks share it, because some tasks may start long after it is over.
struct Loop {
  std::function<void(size_t)> body;
  size_t count = 0;
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  std::condition_variable finished;
  size_t done = 0;               // guarded by mutex
  std::exception_ptr exception;  // guarded by mutex; the first one

  void Run() {
    size_t ran = 0;
    std::exception_ptr caught;
    for (size_t i = next++; i < count; i = next++) {
      try {
        body(i);
      } catch (...) {
        if (!caught) caught = std::current_exception();
      }
      ran++;
    }
    if (ran == 0) return;
    const std::lock_guard lock(mutex);
    if (!exception) exception = caught;
    done += ran;
    if (done == count) finished.notify_all();
  }
};
}  // namespace

void Executor::ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  if (count == 0) return;
  auto loop = std::make_shared<Loop>();
  loop->body = body;
  loop->count = count;
  for (size_t i = 0; i < std::min(count - 1, threads()); i++) {
    if (!Submit([loop] { loop->Run(); }).ok()) break;
  }
  loop->Run();
  std::unique_lock lock(loop->mutex);
  loop->finished.wait(lock, [&] { return loop->done == count; });
  if (loop->exception) std::rethrow_exception(loop->exception);
}

Result<void> ForEachInParallel(Executor* executor, size_t count, const std::function<Result<void>(size_t)>& body) {
  if (executor == nullptr || count < 2) {
    for (size_t i = 0; i < count; i++) TRY(body(i));
    return {};
  }
  std::vector<std::optional<Error>> errors(count);
  executor->ParallelFor(count, [&](size_t i) {
    auto result = body(i);
    if (!result.ok()) errors[i] = std::move(result).error();
  });
  for (std::optional<Error>& error : errors) {
    if (error) return std::move(*error);
  }
  return {};
}

}  // namespace yummy
