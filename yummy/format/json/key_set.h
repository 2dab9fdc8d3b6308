#pragma once
// The keys of one JSON object, in order to find a repeated one.

#include <cstddef>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace yummy::format {

/// Holds views, so the keys must outlive the set. Most objects have few keys, and walking over few is faster than
/// hashing.
class KeySet {
 public:
  /// False if the key is already there.
  bool Insert(std::string_view key) {
    if (!large_.empty()) return large_.insert(key).second;
    for (const auto known : small_) {
      if (known == key) return false;
    }
    small_.push_back(key);
    if (small_.size() > kSmallMax) large_.insert(small_.begin(), small_.end());
    return true;
  }

 private:
  static constexpr size_t kSmallMax = 16;
  std::vector<std::string_view> small_;
  std::unordered_set<std::string_view> large_;
};

}  // namespace yummy::format
