#include "yummy/server/http/problem.h"

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

using ::testing::HasSubstr;

TEST(Problem, EveryCodeHasAStatus) {
  for (int code = 0; code < kErrorCodeCount; code++) {
    const Error error(static_cast<ErrorCode>(code), "x");
    EXPECT_GE(HttpStatus(error), 400) << ErrorCodeName(error.code());
    EXPECT_NE(StatusText(HttpStatus(error)), "Error") << HttpStatus(error);
  }
}

TEST(Problem, AReasonMayHaveAFinerStatus) {
  EXPECT_EQ(HttpStatus(Error(ErrorCode::kNotFound, "x").WithReason(Reason::kVersionExpired)), 410);
  EXPECT_EQ(HttpStatus(Error(ErrorCode::kNotFound, "x").WithReason(Reason::kTableNotFound)), 404);
  EXPECT_EQ(HttpStatus(Error(ErrorCode::kResourceExhausted, "x").WithReason(Reason::kTooLarge)), 413);
  EXPECT_EQ(HttpStatus(Error(ErrorCode::kUnauthenticated, "x").WithReason(Reason::kStoreCredentials)), 502);
}

TEST(Problem, WritesTheDocument) {
  const Error error = Error(ErrorCode::kInvalidArgument, "bad \"x\"")
                          .WithReason(Reason::kInvalidJson)
                          .With("location_line", "2")
                          .With("location_column", "7")
                          .With("row", "3")
                          .With("hint", "none");
  EXPECT_EQ(
      ProblemJson(error, "r1"),
      R"({"type":"about:blank","title":"Bad Request","status":400,"detail":"bad \"x\"","code":"InvalidArgument","reason":"INVALID_JSON",)"
      R"("request_id":"r1","retryable":false,"row":3,"hint":"none","location":{"line":2,"column":7}})");
}

TEST(Problem, IsShortHoweverLongItsTextsAre) {
  const Error error =
      Error(ErrorCode::kInvalidArgument, std::string(50 << 20, 'x')).With("hint", std::string(1 << 20, 'y'));
  EXPECT_LT(ProblemJson(error, "r").size(), 20'000U);
}

TEST(Problem, APlaceInSqlIsALocationAndAColumnOfATableIsNot) {
  const Error sql = Error(ErrorCode::kInvalidArgument, "x").With("line", "1").With("column", "15");
  EXPECT_THAT(ProblemJson(sql, "r"), HasSubstr(R"("location":{"line":1,"column":15})"));
  const Error row = Error(ErrorCode::kInvalidArgument, "x").With("row", "7").With("column", "id");
  EXPECT_THAT(ProblemJson(row, "r"), HasSubstr(R"("row":7,"column":"id")"));
}

TEST(Problem, SaysWhatMayBeRetried) {
  EXPECT_TRUE(IsRetryable(Error(ErrorCode::kConflict, "x").WithReason(Reason::kConcurrentModification)));
  EXPECT_FALSE(IsRetryable(Error(ErrorCode::kConflict, "x").WithReason(Reason::kAppendOnly)));
  EXPECT_FALSE(IsRetryable(Error(ErrorCode::kResourceExhausted, "x").WithReason(Reason::kTooLarge)));
  EXPECT_TRUE(IsRetryable(Error(ErrorCode::kInternal, "x").With("retryable", "true")));
  // Whether it was applied is unknown: repeating it could double it.
  EXPECT_FALSE(IsRetryable(Error(ErrorCode::kOutcomeUnknown, "x")));
}

}  // namespace
}  // namespace yummy::server
