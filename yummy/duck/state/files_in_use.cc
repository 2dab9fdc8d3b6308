#include "yummy/duck/state/files_in_use.h"

namespace yummy::duck {

void FilesInUse::Note(const DataFile& file) {
  std::scoped_lock lock(mutex_);
  DataFile& noted = files_[std::this_thread::get_id()];
  if (noted.path != file.path) noted = file;
}

void FilesInUse::Acquit() {
  std::scoped_lock lock(mutex_);
  files_.erase(std::this_thread::get_id());
}

void FilesInUse::Suspect() {
  std::scoped_lock lock(mutex_);
  auto found = files_.find(std::this_thread::get_id());
  if (found != files_.end() && !suspect_) suspect_ = found->second;
}

std::optional<DataFile> FilesInUse::suspect() const {
  std::scoped_lock lock(mutex_);
  return suspect_;
}

void FilesInUse::Clear() {
  const std::scoped_lock lock(mutex_);
  files_.clear();
  suspect_.reset();
}

}  // namespace yummy::duck
