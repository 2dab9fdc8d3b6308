#include "yummy/server/http/request.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/base/url.h"
#include "yummy/lake/name.h"

namespace yummy::server {

namespace {

Error InvalidQuery(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(Reason::kInvalidQuery);
}

Result<void> ParseQuery(std::string_view text, Request& request) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    std::string pair(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    std::replace(pair.begin(), pair.end(), '+', ' ');
    const size_t equals = std::min(pair.find('='), pair.size());
    auto key = PercentDecode(std::string_view(pair).substr(0, equals));
    auto value = PercentDecode(std::string_view(pair).substr(std::min(equals + 1, pair.size())));
    if (!key.ok() || !value.ok() || !IsUtf8(*key) || !IsUtf8(*value)) {
      return InvalidQuery(fmt::format("the query parameter '{}' is not percent-encoded UTF-8",
                                      pair.substr(0, std::min<size_t>(equals, 80))));
    }
    request.query.emplace_back(std::move(*key), std::move(*value));
  }
  return {};
}

}  // namespace

Result<void> ParseTarget(std::string_view target, Request& request) {
  const size_t fragment = target.find('#');
  if (fragment != std::string_view::npos) target = target.substr(0, fragment);
  // The absolute form that proxies use (RFC 9112, 3.2.2).
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const size_t slash = target.find('/', target.find("//") + 2);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  if (!target.starts_with('/')) {
    return Error(ErrorCode::kInvalidArgument, "the request target is not a path").WithReason(Reason::kInvalidTarget);
  }
  const size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, question - 1);
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    auto segment = PercentDecode(path.substr(0, slash));
    if (!segment.ok()) return std::move(segment).error().WithReason(Reason::kInvalidName);
    TRY(lake::CheckName(*segment));
    request.path.push_back(std::move(*segment));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return ParseQuery(target.substr(std::min(question + 1, target.size())), request);
}

std::string SnakeCase(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (std::isupper(static_cast<unsigned char>(c))) {
      if (!result.empty()) result += '_';
      result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result;
}

Result<QueryParameters> QueryParameters::Parse(const Request& request, const std::vector<std::string>& known) {
  QueryParameters parameters;
  for (const auto& [key, value] : request.query) {
    std::string name = SnakeCase(key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const auto nearest = NearestName(name, known);
      Error error(ErrorCode::kInvalidArgument, fmt::format("unknown query parameter '{}'", key));
      if (nearest) error = std::move(error).With("hint", fmt::format("did you mean '{}'?", *nearest));
      return std::move(error).WithReason(Reason::kUnknownParameter);
    }
    if (parameters.Find(name)) return InvalidQuery(fmt::format("the query parameter '{}' is given twice", key));
    parameters.values_.emplace_back(std::move(name), value);
  }
  return parameters;
}

std::optional<std::string_view> QueryParameters::Find(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  return {};
}

Result<bool> QueryParameters::Flag(std::string_view name, bool absent) const {
  const auto value = Find(name);
  if (!value) return absent;
  if (*value == "true") return true;
  if (*value == "false") return false;
  return InvalidQuery(
      fmt::format("the query parameter '{}' must be true or false, not '{}'", name, value->substr(0, 80)));
}

}  // namespace yummy::server
