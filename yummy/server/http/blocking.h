#pragma once
// Runs blocking work of a coroutine on a thread of a pool. The coroutine then continues on its own executor.

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "yummy/base/exception.h"
#include "yummy/base/executor.h"
#include "yummy/base/result.h"

namespace yummy::server {

constexpr std::chrono::milliseconds kRetryDelay{10};

/// Runs `body` and returns its result; an exception becomes the error of CaughtException. `body` may use the
/// coroutine's locals, because the coroutine waits for it and cannot be cancelled meanwhile.
template <typename Body>
boost::asio::awaitable<std::invoke_result_t<Body>> RunBlocking(Executor& pool, Body body) {
  namespace asio = boost::asio;
  std::optional<std::invoke_result_t<Body>> result;
  const auto home = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        // std::function must be copyable, but the handler can only be moved.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto resume = [shared, home] {
          // A coroutine that is never resumed would keep its connection for ever. So this tries until there is memory
          // to resume it.
          while (!CatchExceptions([&]() -> Result<void> {
                    asio::post(home, [shared] { (*shared)(); });
                    return {};
                  }).ok()) {
            std::this_thread::sleep_for(kRetryDelay);
          }
        };
        const auto submitted = pool.Submit([&result, &body, resume] {
          result.emplace(CatchExceptions(body));
          resume();
        });
        if (!submitted.ok()) {
          result.emplace(submitted.error());
          resume();
        }
      },
      asio::use_awaitable);
  co_return std::move(*result);
}

}  // namespace yummy::server
