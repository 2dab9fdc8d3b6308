#include "yummy/format/arrow/arrow_error.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace yummy::format {
namespace {

constexpr const char* kDetailType = "yummy::Error";

class ErrorDetail final : public arrow::StatusDetail {
 public:
  explicit ErrorDetail(Error error) : error_(std::move(error)) {}
  const char* type_id() const override { return kDetailType; }
  std::string ToString() const override { return error_.ToString(); }
  const Error& error() const { return error_; }

 private:
  Error error_;
};

ErrorCode CodeOf(const arrow::Status& status) {
  switch (status.code()) {
    case arrow::StatusCode::Cancelled: return ErrorCode::kCancelled;
    case arrow::StatusCode::OutOfMemory:
    case arrow::StatusCode::CapacityError: return ErrorCode::kResourceExhausted;
    case arrow::StatusCode::NotImplemented: return ErrorCode::kUnsupported;
    case arrow::StatusCode::IOError: return ErrorCode::kUnavailable;
    case arrow::StatusCode::Invalid:
    case arrow::StatusCode::TypeError:
    case arrow::StatusCode::KeyError:
    case arrow::StatusCode::IndexError:
    case arrow::StatusCode::SerializationError: return ErrorCode::kInvalidArgument;
    default: return ErrorCode::kInternal;
  }
}

}  // namespace

arrow::Status ToStatus(Error error) {
  auto message = error.message();
  return arrow::Status::FromDetailAndArgs(arrow::StatusCode::UnknownError,
                                          std::make_shared<ErrorDetail>(std::move(error)), std::move(message));
}

Error ToError(const arrow::Status& status) {
  if (status.detail() && std::string_view(status.detail()->type_id()) == kDetailType) {
    return static_cast<const ErrorDetail&>(*status.detail()).error();
  }
  return Error(CodeOf(status), status.message());
}

}  // namespace yummy::format
