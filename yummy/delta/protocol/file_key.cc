#include "yummy/delta/protocol/file_key.h"

#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

template <typename FileAction>
Result<std::string> KeyOf(const FileAction& file) {
  return MakeFileKey(file.path, file.deletion_vector ? &*file.deletion_vector : nullptr);
}

}  // namespace

Result<std::string> MakeFileKey(std::string_view log_path, const DeletionVectorDescriptor* deletion_vector) {
  std::string key = IsFileKey(log_path) ? std::string(log_path) : TRY(NormalizeLogPath(log_path));
  if (deletion_vector != nullptr) {
    key += '\0';
    key += deletion_vector->unique_id();
  }
  return key;
}

Result<std::string> MakeFileKey(const Add& add) { return KeyOf(add); }
Result<std::string> MakeFileKey(const Remove& remove) { return KeyOf(remove); }

std::string_view PathOfFileKey(std::string_view key) { return key.substr(0, key.find('\0')); }

bool IsFileKey(std::string_view log_path) {
  return !log_path.empty() && log_path[0] != '/' && log_path[0] != '.' &&
         log_path.find_first_of("%:") == std::string_view::npos && IsCleanPath(log_path);
}

}  // namespace yummy::delta
