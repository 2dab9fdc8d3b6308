#pragma once
// `yummy sql`: one SELECT over the stores of a configuration, printed as a table, JSON or CSV.

#include <string>

#include "yummy/cli/print.h"

namespace yummy::cli {

struct SqlOptions {
  std::string sql;
  std::string config;
  PrintFormat format = PrintFormat::kTable;
};

/// Prints the result on standard output; returns the exit code.
int Sql(const SqlOptions& options);

}  // namespace yummy::cli
