#include "yummy/store/local_file.h"

#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <iterator>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace yummy::store {

namespace {

/// How often a race with another process is retried before it becomes an error.
constexpr int kAttemptsMax = 32;

Error FolderError(int error, std::string_view path) {
  if (error == ENOTDIR) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("cannot make the folder {}: an object is in its place", path));
  }
  return ErrnoError(error, "open the folder", path);
}

/// Makes `path` and the missing folders above it. Returns whether it made any; another process may already have removed
/// them again.
Result<bool> MakeFolders(const Descriptor& root, std::string_view path) {
  Descriptor parent;
  bool was_made = false;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view folder = path.substr(0, end);
    OpenResult opened = OpenBeneath(root, folder, O_RDONLY | O_DIRECTORY);
    if (opened.error == ENOENT) {
      const Descriptor& above = parent.is_open() ? parent : root;
      const std::string name(path.substr(begin, end - begin));
      const int error = mkdirat(above.fd(), name.c_str(), 0777) == 0 ? 0 : errno;
      if (error == ENOENT) return was_made;
      if (error != 0 && error != EEXIST) return ErrnoError(error, "make the folder", folder);
      was_made = was_made || error == 0;
      // This is needed even if another process made the folder, because that process may not have flushed it yet.
      if (const int sync_error = SyncFolder(above); sync_error != 0)
        return ErrnoError(sync_error, "flush the folder of", folder);
      opened = OpenBeneath(root, folder, O_RDONLY | O_DIRECTORY);
      if (opened.error == ENOENT) return was_made;
    }
    if (opened.error != 0) return FolderError(opened.error, folder);
    parent = std::move(opened.file);
    begin = end + 1;
  }
  return was_made;
}

ErrorCode CodeOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return ErrorCode::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS:
    case EXDEV:
    case ELOOP: return ErrorCode::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM: return ErrorCode::kResourceExhausted;
    case EISDIR:
    case ENAMETOOLONG:
    case EILSEQ: return ErrorCode::kInvalidArgument;
    case ENOSYS:
    case EOPNOTSUPP: return ErrorCode::kUnsupported;
    default: return ErrorCode::kUnavailable;
  }
}

Reason ReasonOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return Reason::kObjectNotFound;
    case EACCES:
    case EPERM: return Reason::kStorePermission;
    case EROFS: return Reason::kStoreReadOnly;
    // openat2 says that the path leaves the root, or that links form a circle.
    case EXDEV:
    case ELOOP: return Reason::kPathOutsideTable;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return Reason::kStoreFull;
    case EMFILE:
    case ENFILE: return Reason::kTooManyOpenFiles;
    case ENAMETOOLONG: return Reason::kPathTooLong;
    case EIO: return Reason::kStoreIo;
    default: return Reason::kNone;
  }
}

void AppendHex(std::string& out, uint64_t number) {
  char digits[16];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), number, 16);
  out.append(digits, end.ptr);
}

}  // namespace

Descriptor::~Descriptor() {
  // After an fsync there is nothing left that close could report.
  if (fd_ >= 0) close(fd_);
}

OpenResult OpenBeneath(const Descriptor& root, std::string_view path, int flags) {
  // A buffer on the stack: the path must end in NUL, and an allocation would cost as much as the lookup.
  char terminated[PATH_MAX];
  if (path.size() >= sizeof(terminated)) return {.file = Descriptor(), .error = ENAMETOOLONG};
  if (path.empty()) path = ".";
  memcpy(terminated, path.data(), path.size());
  terminated[path.size()] = '\0';

  struct open_how how = {};
  // O_NONBLOCK: opening a named pipe must not wait for its writer. It changes nothing for regular files.
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK | O_NOCTTY));
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  // EAGAIN: a rename elsewhere during the lookup of "..", "userspace should retry" (openat2(2)).
  for (int attempt = 0;; attempt++) {
    const long fd = syscall(SYS_openat2, root.fd(), terminated, &how, sizeof(how));
    if (fd >= 0) return {.file = Descriptor(static_cast<int>(fd)), .error = 0};
    if ((errno != EAGAIN && errno != EINTR) || attempt == kAttemptsMax) return {.file = Descriptor(), .error = errno};
  }
}

Result<FolderToWrite> OpenFolderToWrite(const Descriptor& root, std::string_view path) {
  bool was_made = false;
  for (int attempt = 0; attempt < kAttemptsMax; attempt++) {
    OpenResult opened = OpenBeneath(root, path, O_RDONLY | O_DIRECTORY);
    if (opened.error == 0) return FolderToWrite{.folder = std::move(opened.file), .was_made = was_made};
    if (opened.error != ENOENT) return FolderError(opened.error, path);
    const bool was_made_now = TRY(MakeFolders(root, path));
    was_made = was_made || was_made_now;
  }
  return Error(ErrorCode::kUnavailable, fmt::format("cannot make the folder {}: it vanishes each time", path));
}

void RemoveEmptyFolders(const Descriptor& root, std::string_view path) {
  for (; !path.empty(); path = FolderOf(path)) {
    const OpenResult above = OpenBeneath(root, FolderOf(path), O_PATH | O_DIRECTORY);
    if (above.error != 0) return;
    // ENOTEMPTY is the usual end. After any other error an empty folder stays, which holds no object and does no harm.
    if (unlinkat(above.file.fd(), std::string(NameOf(path)).c_str(), AT_REMOVEDIR) != 0) return;
  }
}

int SyncFolder(const Descriptor& folder) {
  if (Uninterrupted([&] { return fsync(folder.fd()); }) == 0) return 0;
  // Some network file systems cannot flush a folder and say so with EINVAL (fsync(2)); their servers keep the entries.
  return errno == EINVAL ? 0 : errno;
}

Error ErrnoError(int error, std::string_view verb, std::string_view path) {
  Error result(CodeOf(error), fmt::format("cannot {} {}: {}", verb, path, std::generic_category().message(error)));
  return std::move(result).WithReason(ReasonOf(error));
}

Error NoObjectError(std::string_view path) {
  return Error(ErrorCode::kNotFound, fmt::format("no object {}", path)).WithReason(Reason::kObjectNotFound);
}

ObjectMeta MetaOf(std::string_view path, const struct stat& status) {
  ObjectMeta meta;
  meta.path = path;
  meta.size_bytes = static_cast<uint64_t>(status.st_size);
  meta.modified_micros = status.st_mtim.tv_sec * 1'000'000 + status.st_mtim.tv_nsec / 1000;
  meta.etag.reserve(3 * 16 + 2);
  AppendHex(meta.etag, status.st_ino);
  meta.etag += '-';
  AppendHex(meta.etag, meta.size_bytes);
  meta.etag += '-';
  AppendHex(meta.etag, static_cast<uint64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
                           static_cast<uint64_t>(status.st_mtim.tv_nsec));
  return meta;
}

std::string_view FolderOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace yummy::store
