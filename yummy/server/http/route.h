#pragma once
// A route: its method and path, the bodies that it takes, its handler.

#include <span>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/lake/lake.h"
#include "yummy/server/http/request.h"
#include "yummy/server/http/response.h"

namespace yummy::server {

inline constexpr std::string_view kArrowStream = "application/vnd.apache.arrow.stream";
inline constexpr std::string_view kAnySegment = "*";

/// How the requests of a route are run.
enum class RouteKind {
  kInstant,  // answered at once
  kRead,     // reads tables or logs; counts against limits.queries
  kWrite,
};
enum class BodyKind {
  kNone,
  kJson,  // application/json, up to limits.json_body_bytes
  kRows,  // application/json or application/vnd.apache.arrow.stream, up to limits.stream_body_bytes
};

struct Route {
  std::string_view method;
  std::vector<std::string_view> pattern;  // segments; kAnySegment matches any segment
  RouteKind kind = RouteKind::kInstant;
  BodyKind body = BodyKind::kNone;
  Result<Response> (*handler)(lake::Lake& lake, const Request& request) = nullptr;
};

/// Errors: NotFound (ROUTE_NOT_FOUND), InvalidArgument (METHOD_NOT_ALLOWED, detail "allow").
Result<const Route*> FindRoute(std::span<const Route> routes, const Request& request);

/// Checks the content type and charset of a request with a body. Errors: InvalidArgument (UNSUPPORTED_MEDIA_TYPE).
Result<void> CheckContentType(const Route& route, const Request& request);

}  // namespace yummy::server
