#pragma once
// Paths in the log (PROTOCOL.md, "Add File and Remove File", P2 and P3): URI-encoded, relative to the table or
// absolute.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

/// The path of a data file within its store. `log_path` is decoded once. A relative path is put below `table_path`; an
/// absolute one (file:/…, s3://…, /…) must lie inside the store's root. Errors: Corrupt (empty, bad escape),
/// PermissionDenied (reason PATH_OUTSIDE_TABLE).
Result<std::string> ResolveLogPath(const store::ObjectStore& store, std::string_view table_path,
                                   std::string_view log_path);

/// The decoded form in which paths are compared. file:///x and file:/x become equal.
Result<std::string> NormalizeLogPath(std::string_view log_path);

/// Encodes a decoded relative path for the log.
std::string EncodeLogPath(std::string_view path);

/// "name=value/" for each partition column, Hive-escaped, with __HIVE_DEFAULT_PARTITION__ for null. The result is
/// decoded; EncodeLogPath encodes it. Readers treat paths as opaque, so the folders only serve people: a long value is
/// cut, and a folder that would still be too long for a store is left out.
std::string PartitionFolder(const PartitionValues& values);

/// True when no segment of the path is empty or ".".
bool IsCleanPath(std::string_view path);

/// table_path + "/_delta_log/", with the last slash; and files in it. Versions have 20 digits.
std::string LogFolder(std::string_view table_path);
std::string CommitPath(std::string_view table_path, int64_t version);
std::string ChecksumPath(std::string_view table_path, int64_t version);

}  // namespace yummy::delta
