#pragma once
// JSON bodies into typed record batches (docs/rest.md, "JSON in"): numbers exact, one walk over the text, no rows in
// between.

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

/// What a write's body holds besides its rows.
struct RowsBody {
  std::shared_ptr<arrow::RecordBatch> rows;
  bool dry_run = false;
};

/// Decodes {"record_batch_dict": {col: […]}} or {"record_batch_list": [{col: v}, …]} (both spellings of every key) for
/// the columns of `schema`, whose types are those of delta::ToArrowSchema. A missing key in a row of a list is null; a
/// missing column of a dict is null in every row when it is nullable. Errors: InvalidArgument with a reason:
/// INVALID_JSON (details line, column), JSON_TOO_DEEP, DUPLICATE_KEY, INVALID_UTF8, ONE_OF_REQUIRED,
/// COLUMN_LENGTHS_DIFFER, SCHEMA_MISMATCH, VALUE_OUT_OF_RANGE, TIMESTAMP_UNIT_REQUIRED, TYPE_MISMATCH, INVALID_VALUE,
/// UNKNOWN_KEY (details pointer: a JSON pointer to the value, row, column, hint).
Result<RowsBody> DecodeRowsJson(std::string_view body, const arrow::Schema& schema, const RowsJsonOptions& options);

}  // namespace yummy::format
