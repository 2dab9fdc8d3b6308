#pragma once
// Session::Insert: rows of a record batch reader into the data files of a transaction, by the operator that SQL INSERT
// runs.

#include <cstddef>
#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/session.h"

namespace yummy::duck {

/// Writes the rows and stages their add actions; nothing is committed. No rows: no file. The connection's RequestState
/// was started for this request: its Context ends the work. The transaction's table is in the store `store_ordinal`.
/// Errors, returned or thrown (error.h): InvalidArgument (SCHEMA_MISMATCH, TYPE_MISMATCH, VALUE_OUT_OF_RANGE,
/// INVALID_ARROW; details "column", "row"), those of RowCondition, Cancelled, DeadlineExceeded, ResourceExhausted, and
/// those of the reader and the store.
Result<InsertReport> InsertRows(duckdb::Connection& connection, delta::Transaction& transaction, size_t store_ordinal,
                                std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options);

}  // namespace yummy::duck
