#pragma once
// Carries our errors through Arrow's interfaces. A RecordBatchReader returns arrow::Status; its caller gets our whole
// Error back from it.

#include <arrow/status.h>

#include "yummy/base/error.h"

namespace yummy::format {

/// A status that carries `error`.
arrow::Status ToStatus(Error error);

/// The error that ToStatus has put in, otherwise the code of the status as one of ours. The status must not be OK.
Error ToError(const arrow::Status& status);

}  // namespace yummy::format
