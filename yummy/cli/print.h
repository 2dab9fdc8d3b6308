#pragma once
// Prints record batches as text for people and pipes.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::cli {

enum class PrintFormat { kTable, kJson, kCsv };

/// Writes batches to a file. It buffers no more than the format needs.
/// Errors: Unavailable (the output is closed or full).
class Printer {
 public:
  virtual ~Printer() = default;
  virtual Result<void> Begin(const arrow::Schema& schema) = 0;
  virtual Result<void> Batch(const arrow::RecordBatch& batch) = 0;
  virtual Result<void> End() = 0;
};

/// kTable aligns columns, with numbers to the right; it shows at most 1,000 rows and counts the rest. kJson writes an
/// array of row objects, in which a repeated column name becomes name_1. kCsv writes RFC 4180 with a header: nulls are
/// empty, an empty text is quoted, NaN and Infinity are written as such.
std::unique_ptr<Printer> MakePrinter(PrintFormat format, std::FILE* out);

}  // namespace yummy::cli
