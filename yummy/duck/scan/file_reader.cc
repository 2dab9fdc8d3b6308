#include "yummy/duck/scan/file_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/files/deletion_vector.h"
#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/file/file_system.h"
#include "yummy/duck/scan/column_mapping.h"
#include "yummy/duck/scan/scan_ahead.h"
#include "yummy/duck/state/instance_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

class DeletedRows final : public duckdb::DeleteFilter {
 public:
  explicit DeletedRows(std::shared_ptr<const delta::DeletionVector> rows) : rows_(std::move(rows)) {}

  duckdb::idx_t Filter(duckdb::row_t start, duckdb::idx_t count, duckdb::SelectionVector& selection) override {
    selection.Initialize(STANDARD_VECTOR_SIZE);
    return rows_->SelectKept(static_cast<uint64_t>(start), count, selection.data());
  }

 private:
  const std::shared_ptr<const delta::DeletionVector> rows_;
};

delta::DeletionVectorRef LoadDeletionVector(duckdb::ClientContext& context, const ScanInfo& scan,
                                            const delta::FileView& file) {
  const delta::Snapshot& snapshot = *scan.snapshot;
  auto vector = scan.instance->deletion_vectors.Load(RequestOf(context).context(), scan.store_ordinal, snapshot, file);
  if (!vector.ok()) {
    Throw(std::move(vector).error().Prefixed(
        fmt::format("deletion vector of {} in version {}", file.path, snapshot.version())));
  }
  return *std::move(vector);
}

// True for exceptions that DuckDB throws for a damaged Parquet file. If the reader runs filters, invalid input may also
// come from a filter.
bool SpeaksOfTheFile(const duckdb::ErrorData& data, bool reader_runs_filters) {
  switch (data.Type()) {
    case duckdb::ExceptionType::IO:
    case duckdb::ExceptionType::SERIALIZATION:
    case duckdb::ExceptionType::INVALID:
    case duckdb::ExceptionType::UNKNOWN_TYPE: return true;
    case duckdb::ExceptionType::INVALID_INPUT: return !reader_runs_filters;
    default: return false;
  }
}

// Partition columns come from the log, even if a file has columns of their names.
duckdb::vector<duckdb::ColumnIndex> ColumnsInFiles(const delta::Snapshot& snapshot,
                                                   const duckdb::vector<duckdb::ColumnIndex>& column_ids) {
  const auto& partition = snapshot.partition_columns();
  duckdb::vector<duckdb::ColumnIndex> stored;
  for (const duckdb::ColumnIndex& index : column_ids) {
    const bool is_partition = !index.IsVirtualColumn() &&
                              std::find(partition.begin(), partition.end(), index.GetPrimaryIndex()) != partition.end();
    if (!is_partition) stored.push_back(index);
  }
  return stored;
}

// True if the exception carries one of our errors, which error.cc has put into the extra info.
bool IsOurs(const duckdb::ErrorData& data) { return data.ExtraInfo().find("yummy_code") != data.ExtraInfo().end(); }

[[noreturn]] void Rethrow(duckdb::ClientContext& context, const ScanInfo& scan, const std::string& duck_path,
                          bool reader_runs_filters) {
  const duckdb::ErrorData data = CurrentException();
  if (InvalidatesInstance(data)) {
    // If a filter ran, the statement may be at fault, and a sound file must not be refused because of it.
    if (!reader_runs_filters) RequestOf(context).files_in_use().Suspect();
    throw;
  }
  const std::string version = std::to_string(scan.snapshot->version());
  const std::string path = PathForPeople(duck_path);
  if (IsOurs(data)) {
    Error error = ToError(data);
    const bool of_file = error.reason() == Reason::kMissingFile || error.reason() == Reason::kCorruptDataFile;
    if (!of_file || !error.detail("version").empty()) throw;
    if (error.detail("path").empty()) error = std::move(error).With("path", path);
    Throw(std::move(error).With("version", version));
  }
  if (path.empty() || !SpeaksOfTheFile(data, reader_runs_filters)) throw;
  const std::string said = duckdb::StringUtil::Replace(data.RawMessage(), duck_path, path);
  Throw(Error(ErrorCode::kCorrupt, fmt::format("a data file cannot be read: {} in version {}: {}", path, version, said))
            .WithReason(Reason::kCorruptDataFile)
            .With("path", path)
            .With("version", version));
}

/// The file with the size that the store reports now; absent if the store does not answer.
std::optional<duckdb::OpenFileInfo> AsStored(duckdb::ClientContext& context, const ScanInfo& scan,
                                             const duckdb::OpenFileInfo& file) {
  const auto parsed = ParseDuckPath(file.path);
  if (!parsed.ok()) return std::nullopt;
  const auto object = scan.snapshot->object_store()->Head(RequestOf(context).context(), parsed->path);
  if (!object.ok()) return std::nullopt;
  duckdb::OpenFileInfo found = ReadableFile(*scan.instance, parsed->store_ordinal, *object);
  auto& options = found.extended_info->options;
  for (const auto& [name, value] : file.extended_info->options) options.emplace(name, value);
  return found;
}

