#include "yummy/store/local_temporary_name.h"

#include <unistd.h>

#include <fmt/format.h>

#include "yummy/base/random.h"

namespace yummy::store {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace

std::string MakeTemporaryName() { return fmt::format(".{}-{}{}", Random::System().Uuid(), getpid(), kTemporarySuffix); }

bool IsTemporaryName(std::string_view name) { return name.starts_with('.') && name.ends_with(kTemporarySuffix); }

bool IsOwnTemporaryName(std::string_view name) {
  constexpr std::string_view kUuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  constexpr std::string_view kDigits = "0123456789";
  if (!IsTemporaryName(name) || name.size() <= 1 + kUuid.size() + 1 + kTemporarySuffix.size()) return false;
  name = name.substr(1, name.size() - 1 - kTemporarySuffix.size());
  for (const char expected : kUuid) {
    if (expected == '-' ? name.front() != '-' : kHexDigits.find(name.front()) == std::string_view::npos) return false;
    name.remove_prefix(1);
  }
  return name.front() == '-' && name.find_first_not_of(kDigits, 1) == std::string_view::npos;
}

}  // namespace yummy::store
