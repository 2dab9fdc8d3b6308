#include "yummy/cli/exit_code.h"

#include <cstdio>

#include <fmt/format.h>

namespace yummy::cli {

int ExitCode(const Error& error) {
  if (error.reason() == Reason::kConfig) return kExitUsage;
  if (error.reason() == Reason::kCannotListen) return kExitOther;
  switch (error.code()) {
    case ErrorCode::kNotFound: return kExitNotFound;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
    case ErrorCode::kPreconditionFailed: return kExitConflict;
    case ErrorCode::kUnavailable:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kOutcomeUnknown:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kPermissionDenied: return kExitStore;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
    case ErrorCode::kCorrupt:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kCancelled:
    case ErrorCode::kInternal: return kExitOther;
  }
  return kExitOther;
}

int ReportError(const Error& error) {
  const auto hint = error.detail("hint");
  fmt::print(stderr, "yummy: {}{}{}\n", error.message(), hint.empty() ? "" : "; ", hint);
  return ExitCode(error);
}

}  // namespace yummy::cli
