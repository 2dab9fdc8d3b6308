#include "yummy/server/http/connection.h"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <fmt/format.h>

#include "yummy/base/exception.h"
#include "yummy/base/logging.h"
#include "yummy/base/random.h"
#include "yummy/base/text.h"
#include "yummy/server/http/blocking.h"
#include "yummy/server/http/header_check.h"
#include "yummy/server/http/problem.h"
#include "yummy/server/http/spool.h"

// GCC 12 wrongly warns about Asio's recycling allocator for coroutine frames (its bug 103993).
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"

namespace yummy::server {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::steady_clock;

namespace {

constexpr size_t kReadBytes = 64 << 10;
constexpr size_t kSpoolMemoryBytes = 1 << 20;  // a streamed body up to this size stays in memory
constexpr size_t kLingerBytesMax = 256 << 10;  // after an early answer so much is read before the connection is closed
constexpr auto kLingerTime = std::chrono::seconds(1);
constexpr size_t kRequestIdBytesMax = 128;
constexpr auto kLookPause = std::chrono::milliseconds(100);  // between two checks that the client is still there

std::string HttpDate() {
  std::array<char, 40> text{};
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  const size_t length = ::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), length};
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsVisibleAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

uint32_t HeaderBytesMax(const lake::LimitsConfig& limits) {
  return static_cast<uint32_t>(std::min<uint64_t>(limits.uri_bytes + limits.header_bytes + 1024, UINT32_MAX));
}

// The lines of the header; for a body that was read, the trailers after it.
std::vector<HeaderLine> LinesOf(const http::fields& fields) {
  std::vector<HeaderLine> lines;
  const auto view = [](auto text) { return std::string_view(text.data(), text.size()); };
  for (const auto& field : fields) lines.push_back({view(field.name_string()), view(field.value())});
  return lines;
}

// The buffer holds the parts of a request that are parsed as a whole: the header, the line of a chunk, the trailers. It
// also holds bytes that were read together with them.
size_t BufferBytesMax(const lake::LimitsConfig& limits) { return HeaderBytesMax(limits) + kReadBytes; }

// The parser gives the same error for everything after the target that is not one of the two versions. This tells
// another HTTP version from other text.
bool NamesAnotherVersion(std::string_view begin) {
  const std::string_view line = begin.substr(0, begin.find('\n'));
  constexpr std::string_view kVersion = " HTTP/1.1\r";
  if (line.size() < kVersion.size() || std::count(line.begin(), line.end(), ' ') != 2) return false;
  const std::string_view version = line.substr(line.size() - kVersion.size());
  return version.starts_with(" HTTP/") && IsDigit(version[6]) && version[7] == '.' && IsDigit(version[8]) &&
         version[9] == '\r';
}

Error ReadError(const error_code& error, std::string_view begin = {}) {
  if (error == beast::error::timeout) {
    return Error(ErrorCode::kResourceExhausted, "the request did not arrive in time")
        .WithReason(Reason::kRequestTimeout);
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Error(ErrorCode::kInvalidArgument, "the header is larger than the limit")
        .WithReason(Reason::kHeadersTooLarge);
  }
  if (error == http::error::bad_version && NamesAnotherVersion(begin)) {
    return Error(ErrorCode::kInvalidArgument, "the only versions are HTTP/1.0 and HTTP/1.1")
        .WithReason(Reason::kHttpVersion);
  }
  return Error(ErrorCode::kInvalidArgument, fmt::format("not a request: {}", error.message()))
      .WithReason(Reason::kBadFraming);
}

}  // namespace

// One request and its answer.
struct Connection::Exchange {
  std::optional<http::request_parser<http::buffer_body>> parser;
  Request request;
  std::string target;  // for the log: the path without its query
  std::string request_id;
  std::string trace_parent;
  const Route* route = nullptr;
  bool head = false;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool answered = false;  // the answer has begun
  bool given_up = false;  // nobody waits for the answer
  steady_clock::time_point started;
  uint64_t bytes_sent = 0;
  // Of an answer that streams: held until its last piece is sent.
  std::unique_ptr<ClientWatch> watch;
  std::optional<Admission::Permit> permit;

  uint64_t BodyBytesMax(const lake::LimitsConfig& limits) const {
    const bool streamed = route->body == BodyKind::kRows && request.content_type == kArrowStream;
    return streamed ? limits.stream_body_bytes : limits.json_body_bytes;
  }
};

