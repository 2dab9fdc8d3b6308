#include "yummy/store/staged_write.h"

#include <utility>

namespace yummy::store {

Error StagedWriteError(Error error) {
  if (error.code() != ErrorCode::kOutcomeUnknown) return error;
  Error failed = Error(ErrorCode::kUnavailable, error.message()).WithReason(error.reason());
  for (const auto& [key, value] : error.details()) failed = std::move(failed).With(key, value);
  return failed;
}

}  // namespace yummy::store
