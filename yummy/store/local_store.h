#pragma once
// A folder of the local disk (or of a mounted file system that has hard links) as a store.

#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// An object is a regular file. All access stays beneath the root, even through symbolic links: a link that leads
/// outside, or in a circle, is refused with PermissionDenied (reason PATH_OUTSIDE_TABLE).
/// A write goes to a file `.….tmp` in the object's folder and becomes visible by link(2) or rename(2). File and folder
/// are flushed before the write returns. A crash may leave such a file. No list shows it, and a later write into the
/// folder removes it when it is a day old and its writer is gone.
/// Writing makes missing folders, and Delete removes folders that become empty. So a folder exists as long as it holds
/// an object. Reading changes nothing. An empty folder that someone else made is listed as a prefix.
/// A list does not descend into symbolic links to folders, because two paths would lead to one object and links may
/// form a circle. It may start in one.
class LocalStore final {
 public:
  /// Opens a store in the folder `root_path`, which must exist.
  /// Safe from several threads and processes; readers and uploads must not outlive the store.
  /// Errors: NotFound (no such folder), InvalidArgument (not a folder), PermissionDenied (reason STORE_PERMISSION),
  /// Unsupported (the kernel has no openat2: Linux 5.6).
  static Result<std::unique_ptr<ObjectStore>> Open(std::string root_path);

  LocalStore() = delete;
};

}  // namespace yummy::store