bool IsLocal(const ScanInfo& scan) { return scan.snapshot->object_store()->capabilities().is_local; }

// On local disk the file is identified by its current inode, size and time, which takes a microsecond to ask for. So a
// file that was replaced under the same name, size and time is not read with the cached footer and bytes of the old
// one. If the store does not answer, the file stays as the log describes it.
duckdb::OpenFileInfo AsItIs(duckdb::ClientContext& context, const ScanInfo& scan, const duckdb::OpenFileInfo& file) {
  return IsLocal(scan) ? AsStored(context, scan, file).value_or(file) : file;
}

}  // namespace

void RethrowReading(duckdb::ClientContext& context, const ScanInfo& scan, const duckdb::BaseFileReader* reader) {
  Rethrow(context, scan, reader ? reader->file.path : std::string(), reader && reader->filters);
}

duckdb::unique_ptr<duckdb::MultiFileReader> DeltaFileReader::Make(const duckdb::TableFunction& function) {
  auto info = function.function_info;
  return duckdb::make_uniq<DeltaFileReader>(
      duckdb::shared_ptr_cast<duckdb::TableFunctionInfo, ScanInfo>(std::move(info)));
}

duckdb::unique_ptr<duckdb::MultiFileReader> DeltaFileReader::Copy() const {
  return duckdb::make_uniq<DeltaFileReader>(scan_);
}

duckdb::shared_ptr<duckdb::MultiFileList> DeltaFileReader::CreateFileList(duckdb::ClientContext&,
                                                                          const duckdb::vector<std::string>&,
                                                                          const duckdb::FileGlobInput&) {
  return duckdb::make_shared_ptr<DeltaFileList>(scan_);
}

bool DeltaFileReader::Bind(duckdb::MultiFileOptions&, duckdb::MultiFileList&,
                           duckdb::vector<duckdb::LogicalType>& types, duckdb::vector<std::string>& names,
                           duckdb::MultiFileReaderBindData& bind_data) {
  bind_data.schema = ValueOrThrow(TableColumns(scan_->snapshot->schema(), scan_->mapping));
  bind_data.mapping = duckdb::MultiFileColumnMappingMode::BY_NAME;
  for (const auto& column : bind_data.schema) {
    names.push_back(column.name);
    types.push_back(column.type);
  }
  return true;
}

duckdb::shared_ptr<duckdb::BaseFileReader> DeltaFileReader::CreateReader(duckdb::ClientContext& context,
                                                                         duckdb::GlobalTableFunctionState& state,
                                                                         const duckdb::OpenFileInfo& listed,
                                                                         duckdb::idx_t position,
                                                                         const duckdb::MultiFileBindData& bind_data) {
  const duckdb::OpenFileInfo file = AsItIs(context, *scan_, listed);
  const duckdb::Value* size = FindOption(file, "file_size");
  RequestOf(context).files_in_use().Note({.path = file.path, .size_bytes = size ? size->GetValue<uint64_t>() : 0});
  try {
    return MultiFileReader::CreateReader(context, state, OpenAhead(context, state, *scan_, file), position, bind_data);
  } catch (...) {
    if (auto reader = OpenByItsOwnSize(context, state, file, position, bind_data)) return reader;
    Rethrow(context, *scan_, file.path, false);
  }
}

// Called in a catch block. Some writers put 0 or a guess into the log as a file's size. A far store is asked for the
// real size only after reading with the log's size has failed. Bytes that were fetched ahead by the wrong size are not
// used.
duckdb::shared_ptr<duckdb::BaseFileReader> DeltaFileReader::OpenByItsOwnSize(
    duckdb::ClientContext& context, duckdb::GlobalTableFunctionState& state, const duckdb::OpenFileInfo& file,
    duckdb::idx_t position, const duckdb::MultiFileBindData& bind_data) {
  const duckdb::ErrorData data = CurrentException();
  const bool of_file = IsOurs(data) ? ToError(data).reason() == Reason::kCorruptDataFile : SpeaksOfTheFile(data, false);
  if (!of_file || InvalidatesInstance(data) || IsLocal(*scan_)) return nullptr;
  const auto stored = AsStored(context, *scan_, file);
  if (!stored || *FindOption(*stored, "file_size") == *FindOption(file, "file_size")) return nullptr;
  try {
    return MultiFileReader::CreateReader(context, state, *stored, position, bind_data);
  } catch (...) {
    if (InvalidatesInstance(CurrentException())) throw;
    return nullptr;  // the first error says more
  }
}

