#pragma once
// `yummy serve` and its old name `yummy delta server`.

#include <cstdint>
#include <optional>
#include <string>

namespace yummy::cli {

struct ServeOptions {
  std::string config;
  std::optional<std::string> host;
  std::optional<uint16_t> port;
  std::optional<size_t> workers;
  std::string log_level = "info";
};

/// Serves until a signal stops it. Returns the exit code.
int Serve(const ServeOptions& options);

}  // namespace yummy::cli
