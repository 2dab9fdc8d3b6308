#pragma once
// Deletion vectors of a transaction: written before the commit that names them.

#include <span>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/files/deletion_vector.h"

namespace yummy::delta {

/// Writes the vectors to one new file below the table, which counts as staged. Returns one descriptor per vector.
/// Errors: those of ObjectStore::Put, but for OutcomeUnknown, which is Unavailable here.
Result<std::vector<DeletionVectorDescriptor>> StageVectors(const Context& context, Transaction& transaction,
                                                           std::span<const DeletionVectorRef> vectors);

/// Stages that rows of a live file of the transaction's base are deleted: the file is removed and added again with its
/// new vector. Its statistics have wide bounds from then on.
void StageDeletedRows(Transaction& transaction, FileId file, DeletionVectorDescriptor vector);

}  // namespace yummy::delta
