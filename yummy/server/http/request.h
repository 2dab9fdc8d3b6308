#pragma once
// A request as the routes see it: decoded path, query, the relevant headers and the body.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/result.h"

namespace yummy::server {

class Spool;

struct Request {
  std::string method;
  std::vector<std::string> path;                           // segments, decoded once; a slash at the end adds none
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string content_type;                                // lower case, without parameters
  std::string charset;                                     // parameter of the content type, lower case
  std::optional<std::string> accept;
  std::shared_ptr<Spool> body;
  Context context;
};

/// Splits a request target into decoded path segments and query parameters ('+' is a space in a query).
/// Errors: InvalidArgument (INVALID_NAME in the path; INVALID_QUERY).
Result<void> ParseTarget(std::string_view target, Request& request);

/// The query parameters of a request, by their snake_case names. Both spellings (tableVersion, table_version) are
/// accepted.
class QueryParameters {
 public:
  /// Errors: InvalidArgument: a parameter that is not `known` (reason UNKNOWN_PARAMETER; the error names the nearest
  /// one), or that is given twice.
  static Result<QueryParameters> Parse(const Request& request, const std::vector<std::string>& known);

  std::optional<std::string_view> Find(std::string_view name) const;
  /// Errors: InvalidArgument (the value is neither true nor false).
  Result<bool> Flag(std::string_view name, bool absent) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// "tableVersion" → "table_version".
std::string SnakeCase(std::string_view name);

}  // namespace yummy::server
