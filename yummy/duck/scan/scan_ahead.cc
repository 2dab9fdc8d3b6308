#include "yummy/duck/scan/scan_ahead.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <duckdb/storage/external_file_cache.hpp>

#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/file/file_system.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/fetch/read_ahead.h"

namespace yummy::duck {
namespace {

/// Keeps the ReadAhead alive as long as the scan.
struct ScanState final : duckdb::MultiFileReaderGlobalState {
  ScanState(const DeltaFileList& list, std::shared_ptr<fetch::ReadAhead> fetched)
      : MultiFileReaderGlobalState({}, &list), read_ahead(std::move(fetched)) {}
  const std::shared_ptr<fetch::ReadAhead> read_ahead;  // shared: with threads that are opening a file
};

Result<fetch::FileToScan> ToFileToScan(const ScanInfo& scan, delta::FileId id) {
  auto object = TRY(DeltaFileList::ObjectOf(*scan.snapshot, scan.snapshot->file(id)));
  auto duck_path = DuckPath(scan.store_ordinal, object);
  return fetch::FileToScan{.id = id, .object = std::move(object), .duck_path = std::move(duck_path)};
}

/// True when DuckDB has the bytes in memory.
bool IsCached(duckdb::ExternalFileCache& cache, const std::string& duck_path, const store::ByteRange& range) {
  if (!cache.IsEnabled()) return false;
  const auto file = cache.GetOrCreateCachedFile(duck_path);
  const auto guard = file->lock.GetSharedLock();
  const auto& ranges = file->Ranges(guard);
  auto found = ranges.upper_bound(range.offset);
  while (found != ranges.begin()) {
    const auto& cached = *(--found)->second;
    if (cached.GetOverlap(range.length, range.offset) == duckdb::ExternalFileCache::CachedFileRangeOverlap::FULL) {
      return !cached.block_handle->GetMemory().IsUnloaded();
    }
    // No range lies within another, so a range that begins earlier also ends earlier.
    if (cached.location + cached.nr_bytes <= range.offset) return false;
  }
  return false;
}

/// The parts of a column that are read, by their physical names.
void AddPaths(const delta::Field& field, const duckdb::ColumnIndex& index, std::vector<std::string> path,
              std::vector<std::vector<std::string>>& paths) {
  path.push_back(field.physical_name());
  if (field.type.kind != delta::TypeKind::kStruct || !index.HasChildren()) {
    paths.push_back(std::move(path));
    return;
  }
  for (const auto& child : index.GetChildIndexes()) {
    if (child.GetPrimaryIndex() < field.type.fields.size()) {
      AddPaths(field.type.fields[child.GetPrimaryIndex()], child, path, paths);
    }
  }
}

std::vector<fetch::WantedColumn> WantedColumns(const ScanInfo& scan, const duckdb::TableFunctionInitInput& input) {
  const delta::Schema& schema = scan.snapshot->schema();
  const auto& partition_columns = scan.snapshot->partition_columns();
  std::vector<fetch::WantedColumn> wanted;
  for (duckdb::idx_t i = 0; i < input.column_indexes.size(); ++i) {
    const auto& index = input.column_indexes[i];
    if (index.IsVirtualColumn() || index.GetPrimaryIndex() >= schema.size()) continue;
    if (std::find(partition_columns.begin(), partition_columns.end(), index.GetPrimaryIndex()) !=
        partition_columns.end()) {
      continue;
    }
    const delta::Field& field = schema[index.GetPrimaryIndex()];
    fetch::WantedColumn column;
    if (scan.mapping == delta::ColumnMappingMode::kId && field.mapping) {
      column.field_id = static_cast<int32_t>(field.mapping->id);
    }
    // DuckDB reads the columns of such filters first.
    if (input.filters) {
      const auto filter = input.filters->filters.find(i);
      column.filtered = filter != input.filters->filters.end() &&
                        filter->second->filter_type != duckdb::TableFilterType::OPTIONAL_FILTER;
    }
    std::vector<std::vector<std::string>> paths;
    AddPaths(field, index, {}, paths);
    for (auto& path : paths) {
      column.path = std::move(path);
      wanted.push_back(column);
    }
  }
  return wanted;
}

/// Reads the deletion vectors of the next files. The first call finds out which vectors lie beside each other.
std::function<void(const Context&, const std::vector<fetch::FileToScan>&)> PrefetchVectors(const DeltaFileList& list) {
  struct Lazy {
    std::once_flag made;
    std::unique_ptr<fetch::VectorPlan> plan;
  };
  return [&list, lazy = std::make_shared<Lazy>()](const Context& context, const std::vector<fetch::FileToScan>& files) {
    const ScanInfo& scan = list.scan();
    for (const auto& file : files) {
      if (!scan.snapshot->file(file.id).deletion_vector) continue;
      std::call_once(lazy->made,
                     [&] { lazy->plan = std::make_unique<fetch::VectorPlan>(*scan.snapshot, list.files()); });
      const auto together = lazy->plan->Take(file.id);
      if (together.empty()) continue;
      scan.instance->deletion_vectors.Prefetch(context, scan.instance->read_ahead->executor(), scan.store_ordinal,
                                               scan.snapshot, together);
    }
  };
}

}  // namespace

void StartReadAhead(duckdb::ClientContext& context, const duckdb::TableFunctionInitInput& input,
                    duckdb::MultiFileGlobalState& state) {
  const auto& list = state.file_list.Cast<DeltaFileList>();
  const ScanInfo& scan = list.scan();
  const delta::SnapshotRef snapshot = scan.snapshot;
  if (list.files().empty() || snapshot->object_store()->capabilities().is_local) return;
  RequestState& request = RequestOf(context);
  auto& cache = duckdb::ExternalFileCache::Get(context);

  fetch::ReadAheadOptions options;
  options.store = snapshot->object_store();
  options.context = request.context();
  options.columns = WantedColumns(scan, input);
  options.predicate = list.predicate();
  options.schema = std::shared_ptr<const delta::Schema>(snapshot, &snapshot->schema());
  options.threads = duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads();
  options.upcoming = [&list](size_t opened, size_t count) {
    std::vector<fetch::FileToScan> files;
    for (const delta::FileId id : list.Upcoming(opened, count)) {
      auto file = ToFileToScan(list.scan(), id);
      if (file.ok()) files.push_back(*std::move(file));  // otherwise opening the file reports the error
    }
    return files;
  };
  options.prefetch = PrefetchVectors(list);
  options.is_cached = [&cache](const fetch::FileToScan& file, const store::ByteRange& range) {
    return IsCached(cache, file.duck_path, range);
  };
  if (list.is_dynamic())
    options.is_wanted = [&list](const fetch::FileToScan& file) { return list.MayMatchDynamic(file.id); };
  options.careful = list.is_dynamic() || list.may_end_early();

  auto read_ahead = std::make_shared<fetch::ReadAhead>(*scan.instance->read_ahead, std::move(options));
  request.read_aheads().Add(state.global_state.get(), read_ahead);
  state.multi_file_reader_state = duckdb::make_uniq<ScanState>(list, std::move(read_ahead));
}

duckdb::OpenFileInfo OpenAhead(duckdb::ClientContext& context, const duckdb::GlobalTableFunctionState& state,
                               const ScanInfo& scan, const duckdb::OpenFileInfo& file) {
  const RequestState& request = RequestOf(context);
  const auto number = request.read_aheads().NumberOf(&state);
  const auto read_ahead = number ? request.read_aheads().Find(*number) : nullptr;
  if (!read_ahead) return file;
  read_ahead->Open(ValueOrThrow(ToFileToScan(scan, FileIdOf(file))));
  duckdb::OpenFileInfo ahead = file;
  ahead.extended_info = duckdb::make_shared_ptr<duckdb::ExtendedOpenFileInfo>(*file.extended_info);
  ahead.extended_info->options[kReadAheadOption] = duckdb::Value::UBIGINT(*number);
  return ahead;
}

}  // namespace yummy::duck
