#include "yummy/server/routes/routes.h"

#include <string>
#include <utility>
#include <vector>

#include "yummy/base/testing.h"

namespace yummy::server {
namespace {

const Route* Find(std::string method, std::vector<std::string> path) {
  Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  const auto route = FindRoute(AllRoutes(), request);
  return route.ok() ? *route : nullptr;
}

TEST(Routes, FindTheirPath) {
  ASSERT_NE(Find("GET", {"api", "1.0", "delta", "s", "t", "details"}), nullptr);
  ASSERT_NE(Find("HEAD", {"health"}), nullptr);
  EXPECT_EQ(Find("PUT", {"api", "1.0", "delta", "s", "t"})->kind, RouteKind::kWrite);
  EXPECT_EQ(Find("GET", {}), nullptr);
}

TEST(Routes, AWrongMethodNamesTheRightOnes) {
  Request request;
  request.method = "TRACE";
  request.path = {"api", "1.0", "delta", "s", "t"};
  const auto route = FindRoute(AllRoutes(), request);
  ASSERT_FALSE(route.ok());
  EXPECT_EQ(route.error().reason_name(), "METHOD_NOT_ALLOWED");
  EXPECT_EQ(route.error().detail("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE");
}

}  // namespace
}  // namespace yummy::server
