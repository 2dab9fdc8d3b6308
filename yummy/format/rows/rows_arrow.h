#pragma once
// An Arrow IPC stream in a request's body as a reader of record batches.

#include <memory>

#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// Reads the stream's batches as they are asked for. Hostile streams are refused, not trusted: every batch is validated
/// in full. Errors: InvalidArgument (reason INVALID_ARROW).
Result<std::shared_ptr<arrow::RecordBatchReader>> ReadArrowStream(std::shared_ptr<arrow::io::InputStream> stream);

}  // namespace yummy::format
