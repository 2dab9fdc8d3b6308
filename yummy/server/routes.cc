#include "yummy/server/routes.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "yummy/server/table_routes.h"

namespace yummy::server {

namespace {

Result<Response> Health(lake::Lake&, const Request&) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "Hey there!";
  return response;
}

constexpr std::string_view kAny = "*";

const std::vector<Route>& Routes() {
  static const std::vector<Route> routes = {
      {"GET", {"health"}, RouteKind::kInstant, BodyKind::kNone, Health},
      {"GET", {"health", "live"}, RouteKind::kInstant, BodyKind::kNone, Health},
      {"GET", {"health", "ready"}, RouteKind::kInstant, BodyKind::kNone, Health},
      {"GET", {"api", "1.0", "sql"}, RouteKind::kRead, BodyKind::kNone, GetSql},
      {"POST", {"api", "1.0", "sql"}, RouteKind::kRead, BodyKind::kJson, PostSql},
      {"GET", {"api", "1.0", "delta"}, RouteKind::kInstant, BodyKind::kNone, ListStores},
      {"GET", {"api", "1.0", "delta", kAny}, RouteKind::kRead, BodyKind::kNone, ListTables},
      {"POST", {"api", "1.0", "delta", kAny}, RouteKind::kWrite, BodyKind::kJson, CreateTable},
      {"GET", {"api", "1.0", "delta", kAny, kAny}, RouteKind::kRead, BodyKind::kNone, QueryTable},
      {"POST", {"api", "1.0", "delta", kAny, kAny}, RouteKind::kWrite, BodyKind::kRows, AppendRows},
      {"PUT", {"api", "1.0", "delta", kAny, kAny}, RouteKind::kWrite, BodyKind::kRows, OverwriteRows},
      {"GET", {"api", "1.0", "delta", kAny, kAny, "details"}, RouteKind::kRead, BodyKind::kNone, DescribeTable},
  };
  return routes;
}

bool Fits(const Route& route, const std::vector<std::string>& path) {
  return std::equal(
      route.pattern.begin(), route.pattern.end(), path.begin(), path.end(),
      [](std::string_view pattern, const std::string& segment) { return pattern == kAny || pattern == segment; });
}

}  // namespace

std::span<const Route> AllRoutes() { return Routes(); }

Result<const Route*> FindRoute(const Request& request) {
  std::vector<std::string_view> allowed;
  for (const Route& route : Routes()) {
    if (!Fits(route, request.path)) continue;
    if (route.method == request.method) return &route;
    if (request.method == "HEAD" && route.method == "GET") return &route;
    allowed.push_back(route.method);
    if (route.method == "GET") allowed.push_back("HEAD");
  }
  if (allowed.empty()) return Error(ErrorCode::kNotFound, "no such route").WithReason("ROUTE_NOT_FOUND");
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the method {} is not allowed here", request.method.substr(0, 32)))
      .WithReason("METHOD_NOT_ALLOWED")
      .With("allow", fmt::format("{}", fmt::join(allowed, ", ")));
}

Result<void> CheckContentType(const Route& route, const Request& request) {
  const bool json = request.content_type == "application/json";
  const bool arrow = request.content_type == kArrowStream;
  const bool charset_fits = request.charset.empty() || request.charset == "utf-8";
  if (charset_fits && (json || (arrow && route.body == BodyKind::kRows))) return {};
  const std::string expected =
      route.body == BodyKind::kRows ? fmt::format("application/json or {}", kArrowStream) : "application/json";
  const std::string found = request.content_type.empty() ? "none" : "'" + request.content_type + "'";
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("unsupported content type: expected {}, found {}{}", expected, found,
                           charset_fits ? "" : " with the charset " + request.charset))
      .WithReason("UNSUPPORTED_MEDIA_TYPE");
}

}  // namespace yummy::server
