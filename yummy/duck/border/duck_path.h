#pragma once
// The names of our stores' files within DuckDB: yummy://<store ordinal>/<path in the store, decoded>. The name of a
// file to read also holds its version: yummy://<store ordinal>@<size>-<modification time>/<path in the store>.

#include <cstddef>
#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::duck {

inline constexpr std::string_view kScheme = "yummy://";

/// The name of a file to write: yummy://<ordinal>/<store_path>
std::string DuckPath(size_t store_ordinal, std::string_view store_path);
/// The name of a file to read, which a log or a list describes. It holds the file's version, and the etag if that has
/// plain characters only. DuckDB's caches identify bytes only by the name of their file, and a path may be used again
/// for other bytes while a scan still reads the old ones.
std::string DuckPath(size_t store_ordinal, const store::ObjectMeta& object);

struct StorePath {
  size_t store_ordinal = 0;
  std::string path;
};
/// The parts of a path. Errors: PermissionDenied (another scheme or form, or a path that store::CheckPath refuses).
Result<StorePath> ParseDuckPath(std::string_view path);
/// The path in the store, for messages. Any other text is returned unchanged.
std::string PathForPeople(const std::string& duck_path);

}  // namespace yummy::duck
