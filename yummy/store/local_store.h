#pragma once
// A folder of the local disk (or of a mounted file system that has hard links) as a store.

#include <memory>
#include <string>

#include "yummy/base/result.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

/// An object is a regular file. All access stays beneath the root, symbolic links included: one that leads out, or in
/// a circle, is refused with PermissionDenied (reason PATH_OUTSIDE_TABLE).
/// A write goes to a file `.….tmp` in the object's folder and becomes visible by link(2) or rename(2); file and folder
/// are flushed before it returns. A crash may leave such a file; no list shows it, and a later write into the folder
/// removes it when it is a day old and its writer is gone. Writing makes the folders it needs and Delete removes those
/// it empties, so that a folder is there as long as it holds an object. Reading changes nothing. A folder without
/// objects that someone else made is listed as a prefix. A list goes into no folder that is a symbolic link (two paths
/// would lead to one object, and links may form a circle), but may start in one.
class LocalStore final {
 public:
  /// Opens the store in the folder `root_path`, which must exist.
  /// Safe from several threads and processes; readers and uploads must not outlive the store.
  /// Errors: NotFound (no such folder), InvalidArgument (not a folder), PermissionDenied (reason STORE_PERMISSION),
  /// Unsupported (the kernel has no openat2: Linux 5.6).
  static Result<std::unique_ptr<ObjectStore>> Open(std::string root_path);

  LocalStore() = delete;
};

}  // namespace yummy::store
