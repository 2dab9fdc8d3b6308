#include "yummy/delta/files/deletion_vector_testing.h"

#include <map>
#include <vector>

#include <roaring.h>
#include <zlib.h>

namespace yummy::delta {
namespace {

std::string Big(uint32_t value) {
  const std::string little = Little(value, 4);
  return {little.rbegin(), little.rend()};
}

}  // namespace

std::string Little(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; i++) text += static_cast<char>(static_cast<unsigned char>(value >> (8 * i) & 0xFF));
  return text;
}

std::string VectorPayload(const std::set<uint64_t>& rows, bool run_optimize) {
  std::map<uint32_t, std::vector<uint32_t>> buckets;
  for (const uint64_t row : rows) buckets[static_cast<uint32_t>(row >> 32)].push_back(static_cast<uint32_t>(row));
  std::string payload = Little(1681511377, 4) + Little(buckets.size(), 8);
  for (const auto& [key, values] : buckets) {
    roaring_bitmap_t* bitmap = roaring_bitmap_of_ptr(values.size(), values.data());
    if (run_optimize) roaring_bitmap_run_optimize(bitmap);
    std::string bytes(roaring_bitmap_portable_size_in_bytes(bitmap), '\0');
    roaring_bitmap_portable_serialize(bitmap, bytes.data());
    roaring_bitmap_free(bitmap);
    payload += Little(key, 4) + bytes;
  }
  return payload;
}

std::string VectorInFile(const std::string& payload) {
  const auto crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(payload.data()), payload.size()));
  return Big(static_cast<uint32_t>(payload.size())) + payload + Big(crc);
}

}  // namespace yummy::delta
