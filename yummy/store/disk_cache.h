#pragma once
// A cache on local disk for bytes that never change, in front of stores that are far away.

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
  std::string folder;  // used by nothing else; readable by this user only
  uint64_t size_bytes_max = uint64_t{1} << 30;
};

/// Entries by key; the least recently used is dropped first. Each read checks the checksum and the key of an entry. A
/// damaged entry counts as absent, and so do all entries when the disk fails. What does not fit on a full disk is not
/// cached. Several processes may share a folder; each applies the limit to the entries that it knows of. Safe from
/// several threads.
class DiskCache {
 public:
  /// Makes the folder, and finds the entries that earlier processes left there.
  /// Errors: InvalidArgument (not a folder, or one that other users may write to); others when the folder cannot be
  /// made.
  static Result<std::unique_ptr<DiskCache>> Open(const DiskCacheOptions& options);
  ~DiskCache();

  std::optional<std::string> Find(std::string_view key);
  void Insert(std::string_view key, std::string_view bytes);

  /// The entry, or the result of `read`, which becomes the entry if `may_keep` allows it. Concurrent calls for one key
  /// share a read. If the request that reads is cancelled, the others do not get its error; one of them reads again.
  Result<std::string> Read(const Context& context, std::string_view key,
                           const std::function<Result<std::string>()>& read,
                           const std::function<bool(const std::string&)>& may_keep);

  /// The bytes on disk, as far as this process knows.
  uint64_t size_bytes() const;
  uint64_t hits() const;
  uint64_t misses() const;

 private:
  struct State;
  explicit DiskCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace yummy::store
