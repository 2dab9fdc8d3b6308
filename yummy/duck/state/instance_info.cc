#include "yummy/duck/state/instance_info.h"

#include <algorithm>

#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

void RefusedFiles::Refuse(const std::string& path, uint64_t size_bytes) {
  std::scoped_lock lock(mutex_);
  files_.emplace(path, size_bytes);
}

Result<void> RefusedFiles::Check(const std::string& path, uint64_t size_bytes) const {
  std::scoped_lock lock(mutex_);
  if (!files_.contains({path, size_bytes})) return {};
  const std::string name = PathForPeople(path);
  return Error(ErrorCode::kCorrupt, "this data file brought the engine down before and is not read again: " + name)
      .WithReason(Reason::kCorruptDataFile)
      .With("path", name);
}

bool InstanceInfo::IsStore(const std::string& name) const {
  return std::any_of(lookup->stores.begin(), lookup->stores.end(),
                     [&](const Lookup::Store& store) { return duckdb::StringUtil::CIEquals(store.name, name); });
}

}  // namespace yummy::duck
