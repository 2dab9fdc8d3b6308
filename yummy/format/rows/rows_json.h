#pragma once
// Decodes JSON bodies into typed record batches (docs/rest.md, "Values"), with exact numbers and in one pass over the
// text.

#include <memory>
#include <string_view>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/format/rows/json_column.h"

namespace yummy::format {

struct RowsJsonOptions {
  size_t depth_max = 64;
  JsonColumnOptions columns = {};
};

/// The contents of the body of a write.
struct RowsBody {
  std::shared_ptr<arrow::RecordBatch> rows;
  bool dry_run = false;
};

/// Decodes {"record_batch_dict": {col: […]}} or {"record_batch_list": [{col: v}, …]} (both spellings of every key) for
/// the columns of `schema`, whose types are those of delta::ToArrowSchema. A key that is missing in a row of a list is
/// null. A nullable column that is missing in a dict is null in every row. Errors: InvalidArgument with a reason:
/// INVALID_JSON (details line, column), JSON_TOO_DEEP, DUPLICATE_KEY, INVALID_UTF8, ONE_OF_REQUIRED,
/// COLUMN_LENGTHS_DIFFER, SCHEMA_MISMATCH, VALUE_OUT_OF_RANGE, TIMESTAMP_UNIT_REQUIRED, TYPE_MISMATCH, INVALID_VALUE,
/// UNKNOWN_KEY (details pointer: a JSON pointer to the value, row, column, hint).
Result<RowsBody> DecodeRowsJson(std::string_view body, const arrow::Schema& schema, const RowsJsonOptions& options);

}  // namespace yummy::format
