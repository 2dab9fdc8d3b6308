#include "yummy/store/local_store.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <set>

#include <fmt/format.h>

#include "yummy/store/local_file.h"
#include "yummy/store/local_list.h"
#include "yummy/store/local_sweep.h"
#include "yummy/store/local_temporary_file.h"

namespace yummy::store {

namespace {

/// After this many bytes a read checks its context.
constexpr size_t kReadBytesMax = size_t{8} << 20;
constexpr size_t kCopyBytes = size_t{1} << 20;

struct OpenObject {
  Descriptor file;
  struct stat status = {};
};

/// Opens the regular file `path`. Anything else is not an object.
Result<OpenObject> OpenForReading(const Descriptor& root, std::string_view path, int flags) {
  OpenObject object;
  OpenResult opened = OpenBeneath(root, path, flags);
  switch (opened.error) {
    case 0: break;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ENXIO: return NoObjectError(path);  // ENXIO: a socket
    default: return ErrnoError(opened.error, "open", path);
  }
  object.file = std::move(opened.file);
  if (fstat(object.file.fd(), &object.status) != 0) return ErrnoError(errno, "stat", path);
  if (!S_ISREG(object.status.st_mode)) return NoObjectError(path);
  return object;
}

/// Fills `out` from `offset` as far as the file reaches. The result is the number of bytes read.
Result<size_t> ReadFrom(const Context& context, const Descriptor& file, std::string_view path, uint64_t offset,
                        std::span<char> out) {
  size_t done = 0;
  while (done < out.size()) {
    if (done > 0) TRY(context.Check());
    const size_t length = std::min(out.size() - done, kReadBytesMax);
    const ssize_t read =
        Uninterrupted([&] { return pread(file.fd(), out.data() + done, length, static_cast<off_t>(offset + done)); });
    if (read < 0) return ErrnoError(errno, "read", path);
    if (read == 0) break;
    done += static_cast<size_t>(read);
  }
  return done;
}

/// The bytes of `range` as far as the file reaches.
Result<std::string> ReadRange(const Context& context, const OpenObject& object, std::string_view path,
                              ByteRange range) {
  const auto size = static_cast<uint64_t>(object.status.st_size);
  if (range.offset >= size) return std::string();
  std::string bytes(std::min(range.length, size - range.offset), '\0');
  const size_t read = TRY(ReadFrom(context, object.file, path, range.offset, bytes));
  bytes.resize(read);
  return bytes;
}

class LocalReader final : public ObjectReader {
 public:
  LocalReader(std::string_view path, OpenObject object) : path_(path), object_(std::move(object)) {}

  uint64_t size_bytes() const override { return static_cast<uint64_t>(object_.status.st_size); }

  Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) override {
    TRY(context.Check());
    if (offset > size_bytes() || out.size() > size_bytes() - offset) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("read beyond the end of {}: {} bytes from {}, it has {}",
                                                            path_, out.size(), offset, size_bytes()));
    }
    const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size());
    const size_t read = TRY(ReadFrom(context, object_.file, path_, offset, bytes));
    if (read == out.size()) return {};
    return Error(ErrorCode::kUnavailable,
                 fmt::format("the object {} has shrunk since it was opened: expected {} bytes from {}, found {}", path_,
                             out.size(), offset, read));
  }

 private:
  const std::string path_;
  const OpenObject object_;
};

class LocalUpload final : public Upload {
 public:
  LocalUpload(std::unique_ptr<TemporaryFile> file, PutMode mode) : file_(std::move(file)), mode_(mode) {}

  Result<void> Write(const Context& context, std::string_view bytes) override { return file_->Write(context, bytes); }
  Result<ObjectMeta> Finish(const Context& context) override { return file_->Publish(context, mode_); }

 private:
  const std::unique_ptr<TemporaryFile> file_;
  const PutMode mode_;
};

class LocalObjects final : public ObjectStore {
 public:
  LocalObjects(Descriptor root_folder, std::string root)
      : root_folder_(std::move(root_folder)), root_(std::move(root)) {}