// Requests a stop if the client disconnects while its request runs. It uses nothing of the connection after its end.
class Connection::ClientWatch {
 public:
  ClientWatch(asio::ip::tcp::socket& socket, std::stop_source stop)
      : socket_(socket), state_(std::make_shared<State>(socket, std::move(stop))) {
    socket.async_wait(asio::ip::tcp::socket::wait_read, [state = state_](error_code error) {
      if (!error) Look(state);
    });
  }
  ~ClientWatch() {
    state_->active = false;
    state_->again.cancel();
    error_code ignored;
    socket_.cancel(ignored);
  }
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;

 private:
  struct State {
    State(asio::ip::tcp::socket& socket, std::stop_source stop_of_request)
        : file(socket.native_handle()), stop(std::move(stop_of_request)), again(socket.get_executor()) {}
    bool active = true;
    int file;
    std::stop_source stop;
    asio::steady_timer again;
  };

  // A closed or reset connection is visible even if the client has sent further bytes before. Such bytes are the next
  // request and stay in the socket. They would end a wait for readability at once, so the check is repeated by a timer.
  static void Look(const std::shared_ptr<State>& state) {
    if (!state->active) return;
    pollfd client{.fd = state->file, .events = POLLRDHUP, .revents = 0};
    if (::poll(&client, 1, 0) > 0) {
      state->stop.request_stop();
      return;
    }
    state->again.expires_after(kLookPause);
    state->again.async_wait([state](error_code error) {
      if (!error) Look(state);
    });
  }

  asio::ip::tcp::socket& socket_;
  std::shared_ptr<State> state_;  // shared: a handler may run after the watch is gone
};

// Cancels reads when the time is over. The socket stays open for the answer that says so; the stream's own timer would
// close it.
class Connection::ReadTimer {
 public:
  ReadTimer(beast::tcp_stream& stream, std::chrono::seconds after) : timer_(stream.get_executor(), after) {
    stream.expires_never();
    timer_.async_wait([state = state_, &socket = stream.socket()](error_code error) {
      if (error || !state->active) return;
      state->over = true;
      error_code ignored;
      socket.cancel(ignored);
    });
  }
  ~ReadTimer() { state_->active = false; }
  ReadTimer(const ReadTimer&) = delete;
  ReadTimer& operator=(const ReadTimer&) = delete;

  /// The real error of a read: a time-out if the timer cancelled it.
  error_code Explain(error_code error) const {
    return error && state_->over ? error_code(beast::error::timeout) : error;
  }

