#include "yummy/server/http/problem.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "yummy/base/json.h"
#include "yummy/base/text.h"

namespace yummy::server {

namespace {

constexpr size_t kTextBytesMax = 8 << 10;  // of a message or a detail, which a query may make arbitrarily long

struct CodeStatus {
  ErrorCode code;
  int status;
};
// Cancelled is for the access log only: the client has left.
constexpr std::array<CodeStatus, kErrorCodeCount> kCodeStatus = {{
    {ErrorCode::kInvalidArgument, 400},
    {ErrorCode::kNotFound, 404},
    {ErrorCode::kAlreadyExists, 409},
    {ErrorCode::kPreconditionFailed, 412},
    {ErrorCode::kConflict, 409},
    {ErrorCode::kUnauthenticated, 401},
    {ErrorCode::kPermissionDenied, 403},
    {ErrorCode::kUnsupported, 501},
    {ErrorCode::kCorrupt, 500},
    {ErrorCode::kResourceExhausted, 503},
    {ErrorCode::kUnavailable, 503},
    {ErrorCode::kDeadlineExceeded, 504},
    {ErrorCode::kCancelled, 499},
    {ErrorCode::kOutcomeUnknown, 503},
    {ErrorCode::kInternal, 500},
}};

bool IsNumberDetail(std::string_view key) {
  constexpr std::array<std::string_view, 8> kNumbers = {"line",    "column_number", "row",         "current_version",
                                                        "version", "position",      "http_status", "attempts"};
  return std::find(kNumbers.begin(), kNumbers.end(), key) != kNumbers.end();
}

bool IsInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc() && end == text.data() + text.size();
}

}  // namespace

int HttpStatus(const Error& error) {
  if (const int status = ReasonStatus(error.reason()); status != 0) return status;
  for (const auto& [code, status] : kCodeStatus) {
    if (error.code() == code) return status;
  }
  return 500;
}

std::string_view StatusText(int status) {
  switch (status) {
    case 200: return "OK";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

bool IsRetryable(const Error& error) {
  if (const auto retryable = error.detail("retryable"); !retryable.empty()) return retryable == "true";
  switch (error.code()) {
    case ErrorCode::kConflict: return error.reason() != Reason::kAppendOnly;
    case ErrorCode::kResourceExhausted: return HttpStatus(error) == 503;
    case ErrorCode::kUnavailable: return true;
    default: return false;
  }
}

std::string ProblemJson(const Error& error, std::string_view request_id) {
  const int status = HttpStatus(error);
  JsonWriter json;
  json.BeginObject();
  json.Key("type");
  json.String("about:blank");
  json.Key("title");
  json.String(StatusText(status));
  json.Key("status");
  json.Int(status);
  json.Key("detail");
  json.String(ReadableUtf8(Utf8Prefix(error.message(), kTextBytesMax)));
  json.Key("code");
  json.String(ErrorCodeName(error.code()));
  if (error.reason() != Reason::kNone) {
    json.Key("reason");
    json.String(error.reason_name());
  }
  json.Key("request_id");
  json.String(request_id);
  json.Key("retryable");
  json.Bool(IsRetryable(error));
  // In SQL the engine calls a place "line" and "column". In a body it is "location_line", because "column" is a column
  // of the table there.
  const bool in_sql = !error.detail("line").empty();
  for (const auto& [key, value] : error.details()) {
    if (key == "retryable" || key == "allow" || key == "location_line" || key == "location_column") continue;
    if (in_sql && (key == "line" || key == "column")) continue;
    json.Key(key);
    if (IsNumberDetail(key) && IsInteger(value)) {
      json.Raw(value);
    } else {
      json.String(ReadableUtf8(Utf8Prefix(value, kTextBytesMax)));
    }
  }
  if (const auto line = error.detail(in_sql ? "line" : "location_line"); IsInteger(line)) {
    json.Key("location");
    json.BeginObject();
    json.Key("line");
    json.Raw(line);
    if (const auto column = error.detail(in_sql ? "column" : "location_column"); IsInteger(column)) {
      json.Key("column");
      json.Raw(column);
    }
    json.EndObject();
  }
  json.EndObject();
  return json.Take();
}

}  // namespace yummy::server
