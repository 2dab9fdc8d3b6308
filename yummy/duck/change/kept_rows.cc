#include "yummy/duck/change/kept_rows.h"

#include <algorithm>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/scan/scan.h"
#include "yummy/duck/scan/scan_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {
namespace {

using RowSink = std::function<void(duckdb::DataChunk&)>;

// One thread's part of the scan.
void ReadPart(duckdb::ClientContext& context, const duckdb::TableFunction& scan, duckdb::TableFunctionInitInput& input,
              duckdb::GlobalTableFunctionState& global, const duckdb::vector<duckdb::LogicalType>& types,
              const RowSink& write) {
  duckdb::ThreadContext thread(context);
  duckdb::ExecutionContext execution(context, thread, nullptr);
  const auto local = scan.init_local(execution, input, &global);
  duckdb::DataChunk rows;
  rows.Initialize(context, types);
  const Context& request = RequestOf(context).context();
  while (true) {
    ValueOrThrow(request.Check());
    rows.Reset();
    duckdb::TableFunctionInput step(input.bind_data, local.get(), &global);
    scan.function(context, step, rows);
    if (rows.size() == 0) return;
    write(rows);
  }
}

}  // namespace

void ReadKeptRows(duckdb::ClientContext& context, const ScanSource& source, delta::SnapshotRef snapshot,
                  const std::vector<FileToCopy>& files, Executor* executor,
                  const std::function<void(const ReadPartOfRows&)>& on_thread) {
  auto info = MakeScanInfo(*source.instance, source.store_ordinal, std::move(snapshot), *source.table);
  info->files.emplace();
  for (const FileToCopy& file : files) {
    info->files->push_back(file.id);
    info->gone_rows.emplace(file.id, file.gone);
  }
  duckdb::TableFunction scan = *source.scan_template;
  const auto bind_data = BindScan(context, scan, std::move(info));
  const auto types = source.table->GetTypes();
  duckdb::vector<duckdb::column_t> columns;
  for (duckdb::idx_t i = 0; i < types.size(); i++) columns.push_back(i);
  duckdb::TableFunctionInitInput input(bind_data.get(), columns, {}, nullptr);
  const auto global = scan.init_global(context, input);
  const size_t engine_threads = duckdb::TaskScheduler::GetScheduler(context).NumberOfThreads();
  const size_t threads = executor ? std::min<size_t>(engine_threads, global->MaxThreads()) : 1;
  const auto read = [&](size_t) {
    on_thread([&](const RowSink& write) { ReadPart(context, scan, input, *global, types, write); });
  };
  if (threads == 1) {
    read(0);
  } else {
    executor->ParallelFor(threads, read);
  }
}

}  // namespace yummy::duck
