#pragma once
// Where a Parquet file has its column chunks, for reading them ahead: the footer, decoded. What it says is only ever a
// hint: DuckDB reads the footer itself, and nothing is left out because of this one.

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

/// What follows the footer: its length and the magic word.
inline constexpr uint64_t kParquetEndBytes = 8;

/// The footer's length by the file's last bytes; absent when they end no Parquet file.
std::optional<uint64_t> ParquetFooterBytes(std::span<const std::byte, kParquetEndBytes> end);

/// A column that a scan reads.
struct WantedColumn {
  std::vector<std::string> path;    // physical names, from the top; ends above the leaves when all below is wanted
  std::optional<int32_t> field_id;  // finds the column in place of path.front()
  bool filtered = false;            // the scan reads it first, and the others where a row passed
};

/// Immutable: safe from several threads.
class ParquetLayout {
 public:
  /// `footer` without the bytes that follow it. Errors: Corrupt.
  static Result<std::shared_ptr<const ParquetLayout>> Parse(std::span<const std::byte> footer, uint64_t file_bytes);
  ~ParquetLayout();

  size_t row_groups() const;
  /// From its first to its last column chunk.
  store::ByteRange RowGroup(size_t row_group) const;
  /// Empty when the footer lies about it.
  store::ByteRange Chunk(size_t row_group, size_t leaf) const;

  struct Leaf {
    size_t leaf = 0;
    bool filtered = false;
  };
  std::vector<Leaf> LeavesOf(const std::vector<WantedColumn>& columns) const;

  /// False when the statistics of the row group exclude that a row passes. Names columns by `schema`.
  bool MayMatch(size_t row_group, const delta::Predicate& predicate, const delta::Schema& schema) const;

  /// Its memory, roughly.
  uint64_t size_bytes() const;

 private:
  struct State;
  explicit ParquetLayout(std::unique_ptr<State> state);
  const std::unique_ptr<State> state_;
};

}  // namespace yummy::fetch
