#include "yummy/server/routes/routes.h"

#include <vector>

#include "yummy/server/routes/table_routes.h"

namespace yummy::server {

namespace {

Result<Response> Health(lake::Lake&, const Request&) {
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  response.body = "Hey there!";
  return response;
}

constexpr std::string_view kAny = kAnySegment;

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
      {"PATCH", {"api", "1.0", "delta", kAny, kAny}, RouteKind::kWrite, BodyKind::kJson, UpdateRows},
      {"DELETE", {"api", "1.0", "delta", kAny, kAny}, RouteKind::kWrite, BodyKind::kNone, DeleteRows},
      {"GET", {"api", "1.0", "delta", kAny, kAny, "details"}, RouteKind::kRead, BodyKind::kNone, DescribeTable},
  };
  return routes;
}

}  // namespace

std::span<const Route> AllRoutes() { return Routes(); }

}  // namespace yummy::server
