#include "yummy/server/http/http_server.h"

#include <list>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "yummy/base/exception.h"
#include "yummy/base/logging.h"
#include "yummy/server/http/connection.h"

namespace yummy::server {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr auto kAcceptPause = std::chrono::milliseconds(50);  // after accept found no free descriptor

Serving MakeServing(lake::Lake& lake, std::span<const Route> routes) {
  const auto& config = lake.config();
  const auto& limits = config.limits;
  const auto wait = std::chrono::seconds(limits.queue_seconds);
  // A streamed answer queues a task for each piece while other requests hold the threads. The queue has room for both.
  const size_t tasks_max = limits.connections + limits.queries + limits.queries_queued;
  return Serving{.lake = lake,
                 .routes = routes,
                 .read_pool = {config.server.workers, tasks_max},
                 .write_pool = {config.server.workers, tasks_max},
                 .reads = {limits.queries, limits.queries_queued, wait},
                 .writes = {config.server.workers, limits.queries_queued, wait}};
}
}  // namespace

struct HttpServer::State {
  State(lake::Lake& lake, std::span<const Route> routes)
      : serving(MakeServing(lake, routes)), acceptor(io), stop_timer(io) {}

  asio::io_context io{1};  // one thread runs it: connections need no locks
  Serving serving;
  tcp::acceptor acceptor;
  asio::steady_timer stop_timer;
  std::list<Connection> connections;
  int stops = 0;

  asio::awaitable<void> Accept();
  asio::awaitable<void> Serve(tcp::socket socket);
  void StopOnce();
  void EndIfDone();
};

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(lake::Lake& lake, std::span<const Route> routes) {
  const auto& config = lake.config().server;
  auto state = std::make_unique<State>(lake, routes);
  const std::string where = fmt::format("{}:{}", config.host, config.port);
  error_code error;
  tcp::resolver resolver(state->io);
  const auto endpoints = resolver.resolve(config.host, std::to_string(config.port), tcp::resolver::passive, error);
  if (error || endpoints.empty()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("cannot listen on {}: {}", where, error.message()));
  }
  const tcp::endpoint endpoint = *endpoints.begin();
  if (config.auth_required) {
    return Error(ErrorCode::kUnsupported,
                 "auth.required is set, and this version has no authentication: it would let everyone in");
  }
  state->serving.loopback = endpoint.address().is_loopback();
  auto& acceptor = state->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return Error(ErrorCode::kUnavailable, fmt::format("cannot listen on {}: {}", where, error.message()))
        .WithReason(Reason::kCannotListen);
  if (!state->serving.loopback) {
    Log(LogLevel::kWarn,
        "listening on {} without authentication: everyone who reaches this port can read and write every table", where);
  }
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

uint16_t HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

asio::awaitable<void> HttpServer::State::Accept() {
  while (acceptor.is_open()) {
    std::string failure;
    try {
      error_code error;
      tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error == asio::error::operation_aborted || !acceptor.is_open()) co_return;
      if (!error && connections.size() >= serving.lake.config().limits.connections) continue;  // closes the socket
      if (!error) {
        asio::co_spawn(io, Serve(std::move(socket)), asio::detached);
        continue;
      }
      failure = error.message();
    } catch (...) {
      failure = CaughtException().ToString();
    }
    Log(LogLevel::kWarn, "cannot accept a connection: {}", failure);
    error_code ignored;
    asio::steady_timer pause(io, kAcceptPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// However the coroutine ends, even if it is destroyed while it waits, its connection must be removed. Otherwise the
// connection would keep its socket, and the server could not stop.
asio::awaitable<void> HttpServer::State::Serve(tcp::socket socket) {
  if (stops > 0) co_return;
  struct Entry {
    State& state;
    std::list<Connection>::iterator connection;
    ~Entry() {
      state.connections.erase(connection);
      state.EndIfDone();
    }
  } const entry{*this, connections.emplace(connections.end(), serving, std::move(socket))};
  try {
    co_await entry.connection->Serve();
  } catch (...) {
    Log(LogLevel::kError, "a connection is closed: {}", CaughtException().ToString());
  }
}

void HttpServer::State::EndIfDone() {
  if (stops == 0 || !connections.empty()) return;
  stop_timer.cancel();
}

void HttpServer::State::StopOnce() {
  Log(LogLevel::kInfo, "{}", stops == 0 ? "stopping: running requests may finish" : "stopping at once");
  stops++;
  serving.stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  const auto abort = [this] {
    for (auto& connection : connections) connection.Abort();
  };
  if (stops > 1) {
    abort();
    return;
  }
  for (auto& connection : connections) connection.CloseIfIdle();
  stop_timer.expires_after(std::chrono::seconds(serving.lake.config().limits.stop_seconds));
  stop_timer.async_wait([abort](error_code error) {
    if (!error) abort();
  });
  EndIfDone();
}

void HttpServer::Run() {
  asio::co_spawn(state_->io, state_->Accept(), asio::detached);
  while (true) {
    try {
      state_->io.run();
      return;
    } catch (...) {  // thrown by a handler; its work is lost
      Log(LogLevel::kError, "a step of the server failed: {}", CaughtException().ToString());
    }
  }
}

void HttpServer::Stop() {
  asio::post(state_->io, [state = state_.get()] { state->StopOnce(); });
}

}  // namespace yummy::server
