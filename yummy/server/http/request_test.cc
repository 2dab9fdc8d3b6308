#include "yummy/server/http/request.h"

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Target, IsDecodedOnce) {
  Request request;
  ASSERT_THAT(ParseTarget("/api/1.0/delta/local/with%20space?query=a%2Bb+c&x", request), IsOk());
  EXPECT_THAT(request.path, ElementsAre("api", "1.0", "delta", "local", "with space"));
  EXPECT_THAT(request.query, ElementsAre(Pair("query", "a+b c"), Pair("x", "")));
}

TEST(Target, ASlashAtTheEndIsNoSegment) {
  Request request;
  ASSERT_THAT(ParseTarget("/api/1.0/delta/", request), IsOk());
  EXPECT_EQ(request.path.size(), 3U);
}

TEST(Target, RefusesWhatLeavesTheStore) {
  for (const char* target : {"/a/..%2f..%2fetc", "/a/%2e%2e", "/a/..;/b", "/a/%252e%252e", "/a/%c0%ae", "/a/..%5c..",
                             "/a/a%00b", "/a/a%0ab", "/a//b", "/a/%ED%A0%80", "/a/%zz"}) {
    Request request;
    const auto parsed = ParseTarget(target, request);
    ASSERT_THAT(parsed, IsError(ErrorCode::kInvalidArgument)) << target;
    EXPECT_EQ(parsed.error().reason_name(), "INVALID_NAME") << target;
  }
}

TEST(Target, TakesTheAbsoluteForm) {
  Request request;
  ASSERT_THAT(ParseTarget("http://127.0.0.1:8080/health?x=1", request), IsOk());
  EXPECT_THAT(request.path, ElementsAre("health"));
}

TEST(Parameters, TakeBothSpellingsAndNameTheNearest) {
  Request request;
  request.query = {{"tableVersion", "1"}};
  EXPECT_EQ(QueryParameters::Parse(request, {"table_version"})->Find("table_version"), "1");
  request.query = {{"table_version", "1"}, {"tableVersion", "2"}};
  EXPECT_THAT(QueryParameters::Parse(request, {"table_version"}), IsError(ErrorCode::kInvalidArgument));
  request.query = {{"tableVersio", "1"}};
  const auto parsed = QueryParameters::Parse(request, {"table_version"});
  ASSERT_THAT(parsed, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(parsed.error().detail("hint"), "did you mean 'table_version'?");
}

TEST(Parameters, FlagsAreTrueOrFalse) {
  Request request;
  request.query = {{"a", "true"}, {"b", "yes"}};
  const auto parameters = QueryParameters::Parse(request, {"a", "b", "c"});
  ASSERT_THAT(parameters, IsOk());
  EXPECT_TRUE(*parameters->Flag("a", false));
  EXPECT_TRUE(*parameters->Flag("c", true));
  EXPECT_THAT(parameters->Flag("b", false), IsError(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace yummy::server