void DeltaFileReader::FinalizeBind(duckdb::MultiFileReaderData& reader_data, const duckdb::MultiFileOptions&,
                                   const duckdb::MultiFileReaderBindData&,
                                   const duckdb::vector<duckdb::MultiFileColumnDefinition>&,
                                   const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                   duckdb::ClientContext& context,
                                   duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState>) {
  const delta::Snapshot& snapshot = *scan_->snapshot;
  const delta::FileId id = FileIdOf(reader_data.reader->file);
  const auto& partition_columns = snapshot.partition_columns();
  for (duckdb::idx_t i = 0; i < column_ids.size(); ++i) {
    if (column_ids[i].IsVirtualColumn()) continue;
    for (size_t p = 0; p < partition_columns.size(); ++p) {
      if (partition_columns[p] != column_ids[i].GetPrimaryIndex()) continue;
      const delta::Scalar value = ValueOrThrow(snapshot.partition_value(id, p));
      reader_data.constant_map.Add(duckdb::MultiFileGlobalIndex(i),
                                   ToValue(value, snapshot.schema()[partition_columns[p]].type));
    }
  }
  if (const auto gone = scan_->gone_rows.find(id); gone != scan_->gone_rows.end()) {
    reader_data.reader->deletion_filter = duckdb::make_uniq<DeletedRows>(gone->second);
    return;
  }
  const delta::FileView file = snapshot.file(id);
  if (file.deletion_vector) {
    reader_data.reader->deletion_filter = duckdb::make_uniq<DeletedRows>(LoadDeletionVector(context, *scan_, file));
  }
}

duckdb::ReaderInitializeType DeltaFileReader::CreateMapping(
    duckdb::ClientContext& context, duckdb::MultiFileReaderData& reader_data,
    const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
    const duckdb::vector<duckdb::ColumnIndex>& column_ids, duckdb::optional_ptr<duckdb::TableFilterSet> filters,
    duckdb::MultiFileList& files, const duckdb::MultiFileReaderBindData& bind_data,
    const duckdb::virtual_column_map_t& virtual_columns, duckdb::MultiFileColumnMappingMode mode) {
  auto& file_columns = reader_data.reader->columns;
  duckdb::vector<duckdb::MultiFileColumnDefinition> aligned;
  const bool align = scan_->has_nested_columns || scan_->mapping == delta::ColumnMappingMode::kId;
  if (align) aligned = columns;
  const auto stored = ColumnsInFiles(*scan_->snapshot, column_ids);
  auto fits =
      align ? AlignColumns(aligned, file_columns, stored, scan_->mapping) : CheckColumns(columns, file_columns, stored);
  if (!fits.ok()) {
    const std::string path = PathForPeople(reader_data.reader->file.path);
    Throw(std::move(fits)
              .error()
              .Prefixed(path)
              .With("path", path)
              .With("version", std::to_string(scan_->snapshot->version())));
  }
  const auto& table_columns = align ? aligned : columns;
  KeepBytes(table_columns, file_columns, column_ids);
  duckdb::unique_ptr<duckdb::TableFilterSet> fitted;
  if (filters) fitted = FitFilters(*filters, table_columns, file_columns, column_ids);
  if (fitted) filters = fitted.get();
  try {
    return MultiFileReader::CreateMapping(context, reader_data, table_columns, column_ids, filters, files, bind_data,
                                          virtual_columns, mode);
  } catch (...) {
    // The mapper evaluates filters on constant columns. If they throw, the statement is at fault.
    if (filters && !filters->filters.empty()) RequestOf(context).files_in_use().Acquit();
    throw;
  }
}

void DeltaFileReader::FinalizeChunk(duckdb::ClientContext&, const duckdb::MultiFileBindData&, duckdb::BaseFileReader&,
                                    const duckdb::MultiFileReaderData&, duckdb::DataChunk& input_chunk,
                                    duckdb::DataChunk& output_chunk, duckdb::ExpressionExecutor& executor,
                                    duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState>) {
  executor.SetChunk(input_chunk);
  try {
    for (duckdb::idx_t i = 0; i < executor.expressions.size(); ++i) executor.ExecuteExpression(i, output_chunk.data[i]);
  } catch (...) {
    const duckdb::ErrorData data = CurrentException();
    if (data.Type() != duckdb::ExceptionType::CONVERSION) throw;
    Throw(Error(ErrorCode::kCorrupt, "a data file has a value that its column cannot hold: " + data.RawMessage())
              .WithReason(Reason::kCorruptDataFile));
  }
  output_chunk.SetCardinality(input_chunk.size());
}

duckdb::unique_ptr<duckdb::Expression> DeltaFileReader::GetConstantVirtualColumn(
    duckdb::MultiFileReaderData& reader_data, duckdb::idx_t column, const duckdb::LogicalType& type) {
  if (column == kFileIdColumn) {
    return duckdb::make_uniq<duckdb::BoundConstantExpression>(
        duckdb::Value::UBIGINT(FileIdOf(reader_data.reader->file)));
  }
  return MultiFileReader::GetConstantVirtualColumn(reader_data, column, type);
}

}  // namespace yummy::duck
