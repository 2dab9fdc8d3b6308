#pragma once
// The HTTP/1.1 server: accepts connections on one I/O thread, runs the routes on two pools (reads, writes).

#include <cstdint>
#include <memory>
#include <span>

#include "yummy/base/result.h"
#include "yummy/lake/lake.h"
#include "yummy/server/http/route.h"

namespace yummy::server {

class HttpServer {
 public:
  /// Binds and listens as the configuration of `lake` says; port 0 takes a free port. `routes` must outlive the server.
  /// Errors: Unavailable ("cannot listen on …: Address already in use"), InvalidArgument (no such address).
  static Result<std::unique_ptr<HttpServer>> Listen(lake::Lake& lake, std::span<const Route> routes);
  ~HttpServer();

  uint16_t port() const;

  /// Serves until Stop. Running requests may then finish within limits.stop_seconds. Blocks.
  void Run();

  /// Refuses new connections and lets running requests finish. A second call ends them. Safe from any thread.
  void Stop();

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yummy::server
