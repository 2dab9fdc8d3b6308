#include "yummy/duck/border/duck_path.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>

namespace yummy::duck {
namespace {

// The characters of numbers, and of a local file's etag.
constexpr std::string_view kVersionCharacters = "-0123456789abcdef";

}  // namespace

std::string DuckPath(size_t store_ordinal, std::string_view store_path) {
  return fmt::format("{}{}/{}", kScheme, store_ordinal, store_path);
}

std::string DuckPath(size_t store_ordinal, const store::ObjectMeta& object) {
  const bool has_etag = !object.etag.empty() && object.etag.find_first_not_of(kVersionCharacters) == std::string::npos;
  const auto version = has_etag ? object.etag : fmt::format("{}-{}", object.size_bytes, object.modified_micros);
  return fmt::format("{}{}@{}/{}", kScheme, store_ordinal, version, object.path);
}

Result<StorePath> ParseDuckPath(std::string_view path) {
  const auto refuse = [&] {
    return Error(ErrorCode::kPermissionDenied, fmt::format("files cannot be opened by SQL: {}", path))
        .WithReason(Reason::kSqlNotAllowed);
  };
  if (!path.starts_with(kScheme)) return refuse();
  std::string_view rest = path.substr(kScheme.size());
  StorePath parsed;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), parsed.store_ordinal);
  auto slash = static_cast<size_t>(end - rest.data());
  if (error != std::errc() || slash == 0) return refuse();
  if (slash < rest.size() && rest[slash] == '@') slash = rest.find_first_not_of(kVersionCharacters, slash + 1);
  if (slash >= rest.size() || rest[slash] != '/') return refuse();
  parsed.path = rest.substr(slash + 1);
  TRY(store::CheckPath(parsed.path));
  return parsed;
}

std::string PathForPeople(const std::string& duck_path) {
  auto parsed = ParseDuckPath(duck_path);
  return parsed.ok() ? std::move(parsed->path) : duck_path;
}

}  // namespace yummy::duck
