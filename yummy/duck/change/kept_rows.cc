#include "yummy/duck/change/kept_rows.h"

#include <algorithm>
#include <utility>

#include "yummy/duck/border/error.h"
#include "yummy/duck/scan/scan.h"
#include "yummy/duck/scan/scan_info.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {

void ReadKeptRows(duckdb::ClientContext& context, const ScanSource& source, delta::SnapshotRef snapshot,
                  const std::vector<FileToCopy>& files, const std::function<void(duckdb::DataChunk&)>& write) {
  auto info = MakeScanInfo(*source.instance, source.store_ordinal, std::move(snapshot), *source.table);
  info->files.emplace();
  for (const FileToCopy& file : files) {
    info->files->push_back(file.id);
    info->gone_rows.emplace(file.id, file.gone);
  }
  duckdb::TableFunction scan = *source.scan_template;
  const auto bind_data = BindScan(context, scan, std::move(info));
  duckdb::vector<duckdb::column_t> columns;
  const auto& types = source.table->GetTypes();
  for (duckdb::idx_t i = 0; i < types.size(); i++) columns.push_back(i);
  duckdb::TableFunctionInitInput input(bind_data.get(), columns, {}, nullptr);
  const auto global = scan.init_global(context, input);
  duckdb::ThreadContext thread(context);
  duckdb::ExecutionContext execution(context, thread, nullptr);
  const auto local = scan.init_local(execution, input, global.get());
  duckdb::DataChunk rows;
  rows.Initialize(context, types);
  const Context& request = RequestOf(context).context();
  while (true) {
    ValueOrThrow(request.Check());
    rows.Reset();
    duckdb::TableFunctionInput step(bind_data.get(), local.get(), global.get());
    scan.function(context, step, rows);
    if (rows.size() == 0) return;
    write(rows);
  }
}

}  // namespace yummy::duck
