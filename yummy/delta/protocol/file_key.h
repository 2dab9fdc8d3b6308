#pragma once
// What identifies a logical file (PROTOCOL.md, "Action Reconciliation"): its path and its deletion vector.

#include <string>
#include <string_view>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::delta {

/// The decoded path and, when the file has a deletion vector, '\0' and the vector's unique id. Sorted, the keys of one
/// path are neighbours, and the first of them is the lower bound of the path. Errors: Corrupt (empty path, bad escape).
Result<std::string> MakeFileKey(std::string_view log_path, const DeletionVectorDescriptor* deletion_vector);
Result<std::string> MakeFileKey(const Add& add);
Result<std::string> MakeFileKey(const Remove& remove);

/// The decoded path in a key.
std::string_view PathOfFileKey(std::string_view key);

/// True when the path, as the log has it, is the key of its file without a deletion vector: nothing is to be decoded.
bool IsFileKey(std::string_view log_path);

}  // namespace yummy::delta
