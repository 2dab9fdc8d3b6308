#include "yummy/cli/serve.h"

#include "yummy/base/log.h"
#include "yummy/cli/exit_code.h"
#include "yummy/lake/lake.h"
#include "yummy/server/http_server.h"

namespace yummy::cli {

namespace {
Result<void> Run(const ServeOptions& options) {
  SetLogLevel(TRY(ParseLogLevel(options.log_level)));
  lake::Config config = TRY(lake::LoadConfig(options.config));
  if (options.host) config.server.host = *options.host;
  if (options.port) config.server.port = *options.port;
  if (options.workers) config.server.workers = *options.workers;
  const auto lake = TRY(lake::Lake::Open(config));
  const auto server = TRY(server::HttpServer::Listen(*lake));
  server->StopOnSignals();
  Log(LogLevel::kInfo, "listening on http://{}:{} with {} stores", config.server.host, server->port(),
      config.stores.size());
  server->Run();
  return {};
}
}  // namespace

int Serve(const ServeOptions& options) {
  const auto done = Run(options);
  return done.ok() ? kExitDone : ReportError(done.error());
}

}  // namespace yummy::cli
