#pragma once
// Writes deletion vectors for tests, straight from the format of the protocol and without the code under test.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace yummy::delta {

/// The lowest `bytes` bytes of the value, little-endian.
std::string Little(uint64_t value, size_t bytes);

/// The payload of a set of rows (PROTOCOL.md, "Deletion Vector Format"): the magic number, then 32-bit bitmaps by key.
std::string VectorPayload(const std::set<uint64_t>& rows, bool run_optimize = false);

/// The payload as a file holds it: its size, the payload, its checksum.
std::string VectorInFile(const std::string& payload);

}  // namespace yummy::delta
