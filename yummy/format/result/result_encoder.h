#pragma once
// Record batches as the bytes of an answer, piece by piece (docs/rest.md, "Results").

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

enum class ResultFormat {
  kJson,           // [{"col":[…],…},…], a batch each
  kJsonBraceless,  // the same without the outer brackets and commas: objects one after another
  kArrow,          // Arrow IPC stream
};

std::string_view ContentType(ResultFormat format);

/// One answer. Begin, then Batch for each, then End; each appends to `out`.
class ResultEncoder {
 public:
  virtual ~ResultEncoder() = default;
  virtual Result<void> Begin(const std::shared_ptr<arrow::Schema>& schema, std::string& out) = 0;
  virtual Result<void> Batch(const arrow::RecordBatch& batch, std::string& out) = 0;
  virtual Result<void> End(std::string& out) = 0;
};

/// The columns' names as the keys of a JSON object, which may not have two alike: a later one of the same name becomes
/// name_1, or the next number that is free.
std::vector<std::string> UniqueNames(const arrow::Schema& schema);

std::unique_ptr<ResultEncoder> MakeResultEncoder(ResultFormat format);
/// `braces`: the objects of the batches are the elements of one array; else they stand one after another.
std::unique_ptr<ResultEncoder> MakeJsonEncoder(bool braces);
std::unique_ptr<ResultEncoder> MakeArrowEncoder();

}  // namespace yummy::format
