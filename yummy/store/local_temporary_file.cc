#include "yummy/store/local_temporary_file.h"

#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "yummy/store/local_sweep.h"
#include "yummy/store/local_temporary_name.h"

namespace yummy::store {

namespace {

/// How often a race with another process is retried before it becomes an error.
constexpr int kAttemptsMax = 32;
/// After this many bytes a write checks its context.
constexpr size_t kWriteBytesMax = size_t{8} << 20;

}  // namespace

TemporaryFile::TemporaryFile(const Descriptor& root, std::string_view path)
    : root_(root), path_(path), name_(NameOf(path)) {}

Result<std::unique_ptr<TemporaryFile>> TemporaryFile::Make(const Descriptor& root, std::string_view path,
                                                           Sweep& sweep) {
  if (IsTemporaryName(NameOf(path))) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("cannot write {}: names that begin with '.' and end in '.tmp' are the store's own", path));
  }
  std::unique_ptr<TemporaryFile> file(new TemporaryFile(root, path));  // NOLINT: the constructor is private
  TRY(file->Create(sweep));
  return file;
}

TemporaryFile::~TemporaryFile() {
  Discard();
  if (folder_.was_made && !is_published_) RemoveEmptyFolders(root_, FolderOf(path_));
}

Result<void> TemporaryFile::Create(Sweep& sweep) {
  for (int attempt = 0; attempt < kAttemptsMax; attempt++) {
    FolderToWrite folder = TRY(OpenFolderToWrite(root_, FolderOf(path_)));
    folder.was_made = folder.was_made || folder_.was_made;
    folder_ = std::move(folder);
    std::string name = MakeTemporaryName();
    const int fd = Uninterrupted([&] {
      return openat(folder_.folder.fd(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    });
    if (fd >= 0) {
      file_ = Descriptor(fd);
      temporary_name_ = std::move(name);
      MarkAlive(file_);
      if (!folder_.was_made) sweep.Visit(folder_.folder, FolderOf(path_));
      return {};
    }
    // ENOENT: another process has removed the folder, which was empty.
    if (errno != ENOENT && errno != EEXIST) return ErrnoError(errno, "write", path_);
  }
  return Error(ErrorCode::kUnavailable, fmt::format("cannot write {}: its folder vanishes each time", path_));
}

Result<void> TemporaryFile::Write(const Context& context, std::string_view bytes) {
  assert(!is_published_);
  if (has_failed_)
    return Error(ErrorCode::kUnavailable, fmt::format("cannot write {}: an earlier write failed", path_));
  has_failed_ = true;
  while (!bytes.empty()) {
    TRY(context.Check());
    const std::string_view piece = bytes.substr(0, kWriteBytesMax);
    const ssize_t written = Uninterrupted([&] { return write(file_.fd(), piece.data(), piece.size()); });
    if (written < 0) return ErrnoError(errno, "write", path_);
    if (written == 0) return ErrnoError(EIO, "write", path_);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  has_failed_ = false;
  return {};
}

Result<ObjectMeta> TemporaryFile::Publish(const Context& context, PutMode mode) {
  assert(!is_published_);
  if (has_failed_)
    return Error(ErrorCode::kUnavailable, fmt::format("cannot write {}: an earlier write failed", path_));
  has_failed_ = true;
  // A writer that comes too late learns it here, without waiting for the disk. Only the link below decides.
  if (mode == PutMode::kCreate) TRY(CheckAbsent());
  if (Uninterrupted([&] { return fsync(file_.fd()); }) != 0) return ErrnoError(errno, "flush", path_);
  struct stat status = {};
  if (fstat(file_.fd(), &status) != 0) return ErrnoError(errno, "stat", path_);

  // This is the last point to stop: once the file has its name, the write is never reported as cancelled.
  TRY(context.Check());
  TRY(mode == PutMode::kCreate ? Link(status) : Rename(status));
  is_published_ = true;
  if (const int error = SyncFolder(folder_.folder); error != 0) {
    return Error(ErrorCode::kOutcomeUnknown, fmt::format("the object {} is there, but may not be on disk: {}", path_,
                                                         ErrnoError(error, "flush the folder of", path_).message()));
  }
  return MetaOf(path_, status);
}

/// Uses link(2), because rename(2) would replace an existing object.
Result<void> TemporaryFile::Link(const struct stat& status) {
  const int folder = folder_.folder.fd();
  if (linkat(folder, temporary_name_.c_str(), folder, name_.c_str(), 0) != 0) {
    const int error = errno;
    // NFS repeats a request when its answer is lost. Then the second try finds the link of the first, and says EEXIST.
    if (!HasItsName(status)) {
      if (error == EEXIST) {
        TRY(CheckAbsent());
        return Error(ErrorCode::kAlreadyExists, fmt::format("the object {} exists already", path_));
      }
      // A file system without hard links says EPERM (link(2)); an append-only folder gives the same error.
      if (error == EPERM || error == EOPNOTSUPP || error == ENOSYS) return RenameToAbsent(status);
      return NameError(error);
    }
  }
  Discard();
  return {};
}

Result<void> TemporaryFile::RenameToAbsent(const struct stat& status) {
  const int folder = folder_.folder.fd();
  if (renameat2(folder, temporary_name_.c_str(), folder, name_.c_str(), RENAME_NOREPLACE) != 0) {
    const int error = errno;
    if (error == EINVAL || error == ENOSYS) {
      return Error(ErrorCode::kUnsupported,
                   fmt::format("cannot create {}: the file system has neither hard links nor RENAME_NOREPLACE", path_))
          .WithReason(Reason::kStoreUnsafeForWrites);
    }
    if (!HasItsName(status)) {
      if (error == EEXIST) return Error(ErrorCode::kAlreadyExists, fmt::format("the object {} exists already", path_));
      return NameError(error);
    }
  }
  temporary_name_.clear();
  return {};
}

Result<void> TemporaryFile::Rename(const struct stat& status) {
  const int folder = folder_.folder.fd();
  if (renameat(folder, temporary_name_.c_str(), folder, name_.c_str()) != 0) {
    const int error = errno;
    if (!HasItsName(status)) return NameError(error);
  }
  temporary_name_.clear();
  return {};
}

Result<void> TemporaryFile::CheckAbsent() const {
  struct stat there = {};
  if (fstatat(folder_.folder.fd(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0) return {};
  if (S_ISDIR(there.st_mode)) return ErrnoError(EISDIR, "write", path_);
  return Error(ErrorCode::kAlreadyExists, fmt::format("the object {} exists already", path_));
}

bool TemporaryFile::HasItsName(const struct stat& status) const {
  struct stat there = {};
  return fstatat(folder_.folder.fd(), name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
         there.st_dev == status.st_dev && there.st_ino == status.st_ino;
}

/// An errno that names an obstacle means that nothing was applied. After EIO, ETIMEDOUT, ESTALE and the like, the
/// outcome is unknown.
Error TemporaryFile::NameError(int error) const {
  if (error == ENOENT) {
    return Error(ErrorCode::kUnavailable,
                 fmt::format("cannot write {}: someone has removed its temporary file", path_));
  }
  Error result = ErrnoError(error, "name", path_);
  if (result.code() != ErrorCode::kUnavailable) return result;
  return Error(ErrorCode::kOutcomeUnknown, result.message()).WithReason(result.reason());
}

void TemporaryFile::Discard() {
  if (temporary_name_.empty()) return;
  // If the file cannot be removed, it stays, but no list shows it.
  (void)unlinkat(folder_.folder.fd(), temporary_name_.c_str(), 0);
  temporary_name_.clear();
}

}  // namespace yummy::store
