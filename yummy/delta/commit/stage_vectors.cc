#include "yummy/delta/commit/stage_vectors.h"

#include <utility>

#include "yummy/delta/commit/table.h"
#include "yummy/delta/files/statistics_json.h"
#include "yummy/store/staged_write.h"

namespace yummy::delta {

Result<std::vector<DeletionVectorDescriptor>> StageVectors(const Context& context, Transaction& transaction,
                                                           std::span<const DeletionVectorRef> vectors) {
  if (vectors.empty()) return std::vector<DeletionVectorDescriptor>();
  const Table& table = transaction.table();
  VectorFile file = MakeVectorFile(table.options().random->Uuid(), vectors);
  const std::string path = TRY(DeletionVectorPath(*table.object_store(), table.path(), file.descriptors.front()));
  transaction.RecordStaged(path);
  auto put = table.object_store()->Put(context, path, file.bytes, store::PutMode::kOverwrite);
  if (!put.ok()) return store::StagedWriteError(std::move(put).error().Prefixed(path));
  return std::move(file.descriptors);
}

void StageDeletedRows(Transaction& transaction, FileId file, DeletionVectorDescriptor vector) {
  Add add = transaction.base()->add(file);
  add.deletion_vector = std::move(vector);
  if (add.stats) add.stats = WithWideBounds(*add.stats);
  add.data_change = true;
  transaction.RemoveFile(file);
  transaction.AddFile(std::move(add));
}

}  // namespace yummy::delta
