#pragma once
// Blocking work of a coroutine: it runs on a pool's thread, the coroutine goes on where it was.

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

/// What `body` returns; an exception of it is an error, as CaughtException tells it. `body` may use the coroutine's
/// locals: the coroutine waits for it and cannot be cancelled meanwhile.
template <typename Body>
boost::asio::awaitable<std::invoke_result_t<Body>> RunBlocking(Executor& pool, Body body) {
  namespace asio = boost::asio;
  std::optional<std::invoke_result_t<Body>> result;
  const auto home = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&](auto handler) {
        // std::function wants to be copied, the handler can only be moved.
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        const auto resume = [shared, home] {
          // A coroutine that is never told would keep its connection for ever: it is told as soon as there is memory
          // for that.
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
