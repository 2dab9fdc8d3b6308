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
  int64_t modified_micros = 0;  // since the epoch, UTC; 0 from a put where the store does not tell
  std::string etag;     // changes whenever the object does: local disk has inode, size and mtime in it; the same
                        // from a put, a list and a question
  std::string version;  // a store's own generation, where it has one
};

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

enum class PutMode {
  kOverwrite,
  kCreate,  // put-if-absent, atomic also between processes; the object is visible whole or not at all
};

struct ListOptions {
  std::string after;       // only paths, and with a delimiter only prefixes, greater than this in byte order
  bool delimiter = false;  // one level: what lies deeper is reported as a prefix that ends in '/'
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
  /// Fills `out` from `offset`. Errors: InvalidArgument (beyond the end), NotFound, Unavailable, Corrupt (shorter than
  /// told).
  virtual Result<void> ReadAt(const Context& context, uint64_t offset, std::span<std::byte> out) = 0;
};

/// An object that is being written. Nothing is visible before Finish; the destructor aborts what is not finished.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Result<void> Write(const Context& context, std::string_view bytes) = 0;
  /// Makes the object durable and visible; to be called once, refused after a Write that failed.
  /// Errors: AlreadyExists (kCreate), OutcomeUnknown, Unavailable, ResourceExhausted.
  virtual Result<ObjectMeta> Finish(const Context& context) = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  /// The whole object, or `range` of it, cut at the end of the object: empty when it begins there or beyond.
  /// Errors: NotFound (reason OBJECT_NOT_FOUND), PermissionDenied, Unavailable.
  virtual Result<std::string> Get(const Context& context, std::string_view path,
                                  std::optional<ByteRange> range = {}) = 0;

  /// As Get, of an object that a list or a log told of and that never changes under its etag; without an etag: under
  /// its path and size, because its name is unique. A cache may answer without asking.
  virtual Result<std::string> GetKnown(const Context& context, const ObjectMeta& object,
                                       std::optional<ByteRange> range = {}) {
    return Get(context, object.path, range);
  }

  /// One buffer a range, in the order given; neighbours with a gap up to 1 MiB are read together.
  virtual Result<std::vector<std::string>> GetRanges(const Context& context, std::string_view path,
                                                     std::span<const ByteRange> ranges);

  /// `size_bytes`, when known, saves a question to the store.
  virtual Result<std::unique_ptr<ObjectReader>> Open(const Context& context, std::string_view path,
                                                     std::optional<uint64_t> size_bytes = {}) = 0;

  /// As Open, of an object that a log told of: its bytes never change under its path, size and time of change. A cache
  /// may answer without asking.
  virtual Result<std::unique_ptr<ObjectReader>> OpenKnown(const Context& context, const ObjectMeta& object) {
    return Open(context, object.path, object.size_bytes);
  }

  /// Errors: NotFound.
  virtual Result<ObjectMeta> Head(const Context& context, std::string_view path) = 0;

  /// Durable when it returns. Errors: AlreadyExists (kCreate), ResourceExhausted (no space), PermissionDenied,
  /// InvalidArgument (a name the store cannot hold), Unavailable (definitely not applied), OutcomeUnknown (may have
  /// been applied: settle it by the same kCreate again, and by reading what is there then).
  virtual Result<ObjectMeta> Put(const Context& context, std::string_view path, std::string_view bytes,
                                 PutMode mode) = 0;

  /// kCreate is as atomic as that of Put, but for more than 8 MiB on Google Cloud Storage: what another process makes
  /// while Finish runs may be overwritten.
  virtual Result<std::unique_ptr<Upload>> StartUpload(const Context& context, std::string_view path, PutMode mode) = 0;

  /// The objects whose path starts with `prefix` (a plain string prefix: end it in '/' for a folder).
  /// An absent folder lists as empty. A page is no snapshot: of two objects written while it was made, it may hold the
  /// later one alone. Errors: PermissionDenied, Unavailable.
  virtual Result<ListPage> List(const Context& context, std::string_view prefix, const ListOptions& options) = 0;

  /// A result for each path; an absent object is a success.
  virtual std::vector<Result<void>> Delete(const Context& context, std::span<const std::string> paths) = 0;

  /// Makes `target` an object of its own with the bytes of `source`, whole or not at all, whatever is there. A store in
  /// the cloud does it itself. Errors: NotFound (no source), else as Put.
  virtual Result<void> Copy(const Context& context, std::string_view source, std::string_view target) = 0;

  virtual Capabilities capabilities() const = 0;

  /// The root as the configuration names it, without secrets: "/data/lake/" or "s3://bucket/lake/".
  virtual const std::string& root() const = 0;
};

/// Refuses what must never reach a store: empty, absolute, "..", ".", empty segments, NUL, backslash, control
/// characters.
/// Errors: PermissionDenied (reason PATH_OUTSIDE_TABLE).
Result<void> CheckPath(std::string_view path);

/// The same for the prefix of a list, which may be empty, end in '/' or within a name.
Result<void> CheckPrefix(std::string_view prefix);

}  // namespace yummy::store
