#pragma once
// Deletion vectors (PROTOCOL.md, "Deletion Vectors" and "Deletion Vector Format").

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/store/object_store.h"

namespace yummy::delta {

/// An immutable set of row numbers of one file. Safe from several threads.
class DeletionVector {
 public:
  ~DeletionVector();
  DeletionVector(DeletionVector&&) noexcept;
  DeletionVector& operator=(DeletionVector&&) noexcept;

  /// Parses the payload: magic 1681511377 and a 64-bit roaring bitmap in portable form. Hostile bytes are refused.
  /// Errors: Corrupt (reason CORRUPT_DELETION_VECTOR).
  static Result<DeletionVector> Parse(std::string_view payload);

  uint64_t cardinality() const;
  bool Contains(uint64_t row) const;
  /// Writes to `kept` the offsets in [0, count) of rows start … start + count that are not deleted; returns how many.
  size_t SelectKept(uint64_t start, size_t count, uint32_t* kept) const;
  /// True when no row of [start, start + count) is deleted.
  bool IsClear(uint64_t start, uint64_t count) const;
  /// The highest row in the set; the set must not be empty.
  uint64_t max() const;
  /// The payload that Parse reads.
  std::string Serialize() const;

 private:
  friend class DeletionVectorBuilder;
  struct State;
  explicit DeletionVector(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

using DeletionVectorRef = std::shared_ptr<const DeletionVector>;

/// Collects rows of one file. Not safe from several threads.
class DeletionVectorBuilder {
 public:
  DeletionVectorBuilder();
  ~DeletionVectorBuilder();
  DeletionVectorBuilder(DeletionVectorBuilder&&) noexcept;
  DeletionVectorBuilder& operator=(DeletionVectorBuilder&&) noexcept;

  /// False when the row was there already.
  bool Add(uint64_t row);
  /// Adds all rows of a vector.
  void AddAll(const DeletionVector& vector);
  /// The rows so far; the builder is empty afterwards.
  DeletionVector Build();

 private:
  std::unique_ptr<DeletionVector::State> state_;
};

/// The path in the store of the file that holds a vector. The vector must not be inline. Errors: Corrupt,
/// PermissionDenied (reason PATH_OUTSIDE_TABLE).
Result<std::string> DeletionVectorPath(const store::ObjectStore& store, std::string_view table_path,
                                       const DeletionVectorDescriptor& descriptor);

/// Reads the vector that `descriptor` names, for the table at `table_path` of `store`.
/// Checks size, CRC-32, magic and cardinality. Every row must be below `rows`, unless that is unknown (< 0).
/// Errors: Corrupt (reason CORRUPT_DELETION_VECTOR), NotFound (reason MISSING_FILE), PermissionDenied (reason
/// PATH_OUTSIDE_TABLE).
Result<DeletionVector> ReadDeletionVector(const Context& context, store::ObjectStore& store,
                                          std::string_view table_path, const DeletionVectorDescriptor& descriptor,
                                          int64_t rows);

/// A vector to read, and the number of rows of its data file (< 0: unknown).
struct WantedVector {
  const DeletionVectorDescriptor* descriptor = nullptr;
  int64_t rows = -1;
};

/// As ReadDeletionVector, for vectors that all lie in one file. One request reads the range that they span. One result
/// per vector.
std::vector<Result<DeletionVector>> ReadDeletionVectors(const Context& context, store::ObjectStore& store,
                                                        std::string_view table_path,
                                                        std::span<const WantedVector> wanted);

/// The bytes of a file of vectors (PROTOCOL.md, "Deletion Vector File Storage Format"), and where each lies in it.
struct VectorFile {
  std::string bytes;
  std::vector<DeletionVectorDescriptor> descriptors;  // one per vector, in order
};

/// Lays out a file that holds `vectors`, below the table, with this UUID (text form) in its name.
VectorFile MakeVectorFile(std::string_view uuid, std::span<const DeletionVectorRef> vectors);

/// Z85 (ZeroMQ RFC 32) of bytes, which are padded with zeros to a multiple of 4; and back. Errors: Corrupt.
std::string Z85Encode(std::string_view bytes);
Result<std::string> Z85Decode(std::string_view text);

}  // namespace yummy::delta
