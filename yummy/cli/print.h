#pragma once
// Record batches as text for people and pipes.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::cli {

enum class PrintFormat { kTable, kJson, kCsv };

/// Writes batches to a file; nothing is buffered beyond what the format needs.
/// Errors: Unavailable (the output is closed or full).
class Printer {
 public:
  virtual ~Printer() = default;
  virtual Result<void> Begin(const arrow::Schema& schema) = 0;
  virtual Result<void> Batch(const arrow::RecordBatch& batch) = 0;
  virtual Result<void> End() = 0;
};

/// kTable: columns aligned, numbers to the right, at most 1,000 rows are shown and the rest counted; kJson: an array of
/// row objects, in which the later of two equal names becomes name_1; kCsv: RFC 4180 with a header, nulls empty, an
/// empty text quoted, NaN and Infinity by their names.
std::unique_ptr<Printer> MakePrinter(PrintFormat format, std::FILE* out);

}  // namespace yummy::cli
