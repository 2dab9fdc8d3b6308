#include "yummy/duck/border/error.h"

#include <string>

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

Error Caught(const Error& error) {
  auto result = CatchErrors([&]() -> Result<void> { Throw(error); });
  return result.ok() ? Error(ErrorCode::kInternal, "nothing was thrown") : result.error();
}

TEST(DuckError, EveryCodeComesBackAsItWentIn) {
  for (int code = 0; code < kErrorCodeCount; ++code) {
    Error caught = Caught(Error(static_cast<ErrorCode>(code), "what, which"));
    EXPECT_EQ(static_cast<int>(caught.code()), code);
    EXPECT_EQ(caught.message(), "what, which");
    EXPECT_TRUE(caught.reason_name().empty());
    EXPECT_TRUE(caught.details().empty());
  }
}

TEST(DuckError, HostileTextAndTheOrderOfDetailsComeBack) {
  const std::string hostile = "\xFF\xFE \"{}%41 %00\n'ü";
  Error error = Error(ErrorCode::kConflict, hostile)
                    .WithReason(Reason::kTableNotFound)
                    .With("z", hostile)
                    .With("a key", "1")
                    .With("b", "");
  Error caught = Caught(error);
  EXPECT_EQ(caught.message(), hostile);
  EXPECT_EQ(caught.reason_name(), "TABLE_NOT_FOUND");
  EXPECT_EQ(caught.details(), error.details());
  EXPECT_EQ(ToError(ToErrorData(error)).details(), error.details());
  EXPECT_EQ(Caught(Error(ErrorCode::kConflict, std::string("a\0b%", 4))).message(),
            "a\xEF\xBF\xBD"
            "b%");
}

// INTERNAL and FATAL end the instance: none of our errors may be one.
TEST(DuckError, NoErrorOfOursEndsTheInstance) {
  for (int code = 0; code < kErrorCodeCount; ++code) {
    EXPECT_FALSE(InvalidatesInstance(ToErrorData(Error(static_cast<ErrorCode>(code), "x"))));
  }
  EXPECT_TRUE(InvalidatesInstance(duckdb::ErrorData(duckdb::ExceptionType::INTERNAL, "x")));
  EXPECT_TRUE(InvalidatesInstance(duckdb::ErrorData(duckdb::ExceptionType::FATAL, "x")));
}

TEST(DuckError, KindsOfDuckDBBecomeCodes) {
  using duckdb::ExceptionType;
  struct Case {
    ExceptionType type;
    ErrorCode code;
    const char* reason;
  };
  for (const Case& test :
       {Case{ExceptionType::PARSER, ErrorCode::kInvalidArgument, "SQL_SYNTAX"},
        Case{ExceptionType::CONVERSION, ErrorCode::kInvalidArgument, "VALUE_OUT_OF_RANGE"},
        Case{ExceptionType::DIVIDE_BY_ZERO, ErrorCode::kInvalidArgument, "VALUE_OUT_OF_RANGE"},
        Case{ExceptionType::NOT_IMPLEMENTED, ErrorCode::kUnsupported, "UNSUPPORTED_SQL"},
        Case{ExceptionType::PERMISSION, ErrorCode::kPermissionDenied, "SQL_NOT_ALLOWED"},
        Case{ExceptionType::OUT_OF_MEMORY, ErrorCode::kResourceExhausted, "QUERY_MEMORY"},
        Case{ExceptionType::INTERRUPT, ErrorCode::kCancelled, ""}, Case{ExceptionType::IO, ErrorCode::kUnavailable, ""},
        Case{ExceptionType::INTERNAL, ErrorCode::kInternal, ""}}) {
    Error error = ToError(duckdb::ErrorData(test.type, "first line\nsecond line"));
    EXPECT_EQ(error.code(), test.code);
    EXPECT_EQ(error.reason_name(), test.reason);
    EXPECT_EQ(error.message(), "first line");
  }
  EXPECT_EQ(Caught(Error(ErrorCode::kNotFound, "x")).code(), ErrorCode::kNotFound);
  auto no_memory = CatchErrors([]() -> Result<void> { throw std::bad_alloc(); });
  EXPECT_THAT(no_memory, IsError(ErrorCode::kResourceExhausted));
  auto unknown = CatchErrors([]() -> Result<void> { throw 7; });
  EXPECT_THAT(unknown, IsError(ErrorCode::kInternal));
}

TEST(DuckError, PositionsAreCountedInCodePoints) {
  duckdb::ErrorData data = ToErrorData(Error(ErrorCode::kInvalidArgument, "x"));
  data.AddQueryLocation(duckdb::optional_idx(8));
  Error error = ToError(data, "ab\nüü c");
  EXPECT_EQ(error.detail("line"), "2");
  EXPECT_EQ(error.detail("column"), "4");
  EXPECT_EQ(ToError(data).detail("line"), "");
}

}  // namespace
}  // namespace yummy::duck
