#pragma once
// URLs and percent-encoding (RFC 3986).

#include <string>
#include <string_view>

#include "yummy/base/result.h"

namespace yummy {

/// scheme://authority/path; for file URLs and plain paths the authority is empty. The path is decoded.
struct Url {
  std::string scheme;
  std::string authority;
  std::string path;

  /// Errors: InvalidArgument (no scheme, bad percent-escape, control characters).
  static Result<Url> Parse(std::string_view text);
};

/// True when `text` begins with a scheme and a colon, as in "s3://b/k" or "file:/x".
bool HasScheme(std::string_view text);

/// Replaces each %XX by its byte, once. Errors: InvalidArgument (an incomplete or non-hexadecimal escape, %00).
Result<std::string> PercentDecode(std::string_view text);

/// Escapes every byte but the unreserved characters of RFC 3986 and those in `keep`.
std::string PercentEncode(std::string_view text, std::string_view keep = "");

}  // namespace yummy
