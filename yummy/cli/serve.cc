#include "yummy/cli/serve.h"

#include <chrono>

#include "yummy/base/logging.h"
#include "yummy/cli/exit_code.h"
#include "yummy/lake/lake.h"
#include "yummy/server/http/http_server.h"
#include "yummy/server/http/stop_signals.h"
#include "yummy/server/routes/routes.h"

namespace yummy::cli {

namespace {
Result<void> Run(const ServeOptions& options) {
  SetLogLevel(TRY(ParseLogLevel(options.log_level)));
  server::StopSignals signals;
  lake::Config config = TRY(lake::LoadConfig(options.config));
  if (options.host) config.server.host = *options.host;
  if (options.port) config.server.port = *options.port;
  if (options.workers) config.server.workers = *options.workers;
  const auto lake = TRY(lake::Lake::Open(config));
  const auto server = TRY(server::HttpServer::Listen(*lake, server::AllRoutes()));
  signals.Serve([&] { server->Stop(); }, {.finish = std::chrono::seconds(config.limits.stop_seconds)});
  Log(LogLevel::kInfo, "listening on http://{}:{} with {} stores", config.server.host, server->port(),
      config.stores.size());
  server->Run();
  signals.Served();
  return {};
}
}  // namespace

int Serve(const ServeOptions& options) {
  const auto done = Run(options);
  return done.ok() ? kExitDone : ReportError(done.error());
}

}  // namespace yummy::cli
