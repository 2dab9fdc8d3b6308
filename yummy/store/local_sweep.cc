#include "yummy/store/local_sweep.h"

#include <dirent.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "yummy/base/logging.h"
#include "yummy/store/local_temporary_name.h"

namespace yummy::store {

namespace {

constexpr std::chrono::hours kSweepInterval{24};
/// Where locks do not work, only the age decides; no upload takes so long.
constexpr time_t kAbandonedSeconds = 24 * 60 * 60;
constexpr size_t kFoldersRememberedMax = 100'000;
constexpr size_t kDirentBufferBytes = size_t{32} << 10;

/// True when the file is old and its writer is gone.
bool IsAbandoned(const Descriptor& file) {
  struct stat status = {};
  if (fstat(file.fd(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  // Compares the file system's clock with ours. A file from the future counts as young.
  if (status.st_mtim.tv_sec > time(nullptr) - kAbandonedSeconds) return false;
  return flock(file.fd(), LOCK_EX | LOCK_NB) == 0 || errno == ENOLCK || errno == EOPNOTSUPP;
}

void RemoveIfAbandoned(const Descriptor& folder, const char* name) {
  const Descriptor file(openat(folder.fd(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.is_open() || !IsAbandoned(file)) return;
  // Only its writer uses this name, so no other file can have it meanwhile.
  if (unlinkat(folder.fd(), name, 0) == 0) Log(LogLevel::kInfo, "removed {}, which a killed writer left", name);
}

}  // namespace

void MarkAlive(const Descriptor& temporary_file) {
  // Nobody else can hold the lock. On a file system without locks this fails, and only the age decides.
  (void)flock(temporary_file.fd(), LOCK_EX | LOCK_NB);
}

bool Sweep::IsDue(std::string_view path) {
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard lock(mutex_);
  if (now - visited_since_ > kSweepInterval || visited_.size() >= kFoldersRememberedMax) visited_.clear();
  if (visited_.empty()) visited_since_ = now;
  return visited_.emplace(path).second;
}

void Sweep::Visit(const Descriptor& folder, std::string_view path) {
  if (!IsDue(path)) return;
  const Descriptor listed(openat(folder.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!listed.is_open()) return;
  alignas(dirent64) char buffer[kDirentBufferBytes];
  for (;;) {
    const ssize_t length = getdents64(listed.fd(), buffer, sizeof(buffer));
    if (length <= 0) return;
    for (ssize_t at = 0; at < length;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer + at);
      if (IsOwnTemporaryName(entry->d_name)) RemoveIfAbandoned(folder, entry->d_name);
      at += entry->d_reclen;
    }
  }
}

}  // namespace yummy::store
