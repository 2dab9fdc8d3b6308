#pragma once
// One store of objects: local disk, memory, the clouds. Every implementation passes store/testing.h.
// Paths are relative to the store's root, decoded, with '/' between segments:
// "sales/_delta_log/00000000000000000000.json".

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/base/result.h"

namespace yummy::store {

struct ObjectMeta {
  std::string path;
  uint64_t size_bytes = 0;
  int64_t modified_micros = 0;  // since the epoch, UTC; 0 from a put if the store does not say
  std::string etag;     // changes whenever the object does; on local disk it holds inode, size and mtime. Put, List and
                        // Head give the same etag
  std::string version;  // the store's own generation, where it has one
};

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

enum class PutMode {
  kOverwrite,
  kCreate,  // put-if-absent, atomic even between processes; the object is visible whole or not at all
};

struct ListOptions {
  std::string after;       // only paths, and with a delimiter only prefixes, greater than this in byte order
  bool delimiter = false;  // lists one level; deeper objects are reported as a prefix that ends in '/'
  size_t limit = 0;        // 0: all
};

struct ListPage {
  std::vector<ObjectMeta> objects;    // sorted by bytes of the path
  std::vector<std::string> prefixes;  // sorted; only with a delimiter
  bool truncated = false;             // the limit cut the list; continue with `after` = the last path or prefix
};

struct Capabilities {
  bool create_is_atomic = true;  // kCreate is known to be put-if-absent
  bool is_local = false;         // positional reads cost microseconds
};

/// An object opened for positional reads. Safe from several threads.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual uint64_t size_bytes() const = 0;
  /// Fills `out` from `offset`. Errors: InvalidArgument (beyond the end), NotFound, Unavailable, Corrupt (the object is
  /// shorter than its size says).
  virtual Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) = 0;
};

/// An object that is being written. Nothing is visible before Finish. The destructor aborts an unfinished upload.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> Write(const Context& context, std::string_view bytes) = 0;
  /// Makes the object durable and visible. Call it once; it is refused after a Write that failed.
  /// Errors: AlreadyExists (kCreate), OutcomeUnknown, Unavailable, ResourceExhausted.
  virtual Result<ObjectMeta> Finish(const Context& context) = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// The whole object, or its bytes in `range`. A range is cut at the end of the object, and is empty if it begins at
  /// the end or beyond.
  /// Errors: NotFound (reason OBJECT_NOT_FOUND), PermissionDenied, Unavailable.
  virtual Result<std::string> Get(const Context& context, std::string_view path,
                                  std::optional<ByteRange> range = {}) = 0;

  /// As Get, for an object that is known from a list or a log. The caller promises that the object never changes under
  /// its etag; without an etag, that it never changes under its path and size because its name is unique. So a cache
  /// may answer without a request.
  virtual Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                                       std::optional<ByteRange> range = {}) {
    return Get(context, object.path, range);
  }

  /// One buffer per range, in the order given. Ranges with a gap of up to 1 MiB are read together.
  virtual Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                                     std::span<const ByteRange> ranges);

  /// A known `size_bytes` saves a request to the store.
  virtual Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                                     std::optional<uint64_t> size_bytes = {}) = 0;

  /// As Open, for an object that is known from a log. The caller promises that its bytes never change under its path,
  /// size and modification time. So a cache may answer without a request.
  virtual Result<std::unique_ptr<ObjectReader>> OpenKnown(const Context& context, const ObjectMeta& object) {
    return Open(context, object.path, object.size_bytes);
  }

  /// Errors: NotFound.
  virtual Result<ObjectMeta> Head(const Context& context, std::string_view path) = 0;

  /// Writes an object. It is durable when this returns. Errors: AlreadyExists (kCreate), ResourceExhausted (no space),
  /// PermissionDenied, InvalidArgument (a name that the store cannot hold), Unavailable (definitely not applied),
  /// OutcomeUnknown (may have been applied: repeat the same kCreate, and read the object if it then exists).
  virtual Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes,
                                 PutMode mode) = 0;

  /// kCreate is as atomic as in Put, except for more than 8 MiB on Google Cloud Storage: there Finish may overwrite an
  /// object that another process makes at the same time.
  virtual Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) = 0;

  /// The objects whose path starts with `prefix` (a plain string prefix: end it in '/' for a folder).
  /// An absent folder lists as empty. A page is not a snapshot: of two objects that are written meanwhile, it may hold
  /// only the later one. Errors: PermissionDenied, Unavailable.
  virtual Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) = 0;

  /// Deletes objects and gives one result per path. An absent object counts as deleted.
  virtual std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) = 0;

  /// Makes `target` an object with the bytes of `source`, whole or not at all; it overwrites what is there. A store in
  /// the cloud copies the bytes itself. Errors: NotFound (no source), otherwise as Put.
  virtual Result<void> Copy(const Context& context, std::string_view source, std::string_view target) = 0;

  virtual Capabilities capabilities() const = 0;

  /// The root as the configuration names it, without secrets: "/data/lake/" or "s3://bucket/lake/".
  virtual const std::string& root() const = 0;
};

/// Refuses paths that must never reach a store: empty ones, absolute ones, and those with "..", ".", empty segments,
/// NUL, backslashes or control characters.
/// Errors: PermissionDenied (reason PATH_OUTSIDE_TABLE).
Result<void> CheckPath(std::string_view path);

/// The same for the prefix of a list, which may be empty, end in '/' or within a name.
Result<void> CheckPrefix(std::string_view prefix);

}  // namespace yummy::store
