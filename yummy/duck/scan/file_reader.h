#pragma once
// Reads one data file of a table: finds columns by name or id, fills in partition values and missing columns, and
// leaves out deleted rows.

#include <memory>
#include <string>

#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/scan/scan_info.h"

namespace yummy::duck {

class DeltaFileReader final : public duckdb::MultiFileReader {
 public:
  explicit DeltaFileReader(duckdb::shared_ptr<ScanInfo> scan) : scan_(std::move(scan)) {}
  /// For TableFunction::get_multi_file_reader. The info of the function is a ScanInfo.
  static duckdb::unique_ptr<duckdb::MultiFileReader> Make(const duckdb::TableFunction& function);

  duckdb::unique_ptr<duckdb::MultiFileReader> Copy() const override;
  duckdb::shared_ptr<duckdb::MultiFileList> CreateFileList(duckdb::ClientContext& context,
                                                           const duckdb::vector<std::string>& paths,
                                                           const duckdb::FileGlobInput& glob) override;
  bool Bind(duckdb::MultiFileOptions& options, duckdb::MultiFileList& files, duckdb::vector<duckdb::LogicalType>& types,
            duckdb::vector<std::string>& names, duckdb::MultiFileReaderBindData& bind_data) override;
  void BindOptions(duckdb::MultiFileOptions&, duckdb::MultiFileList&, duckdb::vector<duckdb::LogicalType>&,
                   duckdb::vector<std::string>&, duckdb::MultiFileReaderBindData&) override {}

  using duckdb::MultiFileReader::CreateReader;
  duckdb::shared_ptr<duckdb::BaseFileReader> CreateReader(duckdb::ClientContext& context,
                                                          duckdb::GlobalTableFunctionState& state,
                                                          const duckdb::OpenFileInfo& file, duckdb::idx_t position,
                                                          const duckdb::MultiFileBindData& bind_data) override;
  void FinalizeBind(duckdb::MultiFileReaderData& reader_data, const duckdb::MultiFileOptions& options,
                    const duckdb::MultiFileReaderBindData& bind_data,
                    const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                    const duckdb::vector<duckdb::ColumnIndex>& column_ids, duckdb::ClientContext& context,
                    duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState> state) override;
  using duckdb::MultiFileReader::CreateMapping;
  duckdb::ReaderInitializeType CreateMapping(duckdb::ClientContext& context, duckdb::MultiFileReaderData& reader_data,
                                             const duckdb::vector<duckdb::MultiFileColumnDefinition>& columns,
                                             const duckdb::vector<duckdb::ColumnIndex>& column_ids,
                                             duckdb::optional_ptr<duckdb::TableFilterSet> filters,
                                             duckdb::MultiFileList& files,
                                             const duckdb::MultiFileReaderBindData& bind_data,
                                             const duckdb::virtual_column_map_t& virtual_columns,
                                             duckdb::MultiFileColumnMappingMode mode) override;
  /// Casts the values of the reader to the table's types. A value that cannot be cast is Corrupt (CORRUPT_DATA_FILE),
  /// because it is not a mistake in the query.
  void FinalizeChunk(duckdb::ClientContext& context, const duckdb::MultiFileBindData& bind_data,
                     duckdb::BaseFileReader& reader, const duckdb::MultiFileReaderData& reader_data,
                     duckdb::DataChunk& input_chunk, duckdb::DataChunk& output_chunk,
                     duckdb::ExpressionExecutor& executor,
                     duckdb::optional_ptr<duckdb::MultiFileReaderGlobalState> state) override;
  duckdb::unique_ptr<duckdb::Expression> GetConstantVirtualColumn(duckdb::MultiFileReaderData& reader_data,
                                                                  duckdb::idx_t column,
                                                                  const duckdb::LogicalType& type) override;

 private:
  /// Tries again with the size that the store reports; null if that does not help.
  duckdb::shared_ptr<duckdb::BaseFileReader> OpenByItsOwnSize(duckdb::ClientContext& context,
                                                              duckdb::GlobalTableFunctionState& state,
                                                              const duckdb::OpenFileInfo& file, duckdb::idx_t position,
                                                              const duckdb::MultiFileBindData& bind_data);

  duckdb::shared_ptr<ScanInfo> scan_;
};

/// Rethrows the exception that is being handled. If it means that a data file cannot be decoded, it becomes Corrupt
/// (CORRUPT_DATA_FILE) with the path and the version. Call it only in a catch block; `reader` may be absent.
[[noreturn]] void RethrowReading(duckdb::ClientContext& context, const ScanInfo& scan,
                                 const duckdb::BaseFileReader* reader);

}  // namespace yummy::duck
