#pragma once
// A decoded Parquet footer: where the column chunks are, in order to read them ahead. It is only a hint. DuckDB reads
// the footer itself, and no rows are skipped because of this copy.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "yummy/base/result.h"
#include "yummy/delta/files/predicate.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/store/object_store.h"

namespace yummy::fetch {

/// The size of the end of a file after the footer: the footer's length and the magic word.
inline constexpr uint64_t kParquetEndBytes = 8;

/// The footer's length, from the last bytes of the file; absent if they are not the end of a Parquet file.
std::optional<uint64_t> ParquetFooterBytes(std::span<const std::byte, kParquetEndBytes> end);

/// A column that a scan reads.
struct WantedColumn {
  std::vector<std::string> path;    // physical names from the top; a path above the leaves wants all leaves below it
  std::optional<int32_t> field_id;  // if present, finds the column instead of path.front()
  bool filtered = false;            // the scan reads it first, and other columns only where a row passed
};

/// Immutable: safe from several threads.
class ParquetLayout {
 public:
  /// `footer` without the bytes that follow it. Errors: Corrupt.
  static Result<std::shared_ptr<const ParquetLayout>> Parse(std::span<const std::byte> footer, uint64_t file_bytes);
  ~ParquetLayout();

  size_t row_groups() const;
  /// The bytes from the first to the last column chunk of a row group.
  store::ByteRange RowGroup(size_t row_group) const;
  /// The bytes of a column chunk; empty if the footer is wrong about it.
  store::ByteRange Chunk(size_t row_group, size_t leaf) const;

  struct Leaf {
    size_t leaf = 0;
    bool filtered = false;
  };
  std::vector<Leaf> LeavesOf(const std::vector<WantedColumn>& columns) const;

  /// False if the statistics of the row group prove that no row can pass. `schema` names the columns of the predicate.
  bool MayMatch(size_t row_group, const delta::Predicate& predicate, const delta::Schema& schema) const;

  /// The approximate memory that it takes.
  uint64_t size_bytes() const;

 private:
  struct State;
  explicit ParquetLayout(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace yummy::fetch