 private:
  struct State {
    bool active = true;
    bool over = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();  // shared: the handler may run after the timer is gone
  asio::steady_timer timer_;
};

Connection::Connection(Serving& serving, asio::ip::tcp::socket socket)
    : serving_(serving), stream_(std::move(socket)), buffer_(BufferBytesMax(serving.lake.config().limits)) {
  error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Connection::CloseIfIdle() {
  if (idle_) stream_.close();
}

void Connection::Abort() {
  stop_.request_stop();
  stream_.close();
}

asio::awaitable<void> Connection::Serve() {
  bool more = true;
  while (more) {
    more = co_await ServeOne();
  }
  co_await Linger();
}

// Makes sure that the answer to a refused request arrives: before the socket is closed, what the client still sends is
// read for a while. Otherwise a reset could destroy the answer.
asio::awaitable<void> Connection::Linger() {
  error_code error;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
  stream_.expires_after(kLingerTime);
  std::string bytes(kReadBytes, '\0');
  size_t dropped = 0;
  while (!error && dropped < kLingerBytesMax) {
    dropped += co_await stream_.async_read_some(asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  }
  stream_.close();
}

// True when another request may follow.
asio::awaitable<bool> Connection::ServeOne() {
  Exchange exchange;
  const auto& limits = serving_.lake.config().limits;
  error_code error;
  if (buffer_.size() == 0) {
    idle_ = true;
    stream_.expires_after(std::chrono::seconds(limits.keep_alive_seconds));
    const size_t count =
        co_await stream_.async_read_some(buffer_.prepare(kReadBytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    buffer_.commit(count);
  }
  idle_ = false;
  exchange.started = steady_clock::now();
  auto header = co_await ReadHeader(exchange);
  if (header.ok() && !*header) co_return false;  // the client left without a request

  Result<Response> response = header.ok() ? Result<Response>(Response{}) : Result<Response>(std::move(header).error());
  if (response.ok()) {
    try {
      response = co_await RunRoute(exchange);
    } catch (...) {
      if (exchange.answered) throw;  // an answer that has begun cannot become another one
      response = CaughtException();
      exchange.keep_alive = false;
    }
  }
  if (!response.ok()) {
    const Error& failure = response.error();
    exchange.given_up = failure.code() == ErrorCode::kCancelled;
    if (exchange.given_up) exchange.keep_alive = false;
    Response problem;
    problem.status = HttpStatus(failure);
    problem.content_type = "application/problem+json";
    problem.body = ProblemJson(failure, exchange.request_id);
    if (const auto allow = failure.detail("allow"); !allow.empty()) problem.headers.emplace_back("Allow", allow);
    if (problem.status == 503) problem.headers.emplace_back("Retry-After", "1");
    if (problem.status >= 500) Log(LogLevel::kWarn, "request {} failed: {}", exchange.request_id, failure.ToString());
    response = std::move(problem);
  }
  if (exchange.parser && !exchange.parser->is_done()) exchange.keep_alive = false;
  if (serving_.stopping) exchange.keep_alive = false;
  co_await Send(exchange, std::move(*response));
  co_return exchange.keep_alive && !serving_.stopping;  // the stop may have come while the answer was sent
}

asio::awaitable<Result<bool>> Connection::ReadHeader(Exchange& exchange) {
  const auto& limits = serving_.lake.config().limits;
  exchange.request_id = Random::System().Uuid();
  auto& parser = exchange.parser.emplace();
  parser.header_limit(HeaderBytesMax(limits));
  parser.body_limit(boost::none);
  const ReadTimer timer(stream_, std::chrono::seconds(limits.header_seconds));
  error_code error;
  co_await http::async_read_header(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
  error = timer.Explain(error);
  if (error) {
    exchange.keep_alive = false;
    const bool left =
        error == http::error::end_of_stream || error == asio::error::eof || error == asio::error::connection_reset;
    // A client may close its connection between two requests, which is not an error.
    if (left) co_return false;
    const auto begin = buffer_.cdata();
    co_return ReadError(error, {static_cast<const char*>(begin.data()), begin.size()});
  }
  const auto& message = parser.get();
  const auto view = [](auto text) { return std::string_view(text.data(), text.size()); };
  exchange.http_1_0 = message.version() == 10;
  exchange.keep_alive = message.keep_alive();
  exchange.request.method = view(message.method_string());
  exchange.head = exchange.request.method == "HEAD";
  const std::string_view target = view(message.target());
  exchange.target = target.substr(0, std::min<size_t>(target.find('?'), 256));
  const std::vector<HeaderLine> lines = LinesOf(message);
  for (const auto& [name, value] : lines) {
    if (EqualsIgnoringCase(name, "x-request-id") && !value.empty() && value.size() <= kRequestIdBytesMax &&
        IsVisibleAscii(value)) {
      exchange.request_id = value;
    } else if (EqualsIgnoringCase(name, "traceparent") && value.size() <= kRequestIdBytesMax && IsVisibleAscii(value)) {
      exchange.trace_parent = value;
    } else if (EqualsIgnoringCase(name, "content-type")) {
      const MediaType type = ParseMediaType(value);
      exchange.request.content_type = type.type;
      exchange.request.charset = type.charset;
    } else if (EqualsIgnoringCase(name, "accept")) {
      exchange.request.accept =
          exchange.request.accept ? *exchange.request.accept + "," + std::string(value) : std::string(value);
    } else if (EqualsIgnoringCase(name, "expect")) {
      exchange.expects_continue = true;
    }
  }
  auto checked = CheckHeader(target, lines, {&serving_.lake.config(), serving_.loopback, exchange.http_1_0});
  // After a header with doubtful framing nobody knows where the next request begins.
  if (!checked.ok()) {
    exchange.keep_alive = false;
    co_return std::move(checked).error();
  }
  if (exchange.request.method == "TRACE" || exchange.request.method == "CONNECT") {
    exchange.keep_alive = false;
    co_return Error(ErrorCode::kInvalidArgument, fmt::format("the method {} is not allowed", exchange.request.method))
        .WithReason(Reason::kMethodNotAllowed)
        .With("allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
  }
  auto parsed = ParseTarget(target, exchange.request);
  if (!parsed.ok()) co_return std::move(parsed).error();
  co_return true;
}

asio::awaitable<Result<void>> Connection::ReadBody(Exchange& exchange) {
  const auto& limits = serving_.lake.config().limits;
  auto& parser = *exchange.parser;
  const uint64_t bytes_max = exchange.BodyBytesMax(limits);
  const bool streamed = exchange.request.content_type == kArrowStream;
  exchange.request.body = std::make_shared<Spool>(bytes_max, streamed ? kSpoolMemoryBytes : bytes_max);
  const auto length = parser.content_length();
  if (length && *length > bytes_max) {
    co_return Error(ErrorCode::kResourceExhausted,
                    fmt::format("the body of {} bytes is larger than the limit of {} bytes", *length, bytes_max))
        .WithReason(Reason::kTooLarge);
  }
  error_code error;
  // The client waits for this line before it sends its body (RFC 9110, 10.1.1).
  if (exchange.expects_continue && !parser.is_done() && !exchange.http_1_0) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(stream_, asio::buffer(kContinue), asio::redirect_error(asio::use_awaitable, error));
  }
  std::string piece(kReadBytes, '\0');
  while (!parser.is_done()) {
    parser.get().body().data = piece.data();
    parser.get().body().size = piece.size();
    const ReadTimer timer(stream_, std::chrono::seconds(limits.body_idle_seconds));
    co_await http::async_read_some(stream_, buffer_, parser, asio::redirect_error(asio::use_awaitable, error));
    error = timer.Explain(error);
    if (error == http::error::need_buffer) error = {};
    if (error == asio::error::eof || error == http::error::partial_message || error == asio::error::connection_reset) {
      co_return Error(ErrorCode::kCancelled, "the client left before its body was complete");
    }
    if (error) co_return ReadError(error);
    auto stored =
        exchange.request.body->Append(std::string_view(piece).substr(0, piece.size() - parser.get().body().size));
    if (!stored.ok()) co_return std::move(stored).error();
  }
  co_return CheckHeaderSize(LinesOf(parser.get()), limits);
}

asio::awaitable<Result<Response>> Connection::RunRoute(Exchange& exchange) {
  auto found = FindRoute(serving_.routes, exchange.request);
  if (!found.ok()) co_return std::move(found).error();
  exchange.route = *found;
  const Route& route = **found;
  if (route.body != BodyKind::kNone) {
    auto type = CheckContentType(route, exchange.request);
    if (!type.ok()) co_return std::move(type).error();
    auto read = co_await ReadBody(exchange);
    if (!read.ok()) co_return std::move(read).error();
  }
  const auto& limits = serving_.lake.config().limits;
  stop_ = std::stop_source();
  // The time in which the body arrives does not count; body_idle_seconds bounds it.
  exchange.request.context =
      Context(steady_clock::now() + std::chrono::seconds(limits.query_seconds), stop_.get_token(), exchange.request_id)
          .WithStart(exchange.started);
  if (route.kind == RouteKind::kInstant) co_return route.handler(serving_.lake, exchange.request);

  auto watch = std::make_unique<ClientWatch>(stream_.socket(), stop_);
  const bool write = route.kind == RouteKind::kWrite;
  auto permit = co_await (write ? serving_.writes : serving_.reads).Acquire();
  if (!permit.ok()) co_return std::move(permit).error();
  Executor& pool = write ? serving_.write_pool : serving_.read_pool;
  auto response =
      co_await RunBlocking(pool, [&]() -> Result<Response> { return route.handler(serving_.lake, exchange.request); });
  // The place is held until the last piece is made: a streamed query runs as long as it streams.
  if (response.ok() && response->stream) {
    exchange.watch = std::move(watch);
    exchange.permit.emplace(*std::move(permit));
  }
  co_return response;
}

asio::awaitable<bool> Connection::Write(Exchange& exchange, std::string_view first, std::string_view second) {
  const auto& limits = serving_.lake.config().limits;
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(first), asio::buffer(second)};
  error_code error;
  exchange.answered = true;
  stream_.expires_after(std::chrono::seconds(limits.response_idle_seconds));
  exchange.bytes_sent += co_await asio::async_write(stream_, buffers, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

// Sends the pieces as chunks. False if the answer was cut off.
asio::awaitable<bool> Connection::SendStream(Exchange& exchange, Response& response) {
  std::string piece;
  bool more = true;
  while (more) {
    piece.clear();
    const auto next =
        co_await RunBlocking(serving_.read_pool, [&]() -> Result<bool> { return response.stream->Next(piece); });
    if (!next.ok()) {
      Log(LogLevel::kWarn, "request {} failed after its answer had begun: {}", exchange.request_id,
          next.error().ToString());
      co_return false;
    }
    more = *next;
    // A chunk of no bytes would end the body.
    const std::string frame = piece.empty() ? "" : fmt::format("{:x}\r\n", piece.size());
    if (!piece.empty()) piece += "\r\n";
    if (!more) piece += "0\r\n\r\n";
    if (!co_await Write(exchange, frame, piece)) co_return false;
  }
  co_return true;
}

// The whole of a streamed answer, for HTTP/1.0, which has no chunks: a client could not see that it is broken.
// `response` loses its stream, and becomes the error if there is one.
asio::awaitable<std::unique_ptr<Spool>> Connection::Collect(Exchange& exchange, Response& response) {
  auto collected = std::make_unique<Spool>(serving_.lake.config().limits.stream_body_bytes, kSpoolMemoryBytes);
  const auto filled = co_await RunBlocking(serving_.read_pool, [&]() -> Result<void> {
    bool more = true;
    while (true) {
      TRY(collected->Append(response.body));
      response.body.clear();
      if (!more) return {};
      more = TRY(response.stream->Next(response.body));
    }
  });
  response.stream.reset();
  if (filled.ok()) co_return collected;
  response = Response{.status = HttpStatus(filled.error()),
                      .content_type = "application/problem+json",
                      .body = ProblemJson(filled.error(), exchange.request_id)};
  co_return nullptr;
}

// `body_bytes` is absent for an answer in chunks.
std::string Connection::HeadOf(const Exchange& exchange, const Response& response, std::optional<uint64_t> body_bytes) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\nContent-Type: {}\r\nX-Request-Id: {}\r\nX-Content-Type-Options: "
      "nosniff\r\nCache-Control: no-store\r\n",
      response.status, StatusText(response.status), HttpDate(), response.content_type, exchange.request_id);
  if (!exchange.trace_parent.empty()) head += fmt::format("traceparent: {}\r\n", exchange.trace_parent);
  for (const auto& [name, value] : response.headers) head += fmt::format("{}: {}\r\n", name, value);
  head += body_bytes ? fmt::format("Content-Length: {}\r\n", *body_bytes) : "Transfer-Encoding: chunked\r\n";
  if (!exchange.keep_alive) {
    head += "Connection: close\r\n";
  } else if (exchange.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  return head + "\r\n";
}

// An answer whose length is known. False if it was cut off.
asio::awaitable<bool> Connection::SendWhole(Exchange& exchange, const Response& response, Spool* collected) {
  const std::string head =
      HeadOf(exchange, response, collected != nullptr ? collected->size_bytes() : response.body.size());
  // Nobody waits for the answer to a request that was given up; it only goes to the log.
  if (exchange.given_up) co_return false;
  if (!co_await Write(exchange, head, exchange.head ? std::string_view() : std::string_view(response.body))) {
    co_return false;
  }
  for (uint64_t offset = 0; collected != nullptr && offset < collected->size_bytes(); offset += kReadBytes) {
    const auto piece = collected->Read(offset, kReadBytes);
    if (!piece.ok() || !co_await Write(exchange, *piece, "")) co_return false;
  }
  co_return true;
}

asio::awaitable<void> Connection::Send(Exchange& exchange, Response response) {
  std::unique_ptr<Spool> collected;
  if (response.stream && exchange.http_1_0) collected = co_await Collect(exchange, response);
  if (exchange.head) response.stream.reset();
  bool sent = false;
  if (response.stream) {
    const std::string first = fmt::format("{}{:x}\r\n", HeadOf(exchange, response, std::nullopt), response.body.size());
    response.body += "\r\n";
    sent = co_await Write(exchange, first, response.body);
    response.body.clear();
    if (sent) sent = co_await SendStream(exchange, response);
  } else {
    sent = co_await SendWhole(exchange, response, collected.get());
  }
  if (!sent) exchange.keep_alive = false;
  const auto took = std::chrono::duration<double, std::milli>(steady_clock::now() - exchange.started).count();
  Log(LogLevel::kInfo, "{} {} {} {} {:.1f}ms {}{}", exchange.request.method.empty() ? "-" : exchange.request.method,
      exchange.target.empty() ? "-" : exchange.target, response.status, exchange.bytes_sent, took, exchange.request_id,
      sent ? "" : " cut");
}

}  // namespace yummy::server
