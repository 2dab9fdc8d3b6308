#include "yummy/store/scripted_server_testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace yummy::store {

namespace {

/// The value of a header, which this side writes in lower case.
size_t ContentLength(std::string_view headers) {
  constexpr std::string_view kName = "content-length:";
  for (size_t i = 0; i + kName.size() <= headers.size(); i++) {
    if (headers.substr(i, kName.size()) == kName) return std::strtoull(headers.data() + i + kName.size(), nullptr, 10);
  }
  return 0;
}

std::optional<ScriptedRequest> ReadRequest(int connection) {
  std::string bytes;
  char piece[65536];
  size_t head_end = std::string::npos;
  size_t length = 0;
  while (head_end == std::string::npos || bytes.size() < head_end + 4 + length) {
    const ssize_t read = recv(connection, piece, sizeof(piece), 0);
    if (read <= 0) return std::nullopt;
    bytes.append(piece, static_cast<size_t>(read));
    if (head_end == std::string::npos && (head_end = bytes.find("\r\n\r\n")) != std::string::npos)
      length = ContentLength(bytes.substr(0, head_end + 2));
  }
  const size_t method_end = bytes.find(' ');
  const size_t target_end = bytes.find(' ', method_end + 1);
  return ScriptedRequest{.method = bytes.substr(0, method_end),
                         .target = bytes.substr(method_end + 1, target_end - method_end - 1),
                         .headers = bytes.substr(0, head_end),
                         .body = bytes.substr(head_end + 4)};
}

}  // namespace

std::string HttpAnswer(int status, std::string_view body, std::string_view headers) {
  return fmt::format("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}", status, body.size(),
                     headers, body);
}

std::string S3Error(int status, std::string_view code, std::string_view headers) {
  return HttpAnswer(
      status, fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>m</Message></Error>", code), headers);
}

ScriptedServer::ScriptedServer(std::function<ScriptedReply(const ScriptedRequest&, size_t)> answer)
    : answer_(std::move(answer)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { Accept(); });
}

ScriptedServer::~ScriptedServer() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  over_.notify_all();
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  close(listener_);
  connections_.clear();  // no thread adds one any more
}

std::string ScriptedServer::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

void ScriptedServer::Accept() {
  while (true) {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    // A connection that is opened and never used must not keep its thread for ever.
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, connection] { Serve(connection); });
  }
}

void ScriptedServer::Serve(int connection) {
  if (const std::optional<ScriptedRequest> request = ReadRequest(connection)) {
    std::unique_lock lock(mutex_);
    const ScriptedReply reply = answer_(*request, requests_++);
    lock.unlock();
    for (size_t sent = 0; sent < reply.bytes.size();) {
      const ssize_t now = send(connection, reply.bytes.data() + sent, reply.bytes.size() - sent, MSG_NOSIGNAL);
      if (now <= 0) break;
      sent += static_cast<size_t>(now);
    }
    if (reply.then == ScriptedReply::Then::kHang) {
      lock.lock();
      over_.wait(lock, [this] { return is_over_; });
    }
    if (reply.then == ScriptedReply::Then::kReset) {
      const linger at_once = {.l_onoff = 1, .l_linger = 0};
      setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
  }
  close(connection);
}

}  // namespace yummy::store
