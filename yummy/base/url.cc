#include "yummy/base/url.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace yummy {

namespace {
int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// The length of a leading "scheme:" without its colon, or 0.
size_t SchemeLength(std::string_view text) {
  size_t i = 0;
  while (i < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '+' || text[i] == '-' || text[i] == '.'))
    i++;
  const bool valid = i > 1 && i < text.size() && text[i] == ':' && std::isalpha(static_cast<unsigned char>(text[0]));
  return valid ? i : 0;
}
}  // namespace

bool HasScheme(std::string_view text) { return SchemeLength(text) > 0; }

Result<Url> Url::Parse(std::string_view text) {
  const size_t scheme = SchemeLength(text);
  if (scheme == 0) return Error(ErrorCode::kInvalidArgument, "not a URL: no scheme in '" + std::string(text) + "'");
  const bool control =
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (control) return Error(ErrorCode::kInvalidArgument, "a URL holds a control character");
  Url url;
  url.scheme = std::string(text.substr(0, scheme));
  std::transform(url.scheme.begin(), url.scheme.end(), url.scheme.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view rest = text.substr(scheme + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const size_t slash = std::min(rest.find('/'), rest.size());
    url.authority = std::string(rest.substr(0, slash));
    rest.remove_prefix(slash);
  }
  url.path = TRY(PercentDecode(rest));
  return url;
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return Error(ErrorCode::kInvalidArgument, "bad percent-escape in '" + std::string(text) + "'");
    const char byte = static_cast<char>(high * 16 + low);
    if (byte == '\0') return Error(ErrorCode::kInvalidArgument, "%00 in '" + std::string(text) + "'");
    result += byte;
    i += 2;
  }
  return result;
}

std::string PercentEncode(std::string_view text, std::string_view keep) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c) || keep.find(c) != std::string_view::npos) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += '%';
      result += kHex[byte >> 4];
      result += kHex[byte & 15];
    }
  }
  return result;
}

}  // namespace yummy
