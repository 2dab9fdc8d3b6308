#include "yummy/base/error.h"

#include <array>
#include <cassert>

namespace yummy {

namespace {
constexpr std::array<std::string_view, kErrorCodeCount> kNames = {
    "InvalidArgument",  "NotFound",       "AlreadyExists", "PreconditionFailed", "Conflict",    "Unauthenticated",
    "PermissionDenied", "Unsupported",    "Corrupt",       "ResourceExhausted",  "Unavailable", "DeadlineExceeded",
    "Cancelled",        "OutcomeUnknown", "Internal",
};
const std::vector<std::pair<std::string, std::string>> kNoDetails;
}  // namespace

std::string_view ErrorCodeName(ErrorCode code) {
  const auto index = static_cast<size_t>(code);
  assert(index < kNames.size());
  return kNames[index];
}

struct Error::Extra {
  Reason reason = Reason::kNone;
  std::vector<std::pair<std::string, std::string>> details;
};

Error::Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}
Error::Error(const Error& other)
    : code_(other.code_),
      message_(other.message_),
      extra_(other.extra_ ? std::make_unique<Extra>(*other.extra_) : nullptr) {}
Error& Error::operator=(const Error& other) {
  if (this != &other) *this = Error(other);
  return *this;
}
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Reason Error::reason() const { return extra_ ? extra_->reason : Reason::kNone; }

const std::vector<std::pair<std::string, std::string>>& Error::details() const {
  return extra_ ? extra_->details : kNoDetails;
}

std::string_view Error::detail(std::string_view key) const {
  for (const auto& [name, value] : details()) {
    if (name == key) return value;
  }
  return {};
}

Error Error::WithReason(Reason reason) && {
  if (reason == Reason::kNone) return std::move(*this);
  if (!extra_) extra_ = std::make_unique<Extra>();
  extra_->reason = reason;
  return std::move(*this);
}

Error Error::With(std::string key, std::string value) && {
  if (!extra_) extra_ = std::make_unique<Extra>();
  extra_->details.emplace_back(std::move(key), std::move(value));
  return std::move(*this);
}

Error Error::Prefixed(std::string_view context) && {
  message_.insert(0, std::string(context) + ": ");
  return std::move(*this);
}

std::string Error::ToString() const {
  std::string text(ErrorCodeName(code_));
  if (reason() != Reason::kNone) text.append("/").append(reason_name());
  return text + ": " + message_;
}

}  // namespace yummy
