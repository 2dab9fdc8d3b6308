#include "yummy/lake/name.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/base/text.h"
#include "yummy/base/url.h"

namespace yummy::lake {

namespace {

constexpr size_t kNameBytesMax = 255;
// DuckDB's own catalogues, and a route of the server: a store by one of these names could never be addressed.
constexpr std::array<std::string_view, 6> kReservedStores = {"main",  "system", "temp", "memory", "information_schema",
                                                             "health"};

Error Invalid(std::string_view name, std::string_view why) {
  std::string quoted;
  AppendJsonString(quoted, name.substr(0, 80));
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("invalid name {}: {}; use [A-Za-z0-9_.-] and spaces, at most 255 bytes", quoted, why))
      .WithReason(Reason::kInvalidName);
}

bool IsWordByte(unsigned char c) { return std::isalnum(c) != 0 || c == '_'; }

}  // namespace

Result<void> CheckName(std::string_view name) {
  if (name.empty()) return Invalid(name, "it is empty");
  if (name.size() > kNameBytesMax) return Invalid(name, "it is too long");
  if (name == "_delta_log") return Invalid(name, "it is the log's own folder");
  if (!IsUtf8(name)) return Invalid(name, "it is not UTF-8");
  if (name == "." || name.starts_with("..")) return Invalid(name, "it points to another folder");
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return Invalid(name, "it holds a control character");
    if (c == '/' || c == '\\') return Invalid(name, "it holds a slash");
  }
  // Code that decodes a name once too often must not end up at another place.
  const auto decoded =
      name.find('%') == std::string_view::npos ? Result<std::string>(std::string()) : PercentDecode(name);
  if (decoded.ok() && !decoded->empty() && *decoded != name && !CheckName(*decoded).ok())
    return Invalid(name, "percent-decoded it is no name");
  return {};
}

Result<void> CheckNewName(std::string_view name) {
  TRY(CheckName(name));
  const auto allowed = [](char c) { return IsWordByte(static_cast<unsigned char>(c)) || c == '-' || c == ' '; };
  if (!IsWordByte(static_cast<unsigned char>(name.front())))
    return Invalid(name, "it must begin with a letter, digit or underscore");
  if (name.find('.') != std::string_view::npos)
    return Invalid(name, "a new name holds no dot: the dot stands between schema and table");
  if (!std::all_of(name.begin(), name.end(), allowed))
    return Invalid(name, "it holds a character that new names may not have");
  if (name.back() == ' ') return Invalid(name, "it ends in a space");
  return {};
}

Result<void> CheckStoreName(std::string_view name) {
  TRY(CheckName(name));
  std::string dotless(name);
  std::replace(dotless.begin(), dotless.end(), '.', '_');
  TRY(CheckNewName(dotless));
  for (const auto reserved : kReservedStores) {
    if (EqualsIgnoringCase(name, reserved)) return Invalid(name, "it is reserved");
  }
  return {};
}

}  // namespace yummy::lake
