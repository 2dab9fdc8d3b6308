#pragma once
// The rows of data files that stay when others of the same files are changed without deletion vectors.

#include <functional>
#include <memory>
#include <vector>

#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/state/instance_info.h"

namespace yummy::duck {

/// Where the files of a table are scanned from.
struct ScanSource {
  InstanceInfo* instance = nullptr;
  size_t store_ordinal = 0;
  const duckdb::TableFunction* scan_template = nullptr;  // of MakeScanTemplate
  duckdb::TableCatalogEntry* table = nullptr;
};

/// A file, and the rows of it that do not stay: those deleted before, and those changed now.
struct FileToCopy {
  delta::FileId id = 0;
  std::shared_ptr<const delta::DeletionVector> gone;  // shared: with the reader of the file
};

/// Reads the rows of `files` that stay, in the columns of the snapshot's schema, and hands each chunk to `write`.
/// Throws what the scan of a query throws.
void ReadKeptRows(duckdb::ClientContext& context, const ScanSource& source, delta::SnapshotRef snapshot,
                  const std::vector<FileToCopy>& files, const std::function<void(duckdb::DataChunk&)>& write);

}  // namespace yummy::duck
