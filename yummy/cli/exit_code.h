#pragma once
// The table from errors to exit codes (README.md, "Command line").

#include "yummy/base/error.h"

namespace yummy::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitOther = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitConflict = 4;
inline constexpr int kExitStore = 5;

/// The exit code of an error.
int ExitCode(const Error& error);

/// Prints "yummy: <message>" and a hint, if there is one, on standard error; returns the exit code.
int ReportError(const Error& error);

}  // namespace yummy::cli
