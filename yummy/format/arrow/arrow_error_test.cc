#include "yummy/format/arrow/arrow_error.h"

#include "yummy/base/testing.h"

namespace yummy::format {
namespace {

TEST(ArrowError, ComesBackWhole) {
  const auto error =
      ToError(ToStatus(Error(ErrorCode::kUnavailable, "gone").WithReason(Reason::kStoreTimeout).With("row", "7")));
  EXPECT_EQ(error.code(), ErrorCode::kUnavailable);
  EXPECT_EQ(error.reason_name(), "STORE_TIMEOUT");
  EXPECT_EQ(error.detail("row"), "7");
  EXPECT_EQ(ToError(arrow::Status::Invalid("no")).code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace yummy::format
