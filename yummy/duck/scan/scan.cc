#include "yummy/duck/scan/scan.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/row_bytes.h"
#include "yummy/duck/border/types.h"
#include "yummy/duck/scan/file_list.h"
#include "yummy/duck/scan/file_reader.h"
#include "yummy/duck/scan/read_mark.h"
#include "yummy/duck/scan/scan_ahead.h"
#include "yummy/duck/state/instance_info.h"

namespace yummy::duck {
namespace {

constexpr const char* kScanName = "delta_scan";

// A scan of fewer bytes is done before a second thread has woken up.
constexpr int64_t kBytesPerThread = 1 << 20;
constexpr uint64_t kTextExpansion = 16;   // a guess: long texts take so many times their file size in memory
constexpr uint64_t kScanMemoryShare = 2;  // the fraction of the memory for the chunks of all threads

const DeltaFileList& ListOf(const duckdb::FunctionData& bind_data) {
  return bind_data.Cast<duckdb::MultiFileBindData>().file_list->Cast<DeltaFileList>();
}

bool IsFloating(const delta::DataType& type) {
  return type.kind == delta::TypeKind::kFloat || type.kind == delta::TypeKind::kDouble;
}

struct Bounds {
  std::optional<delta::Scalar> min;
  std::optional<delta::Scalar> max;
  bool hold_for_nan = false;  // true if no row is NaN, or if NaN lies between the bounds
  bool may_have_null = true;
  bool all_null = false;
};

// DuckDB drops filters and chooses narrower types by these statistics. So every part must be true; parts may be absent.
duckdb::unique_ptr<duckdb::BaseStatistics> ToStatistics(const delta::DataType& type, const Bounds& bounds) {
  if (type.is_nested() || type.kind == delta::TypeKind::kVoid || type.kind == delta::TypeKind::kVariant) return nullptr;
  auto logical = ToLogicalType(type);
  if (!logical.ok()) return nullptr;
  auto statistics = duckdb::BaseStatistics::CreateUnknown(*logical);
  if (!bounds.may_have_null) statistics.Set(duckdb::StatsInfo::CANNOT_HAVE_NULL_VALUES);
  if (bounds.all_null) statistics.Set(duckdb::StatsInfo::CANNOT_HAVE_VALID_VALUES);
  const bool usable = bounds.min && bounds.max && (!IsFloating(type) || bounds.hold_for_nan);
  if (usable && statistics.GetStatsType() == duckdb::StatisticsType::NUMERIC_STATS) {
    duckdb::NumericStats::SetMin(statistics, ToValue(*bounds.min, type));
    duckdb::NumericStats::SetMax(statistics, ToValue(*bounds.max, type));
  } else if (usable && type.kind == delta::TypeKind::kString) {
    const std::string& min = bounds.min->get<std::string>();
    const std::string& max = bounds.max->get<std::string>();
    duckdb::StringStats::SetMin(statistics, duckdb::string_t(min.data(), static_cast<uint32_t>(min.size())));
    duckdb::StringStats::SetMax(statistics, duckdb::string_t(max.data(), static_cast<uint32_t>(max.size())));
  }
  return statistics.ToUnique();
}

// The view of one data file for DuckDB's optimiser.
class FileFacts final : public duckdb::PartitionRowGroup {
 public:
  FileFacts(delta::SnapshotRef snapshot, delta::FileId file) : snapshot_(std::move(snapshot)), file_(file) {}

  duckdb::unique_ptr<duckdb::BaseStatistics> GetColumnStatistics(const duckdb::StorageIndex& index) override {
    const delta::Field* field = FieldAt(index);
    if (!field) return nullptr;
    auto facts = snapshot_->Facts(file_, {field->name});
    if (!facts) return nullptr;
    return ToStatistics(field->type, Bounds{.min = facts->min,
                                            .max = facts->max,
                                            .hold_for_nan = !facts->may_hold_nan,
                                            .may_have_null = !facts->no_null,
                                            .all_null = facts->all_null});
  }

  bool MinMaxIsExact(const duckdb::BaseStatistics&, const duckdb::StorageIndex& index) override {
    const delta::Field* field = FieldAt(index);
    if (!field || snapshot_->file(file_).deletion_vector) return false;
    return snapshot_->Summary({field->name}).bounds_are_exact;
  }

 private:
  const delta::Field* FieldAt(const duckdb::StorageIndex& index) const {
    const delta::Schema& schema = snapshot_->schema();
    if (index.HasChildren() || index.GetPrimaryIndex() >= schema.size()) return nullptr;
    return &schema[index.GetPrimaryIndex()];
  }

