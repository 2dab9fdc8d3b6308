#pragma once
// One client connection: reads requests, runs their routes and writes the answers. It lives on the server's I/O thread.

#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include "yummy/base/executor.h"
#include "yummy/lake/lake.h"
#include "yummy/server/http/admission.h"
#include "yummy/server/http/response.h"
#include "yummy/server/http/route.h"
#include "yummy/server/http/spool.h"

namespace yummy::server {

/// Shared by all connections.
struct Serving {
  lake::Lake& lake;
  std::span<const Route> routes;
  Executor read_pool;
  Executor write_pool;
  Admission reads;
  Admission writes;
  bool loopback = true;   // bound to a loopback address only
  bool stopping = false;  // connections take no further requests
};

class Connection {
 public:
  Connection(Serving& serving, boost::asio::ip::tcp::socket socket);

  /// Serves the connection to its end.
  boost::asio::awaitable<void> Serve();

  /// Closes the connection if it is between two requests. A running request continues.
  void CloseIfIdle();
  /// Closes the connection and ends its running request.
  void Abort();

 private:
  struct Exchange;
  class ClientWatch;
  class ReadTimer;
  boost::asio::awaitable<bool> ServeOne();
  boost::asio::awaitable<Result<bool>> ReadHeader(Exchange& exchange);
  boost::asio::awaitable<Result<void>> ReadBody(Exchange& exchange);
  boost::asio::awaitable<Result<Response>> RunRoute(Exchange& exchange);
  boost::asio::awaitable<std::unique_ptr<Spool>> Collect(Exchange& exchange, Response& response);
  static std::string HeadOf(const Exchange& exchange, const Response& response, std::optional<uint64_t> body_bytes);
  boost::asio::awaitable<bool> SendWhole(Exchange& exchange, const Response& response, Spool* collected);
  boost::asio::awaitable<void> Send(Exchange& exchange, Response response);
  boost::asio::awaitable<bool> SendStream(Exchange& exchange, Response& response);
  boost::asio::awaitable<bool> Write(Exchange& exchange, std::string_view first, std::string_view second);
  boost::asio::awaitable<void> Linger();

  Serving& serving_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;  // bytes read beyond the current request; bounded
  std::stop_source stop_;             // ends the running request
  bool idle_ = true;
};

}  // namespace yummy::server
