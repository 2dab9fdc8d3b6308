#pragma once
// Reads an Arrow IPC stream in a request's body as record batches.

#include <memory>

#include <arrow/io/type_fwd.h>
#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// Reads the batches of the stream one by one. Every batch is validated in full, because the stream may be hostile.
/// Errors: InvalidArgument (reason INVALID_ARROW).
Result<std::shared_ptr<arrow::RecordBatchReader>> ReadArrowStream(std::shared_ptr<arrow::io::InputStream> stream);

}  // namespace yummy::format
