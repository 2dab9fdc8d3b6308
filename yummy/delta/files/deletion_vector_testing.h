#pragma once
// Deletion vectors as bytes, for tests: written here by the format of the protocol, not by the code under test.

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

namespace yummy::delta {

/// The lowest `bytes` bytes of the value, little-endian.
std::string Little(uint64_t value, size_t bytes);

/// The payload of a set of rows (PROTOCOL.md, "Deletion Vector Format"): the magic number, then 32-bit bitmaps by their
/// keys.
std::string VectorPayload(const std::set<uint64_t>& rows, bool run_optimize = false);

/// The payload as it stands in a file: its size, itself, its checksum.
std::string VectorInFile(const std::string& payload);

}  // namespace yummy::delta
