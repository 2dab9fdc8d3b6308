// The program `yummy`: reads the command line and runs one subcommand.

#include <signal.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "yummy/base/version.h"
#include "yummy/cli/exit_code.h"
#include "yummy/cli/serve.h"
#include "yummy/cli/sql.h"

namespace yummy::cli {
namespace {

constexpr const char* kAbout =
    "Delta Lake tables over HTTP and SQL.\n\n"
    "A configuration names the stores, folders that hold Delta tables:\n"
    "  stores:\n"
    "    - name: local\n"
    "      path: /data/lake\n\n"
    "Start a server and ask it:\n"
    "  yummy serve --config config.yaml\n"
    "  curl 'http://127.0.0.1:8080/api/1.0/delta/local'\n\n"
    "Or ask without a server:\n"
    "  yummy sql 'SELECT count(*) FROM local.flights' -f config.yaml\n";
constexpr const char* kExitCodes =
    "Exit codes: 0 done, 1 other errors, 2 usage or configuration, 3 not found, 4 conflict, 5 store or network.";

const CLI::Validator& LogLevels() {
  static const CLI::IsMember levels({"trace", "debug", "info", "warn", "error", "off"});
  return levels;
}

const CLI::Validator& NotEmpty() {
  static const CLI::Validator not_empty([](const std::string& text) { return text.empty() ? "is empty" : ""; }, "");
  return not_empty;
}

// `-h` is the host, as in version 0.0.9, so help is only --help.
void AddServe(CLI::App& parent, const std::string& name, const std::string& options_named, ServeOptions& options) {
  CLI::App* command = parent.add_subcommand(name, "Serve the stores of a configuration over HTTP");
  const bool old_names = options_named == "old";
  command->set_help_flag("--help", "Print this help");
  command->add_option(old_names ? "-f,--file,--config" : "-f,--config", options.config, "The configuration file")
      ->required();
  command
      ->add_option("-h,--host", options.host,
                   "The address to listen on; 127.0.0.1 when neither this nor the configuration says")
      ->check(NotEmpty());  // an empty host would mean every address of the machine
  command
      ->add_option("-p,--port", options.port,
                   "The port; 8080 when neither this nor the configuration says, 0 takes a free one")
      ->check(CLI::Range(0, 65535));
  command->add_option("--log-level,--loglevel", options.log_level, "How much to log")->check(LogLevels());
  command->add_option("--workers", options.workers, "Threads for queries and for writes, each")
      ->check(CLI::Range(1, 1024));
}

void AddSql(CLI::App& parent, SqlOptions& options) {
  static const std::map<std::string, PrintFormat> formats = {
      {"table", PrintFormat::kTable}, {"json", PrintFormat::kJson}, {"csv", PrintFormat::kCsv}};
  CLI::App* command = parent.add_subcommand("sql", "Run one statement over the stores of a configuration");
  command->set_help_flag("--help", "Print this help");
  command->add_option("query", options.sql, "The statement; tables are store.table, or table when there is one store")
      ->required();
  command->add_option("-f,--config", options.config, "The configuration file")->required();
  command->add_option("--format", options.format, "table, json or csv")->transform(CLI::CheckedTransformer(formats));
}

int Run(int argc, char** argv) {
  CLI::App app(kAbout, "yummy");
  app.set_help_flag("--help", "Print this help");
  app.set_version_flag("--version", std::string("yummy ") + kVersion);
  app.footer(kExitCodes);
  app.require_subcommand(1);
  ServeOptions serve;
  SqlOptions sql;
  AddServe(app, "serve", "new", serve);
  CLI::App* delta = app.add_subcommand("delta", "The commands by their old names");
  delta->set_help_flag("--help", "Print this help");
  delta->require_subcommand(1);
  AddServe(*delta, "server", "old", serve);
  AddSql(app, sql);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // the library throws it for --help as well as for bad usage
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (app.got_subcommand("sql")) return Sql(sql);
  return Serve(serve);
}

}  // namespace
}  // namespace yummy::cli

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, not of the program
  try {
    return yummy::cli::Run(argc, argv);
  } catch (const std::exception& exception) {
    fmt::print(stderr, "yummy: internal error: {}\n", exception.what());
    return yummy::cli::kExitOther;
  }
}
