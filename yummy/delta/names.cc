#include "yummy/delta/names.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace yummy::delta {

namespace {

// Longer names are not worth the quadratic time: no property is that long.
constexpr size_t kComparedBytesMax = 200;

// Levenshtein's distance, one row at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); j++) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  return lower;
}

std::string_view NearestName(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.size() > kComparedBytesMax) return {};
  const std::string lower = LowerCase(name);
  std::string_view nearest;
  size_t nearest_distance = lower.size() / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = EditDistance(lower, LowerCase(candidate));
    if (distance < nearest_distance) {
      nearest_distance = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace yummy::delta
