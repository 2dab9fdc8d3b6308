#pragma once
// An HTTP server that answers as a test tells it to: like a store that is broken, slow or hostile.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace yummy::store {

struct ScriptedRequest {
  std::string method;
  std::string target;   // path and query
  std::string headers;  // unparsed
  std::string body;
};

struct ScriptedReply {
  std::string bytes;  // the whole answer, sent unchanged
  enum class Then {
    kClose,
    kReset,
    kHang,  // until the server ends
  } then = Then::kClose;
};

/// "HTTP/1.1 404 …" with its headers and the length of the body.
std::string HttpAnswer(int status, std::string_view body = "", std::string_view headers = "");

/// An S3 error: <Error><Code>…</Code></Error>.
std::string S3Error(int status, std::string_view code, std::string_view headers = "");

/// Listens on a port of 127.0.0.1 that the kernel chooses. `answer` gets the request and its number, counted from 0.
/// One thread at a time calls it.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<ScriptedReply(const ScriptedRequest&, size_t)> answer);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const;
  size_t requests() const { return requests_; }

 private:
  void Accept();
  void Serve(int connection);

  const std::function<ScriptedReply(const ScriptedRequest&, size_t)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<size_t> requests_ = 0;
  std::mutex mutex_;  // guards is_over_, connections_, and the calls of answer_
  std::condition_variable over_;
  bool is_over_ = false;
  std::vector<std::jthread> connections_;
  std::jthread acceptor_;
};

}  // namespace yummy::store