  Result<std::string> Get(const Context& context, std::string_view path, std::optional<ByteRange> range) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const OpenObject object = TRY(OpenForReading(root_folder_, path, O_RDONLY));
    return ReadRange(context, object, path, range.value_or(ByteRange{.offset = 0, .length = UINT64_MAX}));
  }

  /// Positional reads are cheap here, so it does not pay to read gaps for fewer of them.
  Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                             std::span<const ByteRange> ranges) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const OpenObject object = TRY(OpenForReading(root_folder_, path, O_RDONLY));
    std::vector<std::string> buffers;
    buffers.reserve(ranges.size());
    for (const ByteRange& range : ranges) {
      TRY(context.Check());
      buffers.push_back(TRY(ReadRange(context, object, path, range)));
    }
    return buffers;
  }

  Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                             std::optional<uint64_t> /*size_bytes*/) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    return std::make_unique<LocalReader>(path, TRY(OpenForReading(root_folder_, path, O_RDONLY)));
  }

  Result<ObjectMeta> Head(const Context& context, std::string_view path) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const OpenObject object = TRY(OpenForReading(root_folder_, path, O_PATH));
    return MetaOf(path, object.status);
  }

  Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes, PutMode mode) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    const auto file = TRY(TemporaryFile::Make(root_folder_, path, sweep_));
    TRY(file->Write(context, bytes));
    return file->Publish(context, mode);
  }

  Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) override {
    TRY(context.Check());
    TRY(CheckPath(path));
    return std::make_unique<LocalUpload>(TRY(TemporaryFile::Make(root_folder_, path, sweep_)), mode);
  }

  Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) override {
    TRY(context.Check());
    TRY(CheckPrefix(prefix));
    return ListFolders(context, root_folder_, prefix, options);
  }

  std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) override {
    std::vector<Result<void>> results;
    results.reserve(paths.size());
    std::set<std::string> folders;
    for (const std::string& path : paths) {
      const Result<bool> was_there = DeleteOne(context, path);
      results.push_back(was_there.ok() ? Result<void>() : Result<void>(was_there.error()));
      if (was_there.ok() && *was_there) folders.emplace(FolderOf(path));
    }
    for (const std::string& folder : folders) RemoveEmptyFolders(root_folder_, folder);
    return results;
  }

  Result<void> Copy(const Context& context, std::string_view source, std::string_view target) override {
    TRY(context.Check());
    TRY(CheckPath(source));
    TRY(CheckPath(target));
    const OpenObject object = TRY(OpenForReading(root_folder_, source, O_RDONLY));
    const auto file = TRY(TemporaryFile::Make(root_folder_, target, sweep_));
    std::string piece(kCopyBytes, '\0');
    for (uint64_t offset = 0;; offset += piece.size()) {
      const size_t read = TRY(ReadFrom(context, object.file, source, offset, piece));
      TRY(file->Write(context, std::string_view(piece).substr(0, read)));
      if (read < piece.size()) break;
    }
    TRY(file->Publish(context, PutMode::kOverwrite));
    return {};
  }

  Capabilities capabilities() const override { return {.create_is_atomic = true, .is_local = true}; }
  const std::string& root() const override { return root_; }

 private:
  /// The result tells whether there was an object.
  Result<bool> DeleteOne(const Context& context, const std::string& path) const {
    TRY(context.Check());
    TRY(CheckPath(path));
    const OpenResult folder = OpenBeneath(root_folder_, FolderOf(path), O_PATH | O_DIRECTORY);
    int error = folder.error;
    if (error == 0 && unlinkat(folder.file.fd(), std::string(NameOf(path)).c_str(), 0) != 0) error = errno;
    switch (error) {
      case 0: return true;
      case ENOENT:
      case ENOTDIR:
      case ENAMETOOLONG:
      case EISDIR: return false;  // a folder is no object
      default: return ErrnoError(error, "delete", path);
    }
  }

  const Descriptor root_folder_;
  const std::string root_;
  Sweep sweep_;
};

}  // namespace

Result<std::unique_ptr<ObjectStore>> LocalStore::Open(std::string root_path) {
  if (root_path.empty()) return Error(ErrorCode::kInvalidArgument, "the path of a local store is empty");
  Descriptor root(open(root_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open() && errno == ENOTDIR) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the root of a local store is not a folder: {}", root_path));
  }
  if (!root.is_open()) return ErrnoError(errno, "open the root of a local store", root_path);
  // A sandbox that does not know the call says EPERM.
  const int error = OpenBeneath(root, "", O_PATH).error;
  if (error == ENOSYS || error == EPERM) {
    return Error(ErrorCode::kUnsupported, "a local store needs openat2: Linux 5.6, and a sandbox that allows it");
  }
  if (error != 0) return ErrnoError(error, "open the root of a local store", root_path);
  if (!root_path.ends_with('/')) root_path += '/';
  return std::make_unique<LocalObjects>(std::move(root), std::move(root_path));
}

}  // namespace yummy::store
