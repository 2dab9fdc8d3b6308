#pragma once
// The rows of data files that stay when others of the same files are changed without deletion vectors.

#include <functional>
#include <memory>
#include <vector>

#include "yummy/base/executor.h"
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
  delta::DeletionVectorRef gone;  // shared: with the reader of the file
};

/// Reads a part of the rows and hands each chunk to the function; returns when no rows are left.
using ReadPartOfRows = std::function<void(const std::function<void(duckdb::DataChunk&)>& write)>;

/// Reads the rows of `files` that stay, in the columns of the snapshot's schema. Calls `on_thread` once on each of
/// several threads, as many as the engine has, or on this one if there is no executor. Throws what the scan of a query
/// throws, and what `on_thread` throws.
void ReadKeptRows(duckdb::ClientContext& context, const ScanSource& source, delta::SnapshotRef snapshot,
                  const std::vector<FileToCopy>& files, Executor* executor,
                  const std::function<void(const ReadPartOfRows&)>& on_thread);

}  // namespace yummy::duck