  const delta::SnapshotRef snapshot_;
  const delta::FileId file_;
};

duckdb::vector<duckdb::PartitionStatistics> PartitionStatisticsOf(duckdb::ClientContext&,
                                                                  duckdb::GetPartitionStatsInput& input) {
  duckdb::vector<duckdb::PartitionStatistics> result;
  const DeltaFileList& list = ListOf(*input.bind_data);
  if (list.scan().reads) list.scan().reads->ReadAll();
  if (!list.scan().instance->store(list.scan().store_ordinal).count_from_statistics) return result;
  const delta::SnapshotRef& snapshot = list.scan().snapshot;
  result.reserve(list.files().size());
  for (delta::FileId id : list.files()) {
    const delta::FileView file = snapshot->file(id);
    const int64_t rows = file.live_records();
    duckdb::PartitionStatistics statistics;
    // Writers add no files without rows, so a count of zero in the log is not trusted.
    const bool known = rows >= 0 && file.num_records > 0;
    statistics.count = known ? static_cast<duckdb::idx_t>(rows) : 0;
    statistics.count_type = known ? duckdb::CountType::COUNT_EXACT : duckdb::CountType::COUNT_APPROXIMATE;
    statistics.partition_row_group = duckdb::make_shared_ptr<FileFacts>(snapshot, id);
    result.push_back(std::move(statistics));
  }
  return result;
}

duckdb::unique_ptr<duckdb::BaseStatistics> StatisticsOf(duckdb::ClientContext&, const duckdb::FunctionData* bind_data,
                                                        duckdb::column_t column) {
  return TableStatistics(*ListOf(*bind_data).scan().snapshot, column);
}

duckdb::BindInfo BindInfoOf(const duckdb::optional_ptr<duckdb::FunctionData> bind_data) {
  return duckdb::BindInfo(*ListOf(*bind_data).scan().table);
}

duckdb::InsertionOrderPreservingMap<std::string> Describe(duckdb::TableFunctionToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> result;
  const DeltaFileList& list = ListOf(*input.bind_data);
  const delta::Snapshot& snapshot = *list.scan().snapshot;
  result.insert("Table", list.scan().table->name);
  result.insert("Version", std::to_string(snapshot.version()));
  result.insert("Files", fmt::format("{} of {}", list.files().size(), snapshot.file_count()));
  return result;
}

duckdb::InsertionOrderPreservingMap<std::string> DescribeRun(duckdb::TableFunctionDynamicToStringInput& input) {
  duckdb::InsertionOrderPreservingMap<std::string> result;
  if (!input.global_state) return result;
  result.insert("Files Read",
                std::to_string(input.global_state->Cast<duckdb::MultiFileGlobalState>().file_index.load()));
  return result;
}

// The number of threads whose chunks fit into memory. Only rows with texts can be so wide that this matters. Before a
// file is opened, only their compressed size is known.
duckdb::idx_t ThreadsInMemory(duckdb::ClientContext& context, const duckdb::TableFunctionInitInput& input,
                              const DeltaFileList& list) {
  const auto& types = input.bind_data->Cast<duckdb::MultiFileBindData>().types;
  const bool has_text = std::any_of(input.column_ids.begin(), input.column_ids.end(), [&](duckdb::column_t column) {
    return column < types.size() && HasText(types[column]);
  });
  const auto rows = std::max<duckdb::idx_t>(list.GetCardinality(context)->estimated_cardinality, 1);
  const auto row_bytes = static_cast<uint64_t>(list.size_bytes()) / rows * kTextExpansion;
  if (!has_text || row_bytes == 0) return std::numeric_limits<duckdb::idx_t>::max();
  const auto memory = duckdb::BufferManager::GetBufferManager(context).GetMaxMemory() / kScanMemoryShare;
  return std::max<duckdb::idx_t>(memory / (row_bytes * STANDARD_VECTOR_SIZE), 1);
}

duckdb::unique_ptr<duckdb::GlobalTableFunctionState> InitGlobal(duckdb::ClientContext& context,
                                                                duckdb::TableFunctionInitInput& input) {
  auto state = ListOf(*input.bind_data).scan().init_global(context, input);
  auto& files = state->Cast<duckdb::MultiFileGlobalState>();
  const auto& list = files.file_list.Cast<DeltaFileList>();
  if (list.scan().reads) list.scan().reads->ReadRows(list.predicate());
  const auto by_size = static_cast<duckdb::idx_t>((list.size_bytes() + kBytesPerThread - 1) / kBytesPerThread);
  files.max_threads = std::min({files.max_threads, std::max<duckdb::idx_t>({1, list.files().size(), by_size}),
                                ThreadsInMemory(context, input, list)});
  StartReadAhead(context, input, files);
  return state;
}

void Scan(duckdb::ClientContext& context, duckdb::TableFunctionInput& input, duckdb::DataChunk& output) {
  const ScanInfo& scan = ListOf(*input.bind_data).scan();
  try {
    scan.scan(context, input, output);
  } catch (...) {
    const auto* local = input.local_state ? &input.local_state->Cast<duckdb::MultiFileLocalState>() : nullptr;
    RethrowReading(context, scan, local ? local->reader.get() : nullptr);
  }
}

}  // namespace

duckdb::unique_ptr<duckdb::BaseStatistics> TableStatistics(const delta::Snapshot& snapshot, duckdb::column_t column) {
  if (column >= snapshot.schema().size()) return nullptr;
  const delta::Field& field = snapshot.schema()[column];
  if (field.type.is_nested()) return nullptr;
  const delta::ColumnSummary summary = snapshot.Summary({field.name});
  return ToStatistics(field.type, Bounds{.min = summary.min,
                                         .max = summary.max,
                                         .hold_for_nan = summary.bounds_are_exact,
                                         .may_have_null = summary.may_have_null});
}

duckdb::virtual_column_map_t ScanVirtualColumns() {
  duckdb::virtual_column_map_t columns;
  columns.emplace(kFileIdColumn, duckdb::TableColumn("_yummy_file_id", duckdb::LogicalType::UBIGINT));
  columns.emplace(duckdb::MultiFileReader::COLUMN_IDENTIFIER_FILE_ROW_NUMBER,
                  duckdb::TableColumn("file_row_number", duckdb::LogicalType::BIGINT));
  columns.emplace(duckdb::COLUMN_IDENTIFIER_EMPTY, duckdb::TableColumn("", duckdb::LogicalType::BOOLEAN));
  return columns;
}

duckdb::TableFunction MakeScanTemplate(duckdb::DatabaseInstance& database) {
  duckdb::ExtensionLoader loader(database, "yummy_delta");
  duckdb::TableFunction function = loader.GetTableFunction("parquet_scan").functions.GetFunctionByOffset(0);
  function.name = kScanName;
  function.named_parameters.clear();
  function.get_multi_file_reader = &DeltaFileReader::Make;
  function.statistics = StatisticsOf;
  function.statistics_extended = nullptr;
  function.get_partition_stats = PartitionStatisticsOf;
  function.get_bind_info = BindInfoOf;
  function.to_string = Describe;
  function.dynamic_to_string = DescribeRun;
  function.get_virtual_columns = nullptr;
  function.get_row_id_columns = nullptr;
  function.set_scan_order = nullptr;
  function.serialize = nullptr;
  function.deserialize = nullptr;
  function.verify_serialization = false;
  // Late materialization joins by positions, but row ids are not positions here.
  function.late_materialization = false;
  return function;
}

bool IsDeltaScan(const duckdb::TableFunction& function) { return function.name == kScanName; }

duckdb::shared_ptr<ScanInfo> MakeScanInfo(InstanceInfo& instance, size_t store_ordinal, delta::SnapshotRef snapshot,
                                          duckdb::TableCatalogEntry& table) {
  auto info = duckdb::make_shared_ptr<ScanInfo>();
  info->instance = &instance;
  info->store_ordinal = store_ordinal;
  info->mapping = snapshot->column_mapping();
  info->has_nested_columns = std::any_of(snapshot->schema().begin(), snapshot->schema().end(),
                                         [](const delta::Field& field) { return field.type.is_nested(); });
  info->snapshot = std::move(snapshot);
  info->table = &table;
  return info;
}

duckdb::unique_ptr<duckdb::FunctionData> BindScan(duckdb::ClientContext& context, duckdb::TableFunction& function,
                                                  duckdb::shared_ptr<ScanInfo> info) {
  info->scan = std::exchange(function.function, Scan);
  info->init_global = std::exchange(function.init_global, InitGlobal);
  function.function_info = std::move(info);
  duckdb::vector<duckdb::Value> inputs{duckdb::Value("")};
  // Writers leave NaN out of the bounds in a footer. Without this, a row group would be skipped in which only a NaN
  // matches.
  duckdb::named_parameter_map_t named{{"can_have_nan", duckdb::Value::BOOLEAN(true)}};
  duckdb::vector<duckdb::LogicalType> input_types;
  duckdb::vector<std::string> input_names;
  duckdb::TableFunctionRef reference;
  duckdb::TableFunctionBindInput input(inputs, named, input_types, input_names, nullptr, nullptr, function, reference);
  duckdb::vector<duckdb::LogicalType> types;
  duckdb::vector<std::string> names;
  auto bind_data = function.bind(context, input, types, names);
  bind_data->Cast<duckdb::MultiFileBindData>().virtual_columns = ScanVirtualColumns();
  return bind_data;
}

}  // namespace yummy::duck
