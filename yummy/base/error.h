#pragma once
// The one error type of the program. The code says what the caller can do about it. The message says what happened to
// which object.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/reason.h"

namespace yummy {

enum class ErrorCode {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kPreconditionFailed,
  kConflict,
  kUnauthenticated,
  kPermissionDenied,
  kUnsupported,
  kCorrupt,
  kResourceExhausted,
  kUnavailable,
  kDeadlineExceeded,
  kCancelled,
  kOutcomeUnknown,
  kInternal,
};

inline constexpr int kErrorCodeCount = 15;

/// The name of a code in answers and logs: "InvalidArgument".
std::string_view ErrorCodeName(ErrorCode code);

/// An error as a value.
/// The message names what happened, which object, what was expected and what was found. The reason is finer than the
/// code. Details are further facts for the caller, keyed by the names of docs/rest.md
/// ("table", "pointer", "line", "column", "hint", "current_version", "retryable" …).
class Error {
 public:
  Error(ErrorCode code, std::string message);
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept;
  Error& operator=(Error&&) noexcept;
  ~Error();

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  Reason reason() const;
  /// The name of the reason, or an empty view.
  std::string_view reason_name() const { return ReasonName(reason()); }
  const std::vector<std::pair<std::string, std::string>>& details() const;
  /// The value of a detail, or an empty view.
  std::string_view detail(std::string_view key) const;

  Error WithReason(Reason reason) &&;
  Error With(std::string key, std::string value) &&;
  /// Puts `context` and ": " before the message.
  Error Prefixed(std::string_view context) &&;

  /// "NotFound: no table t1 in store local", for logs and test output.
  std::string ToString() const;

 private:
  struct Extra;
  ErrorCode code_;
  std::string message_;
  std::unique_ptr<Extra> extra_;  // absent for most errors
};

}  // namespace yummy
