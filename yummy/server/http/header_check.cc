#include "yummy/server/http/header_check.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "yummy/base/text.h"
#include "yummy/lake/name.h"

namespace yummy::server {

namespace {

Error Refuse(Reason reason, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(reason);
}

constexpr std::string_view kSpaces = " \t";  // RFC 9110 §5.6.3: optional whitespace

Result<void> CheckFraming(const std::vector<HeaderLine>& lines, const HeaderCheck& check) {
  size_t lengths = 0;
  size_t codings = 0;
  for (const auto& [name, value] : lines) {
    if (EqualsIgnoringCase(name, "content-length")) {
      const bool digits = !value.empty() && value.size() <= 19 &&
                          std::all_of(value.begin(), value.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
      if (!digits) return Refuse(Reason::kBadFraming, "Content-Length is not a number of bytes");
      if (++lengths > 1) return Refuse(Reason::kBadFraming, "Content-Length is given twice");
    } else if (EqualsIgnoringCase(name, "transfer-encoding")) {
      if (check.http_1_0) return Refuse(Reason::kBadFraming, "HTTP/1.0 knows no Transfer-Encoding");
      if (++codings > 1) return Refuse(Reason::kBadFraming, "Transfer-Encoding is given twice");
      if (!EqualsIgnoringCase(Trimmed(value, kSpaces), "chunked")) {
        const bool list = value.find(',') != std::string_view::npos;
        return Refuse(list ? Reason::kBadFraming : Reason::kUnknownTransferCoding,
                      "the only Transfer-Encoding is chunked");
      }
    }
  }
  if (lengths > 0 && codings > 0)
    return Refuse(Reason::kBadFraming, "Content-Length and Transfer-Encoding exclude each other");
  return {};
}

// The host without its port, in lower case; empty if it is not a host.
std::string HostName(std::string_view value) {
  const auto valid = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~:[]%!$&'()*+,;=").find(c) != std::string_view::npos;
  };
  if (value.empty() || !std::all_of(value.begin(), value.end(), valid)) return "";
  // Colons within brackets belong to an IPv6 address.
  const size_t name_end = value.front() == '[' ? value.find(']') + 1 : std::min(value.find(':'), value.size());
  const std::string_view rest = value.substr(name_end);
  if (name_end == 0 || (!rest.empty() && rest.front() != ':')) return "";
  if (!std::all_of(rest.begin() + (rest.empty() ? 0 : 1), rest.end(),
                   [](unsigned char c) { return std::isdigit(c) != 0; }))
    return "";
  return LowerCase(value.substr(0, name_end));
}

Result<void> CheckHost(const std::vector<HeaderLine>& lines, const HeaderCheck& check) {
  const HeaderLine* host = nullptr;
  for (const auto& line : lines) {
    if (!EqualsIgnoringCase(line.name, "host")) continue;
    if (host != nullptr) return Refuse(Reason::kBadHost, "Host is given twice");
    host = &line;
  }
  if (host == nullptr) {
    if (check.http_1_0) return {};
    return Refuse(Reason::kBadHost, "Host is missing");
  }
  const std::string name = HostName(Trimmed(host->value, kSpaces));
  if (name.empty()) return Refuse(Reason::kBadHost, "Host is not a name and a port");
  const auto& server = check.config->server;
  if (!check.loopback && server.hosts.empty()) return {};
  const bool ours = name == "localhost" || name == "127.0.0.1" || name == "[::1]" || name == LowerCase(server.host) ||
                    std::any_of(server.hosts.begin(), server.hosts.end(),
                                [&](const auto& other) { return LowerCase(other) == name; });
  if (!ours) return Refuse(Reason::kMisdirected, fmt::format("this server does not answer for the host '{}'", name));
  return {};
}

}  // namespace

Result<void> CheckHeaderSize(const std::vector<HeaderLine>& lines, const lake::LimitsConfig& limits) {
  if (lines.size() > limits.header_lines) {
    return Refuse(Reason::kHeadersTooLarge, fmt::format("more than {} header lines", limits.header_lines));
  }
  uint64_t bytes = 0;
  for (const auto& line : lines) bytes += line.name.size() + line.value.size() + 4;  // ": " and the line end
  if (bytes > limits.header_bytes) {
    return Refuse(Reason::kHeadersTooLarge,
                  fmt::format("the header is larger than the limit of {} bytes", limits.header_bytes));
  }
  return {};
}

Result<void> CheckHeader(std::string_view target, const std::vector<HeaderLine>& lines, const HeaderCheck& check) {
  const auto& limits = check.config->limits;
  if (target.size() > limits.uri_bytes) {
    return Refuse(Reason::kUriTooLong,
                  fmt::format("the request target is longer than the limit of {} bytes", limits.uri_bytes));
  }
  TRY(CheckHeaderSize(lines, limits));
  TRY(CheckFraming(lines, check));
  TRY(CheckHost(lines, check));
  for (const auto& line : lines) {
    if (EqualsIgnoringCase(line.name, "expect") && !EqualsIgnoringCase(Trimmed(line.value, kSpaces), "100-continue")) {
      return Refuse(Reason::kExpectationFailed, "the only expectation is 100-continue");
    }
    if (EqualsIgnoringCase(line.name, "content-encoding") &&
        !EqualsIgnoringCase(Trimmed(line.value, kSpaces), "identity")) {
      return Refuse(Reason::kUnsupportedMediaType, "compressed bodies are not supported");
    }
  }
  return {};
}

MediaType ParseMediaType(std::string_view value) {
  MediaType result;
  const size_t semicolon = std::min(value.find(';'), value.size());
  result.type = LowerCase(Trimmed(value.substr(0, semicolon), kSpaces));
  std::string_view rest = value.substr(semicolon);
  while (!rest.empty()) {
    rest.remove_prefix(1);
    std::string_view parameter = Trimmed(rest.substr(0, rest.find(';')));
    rest.remove_prefix(std::min(rest.find(';'), rest.size()));
    if (parameter.size() < 8 || !EqualsIgnoringCase(parameter.substr(0, 8), "charset=")) continue;
    parameter = Trimmed(parameter.substr(8), kSpaces);
    if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"')
      parameter = parameter.substr(1, parameter.size() - 2);
    result.charset = LowerCase(parameter);
  }
  return result;
}

}  // namespace yummy::server
