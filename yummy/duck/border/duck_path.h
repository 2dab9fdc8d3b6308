#pragma once
// The names that files of our stores have within DuckDB: yummy://<store ordinal>/<path in the store, decoded>; those of
// a file to read with its version, yummy://<store ordinal>@<size>-<time of change>/<path in the store>.

#include <cstddef>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

inline constexpr std::string_view kScheme = "yummy://";

/// The name of a file to write: yummy://<ordinal>/<store_path>
std::string DuckPath(size_t store_ordinal, std::string_view store_path);
/// The name of a file to read, as the log or the store tells of it. Its version is part of it, the etag where that is
/// plain: DuckDB's caches know bytes by their file's name alone, and a path may be used again for other bytes, while a
/// scan still has the first ones in hand.
std::string DuckPath(size_t store_ordinal, const store::ObjectMeta& object);

struct StorePath {
  size_t store_ordinal = 0;
  std::string path;
};
/// The parts of a path. Errors: PermissionDenied (another scheme, no such form, a path that store::CheckPath refuses).
Result<StorePath> ParseDuckPath(std::string_view path);
/// The path in the store, for people; what is no such path as it is.
std::string PathForPeople(const std::string& duck_path);

}  // namespace yummy::duck
