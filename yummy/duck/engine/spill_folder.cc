#include "yummy/duck/engine/spill_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/base/random.h"

namespace yummy::duck {
namespace {

constexpr std::string_view kNameBegin = "yummy-spill-";
constexpr const char* kLockName = "lock";
constexpr int kAttemptsMax = 8;  // another process may sweep a new folder away before it is locked

std::filesystem::path ParentFolder(const std::string& parent, std::error_code& error) {
  return parent.empty() ? std::filesystem::temp_directory_path(error) : std::filesystem::path(parent);
}

// Locks a folder, unless another process has the lock. Follows no links.
std::optional<int> TryLock(const std::filesystem::path& folder, int flags) {
  const int file =
      ::open((folder / kLockName).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, S_IRUSR | S_IWUSR);
  if (file < 0) return std::nullopt;
  if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
  const int reason = errno;
  ::close(file);
  errno = reason;
  return std::nullopt;
}

// False if a sweep that had the lock before us has removed the file.
bool IsStillThere(int lock, const std::filesystem::path& folder) {
  struct stat ours{};
  struct stat there{};
  return ::fstat(lock, &ours) == 0 && ::lstat((folder / kLockName).c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

bool IsOurs(const std::filesystem::path& folder) {
  struct stat status{};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

}  // namespace

Result<SpillFolder> SpillFolder::Make(const std::string& parent) {
  std::error_code error;
  const std::filesystem::path base = ParentFolder(parent, error);
  if (!error) std::filesystem::create_directories(base, error);
  std::string reason = error.message();
  for (int i = 0; !error && i < kAttemptsMax; i++) {
    const auto path = base / fmt::format("{}{}", kNameBegin, Random::System().Uuid());
    // Spilled data is as private as the tables.
    const bool made = ::mkdir(path.c_str(), S_IRWXU) == 0;
    const auto lock = made ? TryLock(path, O_CREAT) : std::nullopt;
    if (!lock) reason = strerror(errno);
    if (!made && errno != EEXIST) break;
    if (!made) continue;
    SpillFolder folder;
    folder.path_ = path.string();
    folder.lock_ = lock.value_or(-1);
    if (lock && IsStillThere(*lock, path)) return folder;
  }
  return Error(ErrorCode::kUnavailable,
               fmt::format("cannot make a folder for spilling in {}: {}", base.string(), reason));
}

SpillFolder::~SpillFolder() {
  std::error_code ignored;  // the next sweep removes what is left
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

SpillFolder::SpillFolder(SpillFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

SpillFolder& SpillFolder::operator=(SpillFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

void SweepSpillFolders(const std::string& parent) {
  std::error_code error;
  const std::filesystem::path base = ParentFolder(parent, error);
  std::filesystem::directory_iterator entries(base, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::filesystem::path folder = entries->path();
    if (!folder.filename().string().starts_with(kNameBegin) || !IsOurs(folder)) continue;
    const auto lock = TryLock(folder, 0);
    if (!lock) {
      if (errno == ENOENT) ::rmdir(folder.c_str());  // its process was killed before it made the lock, so it is empty
      continue;
    }
    std::error_code failure;
    std::filesystem::remove_all(folder, failure);
    ::close(*lock);
    Log(LogLevel::kInfo, "removed what a process that is gone had spilled: {}{}", folder.string(),
        failure ? ": " + failure.message() : "");
  }
}

}  // namespace yummy::duck
