#include "yummy/duck/write/data_files.h"

#include <utility>

#include "yummy/base/clock.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/duck/border/duck_path.h"
#include "yummy/duck/state/request_state.h"

namespace yummy::duck {

DataFiles::DataFiles(duckdb::ClientContext& context, delta::Transaction& transaction, size_t store_ordinal,
                     const TableLayout& layout)
    : context_(context),
      transaction_(transaction),
      store_ordinal_(store_ordinal),
      layout_(layout),
      format_(ParquetFormat::Make(context, layout)) {}

Executor* DataFiles::executor() const { return transaction_.table().options().executor; }

bool DataFiles::is_local() const { return transaction_.table().object_store()->capabilities().is_local; }

std::unique_ptr<ParquetFile> DataFiles::Open(delta::PartitionValues partition_values, ValueEncoding encoding) {
  const auto path = transaction_.StageFile(partition_values);
  const auto& table_path = transaction_.table().path();
  const auto url = DuckPath(store_ordinal_, table_path.empty() ? path : table_path + "/" + path);
  RequestOf(context_).write_permits().Allow(url);
  delta::Add add;
  add.path = delta::EncodeLogPath(path);
  add.partition_values = std::move(partition_values);
  return std::make_unique<ParquetFile>(context_, *format_, encoding, url, std::move(add));
}

void DataFiles::Finish(ParquetFile& file) {
  auto add = file.Finish();
  add.modification_time_ms = transaction_.table().options().clock->now_millis();
  const std::lock_guard lock(mutex_);
  adds_.push_back(std::move(add));
}

std::vector<delta::Add> DataFiles::Take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(adds_, {});
}

}  // namespace yummy::duck
