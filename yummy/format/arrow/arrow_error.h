#pragma once
// Errors across Arrow's interfaces: a RecordBatchReader answers with arrow::Status, whose reader gets our Error back
// whole.

#include <arrow/status.h>

#include "yummy/base/error.h"

namespace yummy::format {

/// A status that carries `error`.
arrow::Status ToStatus(Error error);

/// The error that ToStatus put in, or the status' own code as one of ours. The status is not OK.
Error ToError(const arrow::Status& status);

}  // namespace yummy::format
