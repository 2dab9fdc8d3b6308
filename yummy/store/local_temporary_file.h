#pragma once
// The local store writes into a file that no list shows, and then gives it the object's name in one step.

#include <memory>
#include <string>
#include <string_view>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/store/local_file.h"
#include "yummy/store/object_store.h"

namespace yummy::store {

class Sweep;

/// The bytes of an object that is being written. The destructor removes the file if it was not published, and the
/// folders made for it.
class TemporaryFile {
 public:
  /// `root` and `sweep` must outlive the file.
  static Result<std::unique_ptr<TemporaryFile>> Make(const Descriptor& root, std::string_view path, Sweep& sweep);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  Result<void> Write(const Context& context, std::string_view bytes);

  /// Makes the object durable and visible. Call it once; it is refused after a Write that failed.
  /// Errors: AlreadyExists (kCreate), OutcomeUnknown (may have been applied). After any other error it was not applied.
  Result<ObjectMeta> Publish(const Context& context, PutMode mode);

 private:
  TemporaryFile(const Descriptor& root, std::string_view path);
  Result<void> Create(Sweep& sweep);
  Result<void> Link(const struct stat& status);
  Result<void> RenameToAbsent(const struct stat& status);
  Result<void> Rename(const struct stat& status);
  Result<void> CheckAbsent() const;
  bool HasItsName(const struct stat& status) const;
  Error NameError(int error) const;
  void Discard();

  const Descriptor& root_;
  const std::string path_;
  const std::string name_;      // name of the object within its folder
  std::string temporary_name_;  // empty once the file is gone
  FolderToWrite folder_;
  Descriptor file_;
  bool has_failed_ = false;
  bool is_published_ = false;
};

}  // namespace yummy::store
