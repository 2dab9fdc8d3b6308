#include "yummy/server/http/route.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace yummy::server {
namespace {

bool Fits(const Route& route, const std::vector<std::string>& path) {
  return std::equal(route.pattern.begin(), route.pattern.end(), path.begin(), path.end(),
                    [](std::string_view pattern, const std::string& segment) {
                      return pattern == kAnySegment || pattern == segment;
                    });
}

}  // namespace

Result<const Route*> FindRoute(std::span<const Route> routes, const Request& request) {
  std::vector<std::string_view> allowed;
  for (const Route& route : routes) {
    if (!Fits(route, request.path)) continue;
    if (route.method == request.method) return &route;
    if (request.method == "HEAD" && route.method == "GET") return &route;
    allowed.push_back(route.method);
    if (route.method == "GET") allowed.push_back("HEAD");
  }
  if (allowed.empty()) return Error(ErrorCode::kNotFound, "no such route").WithReason(Reason::kRouteNotFound);
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("the method {} is not allowed here", request.method.substr(0, 32)))
      .WithReason(Reason::kMethodNotAllowed)
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
      .WithReason(Reason::kUnsupportedMediaType);
}

}  // namespace yummy::server
