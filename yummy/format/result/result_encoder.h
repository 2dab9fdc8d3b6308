#pragma once
// Encodes record batches as the bytes of an answer, piece by piece (docs/rest.md, "Formats of results").

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

enum class ResultFormat {
  kJson,           // [{"col":[…],…},…], one object per batch
  kJsonBraceless,  // the same objects one after another, without the outer brackets and commas
  kArrow,          // Arrow IPC stream
};

std::string_view ContentType(ResultFormat format);

/// Encodes one answer. Call Begin, then Batch for each batch, then End; each appends to `out`.
class ResultEncoder {
 public:
  virtual ~ResultEncoder() = default;
  virtual Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema, std::string& out) = 0;
  virtual Result<void> Batch(const arrow::RecordBatch& batch, std::string& out) = 0;
  virtual Result<void> End(std::string& out) = 0;
};

/// The names of the columns as keys of a JSON object. Keys must differ, so a repeated name becomes name_1, or gets the
/// next free number.
std::vector<std::string> UniqueNames(const arrow::Schema& schema);

std::unique_ptr<ResultEncoder> MakeResultEncoder(ResultFormat format);
/// With `braces` the objects of the batches are elements of one array, otherwise they stand one after another.
std::unique_ptr<ResultEncoder> MakeJsonEncoder(bool braces);
std::unique_ptr<ResultEncoder> MakeArrowEncoder();

}  // namespace yummy::format
