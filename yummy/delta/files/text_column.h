#pragma once
// A column of texts in one block of memory.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yummy::delta {

/// The texts of many rows, back to back. An empty text means that the row has none.
class TextColumn {
 public:
  void Append(std::string_view text) {
    bytes_.append(text);
    ends_.push_back(bytes_.size());
  }
  void Reserve(size_t rows, size_t bytes) {
    ends_.reserve(rows);
    bytes_.reserve(bytes);
  }
  /// Makes `padding` bytes after the last text readable.
  void Pad(size_t padding) { bytes_.reserve(bytes_.size() + padding); }
  size_t size() const { return ends_.size(); }
  size_t bytes() const { return bytes_.size(); }
  std::string_view operator[](size_t row) const {
    const size_t begin = row == 0 ? 0 : ends_[row - 1];
    return {bytes_.data() + begin, ends_[row] - begin};
  }

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

}  // namespace yummy::delta
