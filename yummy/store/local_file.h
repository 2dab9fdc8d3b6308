#pragma once
// Files of the local store: descriptors, opening beneath the root, errno as an Error.

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <string_view>
#include <utility>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// An open file, closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  bool is_open() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

/// A file that was opened, or the errno that says why not.
struct OpenResult {
  Descriptor file;
  int error = 0;
};

/// Opens `path` (empty: the root itself) for reading or with O_PATH. The kernel resolves it beneath the root: a
/// symbolic link that leads outside gives EXDEV, and links in a circle give ELOOP.
OpenResult OpenBeneath(const Descriptor& root, std::string_view path, int flags);

struct FolderToWrite {
  Descriptor folder;
  bool was_made = false;
};
/// Opens the folder `path`. Missing folders are made on the way and flushed to disk.
Result<FolderToWrite> OpenFolderToWrite(const Descriptor& root, std::string_view path);

/// Removes the folder if it is empty, and then each folder above it that became empty; never the root.
void RemoveEmptyFolders(const Descriptor& root, std::string_view path);

/// Flushes a folder, so that its entries are on disk. Returns 0 or an errno.
int SyncFolder(const Descriptor& folder);

/// The error of a failed call on an object: "cannot read a/b: Permission denied", with the code and reason that fit the
/// errno.
Error ErrnoError(int error, std::string_view verb, std::string_view path);
Error NoObjectError(std::string_view path);

ObjectMeta MetaOf(std::string_view path, const struct stat& status);

/// Repeats a system call while signals interrupt it.
template <typename Call>
auto Uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// "a/b" of "a/b/c"; "" of "c".
std::string_view FolderOf(std::string_view path);
/// "c" of "a/b/c".
std::string_view NameOf(std::string_view path);

}  // namespace yummy::store
