#pragma once
// Bytes that never change, kept on local disk: for stores that are far away.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "yummy/base/context.h"
#include "yummy/base/result.h"

namespace yummy::store {

struct DiskCacheOptions {
  std::string folder;  // of its own: only this user may read it
  uint64_t size_bytes_max = uint64_t{1} << 30;
};

/// Entries by key, the least recently used dropped first. An entry's checksum and key are compared each time it is
/// read: what is damaged counts as absent, and so does everything when the disk fails. What a full disk does not take
/// is left out. Several processes may share a folder; each keeps to the limit by what it has seen. Safe from several
/// threads.
class DiskCache {
 public:
  /// Makes the folder, and finds what earlier processes left there.
  /// Errors: InvalidArgument (no folder, or one that others may write to); others when the disk does not take it.
  static Result<std::unique_ptr<DiskCache>> Open(const DiskCacheOptions& options);
  ~DiskCache();

  std::optional<std::string> Find(std::string_view key);
  void Insert(std::string_view key, std::string_view bytes);

  /// The entry, else what `read` gives; it becomes the entry if `may_keep` says so. Calls for one key share a read; the
  /// read of a request that was given up is no answer for the others.
  Result<std::string> Read(const Context& context, std::string_view key,
                           const std::function<Result<std::string>()>& read,
                           const std::function<bool(const std::string&)>& may_keep);

  /// On disk, as far as this process knows.
  uint64_t size_bytes() const;
  uint64_t hits() const;
  uint64_t misses() const;

 private:
  struct State;
  explicit DiskCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yummy::store
