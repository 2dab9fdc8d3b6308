#pragma once
// Checks the header of a request before anything else looks at it (RFC 9112, RFC 9110). Framing that two readers could
// understand differently is refused.

#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/lake/config.h"

namespace yummy::server {

struct HeaderLine {
  std::string_view name;
  std::string_view value;
};

struct HeaderCheck {
  const lake::Config* config = nullptr;
  bool loopback = true;  // bound to loopback only, so Host must be one of ours (against DNS rebinding)
  bool http_1_0 = false;
};

/// Checks the size of a header together with the trailers of a chunked body. Errors: InvalidArgument
/// (HEADERS_TOO_LARGE).
Result<void> CheckHeaderSize(const std::vector<HeaderLine>& lines, const lake::LimitsConfig& limits);

/// Errors: InvalidArgument with reason BAD_FRAMING, UNKNOWN_TRANSFER_CODING, BAD_HOST, MISDIRECTED, EXPECTATION_FAILED,
/// HEADERS_TOO_LARGE, URI_TOO_LONG.
Result<void> CheckHeader(std::string_view target, const std::vector<HeaderLine>& lines, const HeaderCheck& check);

/// "application/json; charset=UTF-8" → {"application/json", "utf-8"}.
struct MediaType {
  std::string type;
  std::string charset;
};
MediaType ParseMediaType(std::string_view value);

}  // namespace yummy::server
