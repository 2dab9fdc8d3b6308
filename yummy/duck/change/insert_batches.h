#pragma once
// Implements Session::Insert: writes the rows of a record batch reader to data files of a transaction, with the
// operator of SQL INSERT.

#include <cstddef>
#include <memory>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/session.h"

namespace yummy::duck {

/// Writes the rows and stages their add actions. Nothing is committed. Without rows there is no file. The connection's
/// RequestState must have been started for this request; its Context ends the work. The table of the transaction is in
/// the store `store_ordinal`.
/// Errors, returned or thrown (error.h): InvalidArgument (SCHEMA_MISMATCH, TYPE_MISMATCH, VALUE_OUT_OF_RANGE,
/// INVALID_ARROW; details "column", "row"), those of RowCondition, Cancelled, DeadlineExceeded, ResourceExhausted, and
/// those of the reader and the store.
Result<ChangeReport> InsertRows(duckdb::Connection& connection, delta::Transaction& transaction, size_t store_ordinal,
                                std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options);

}  // namespace yummy::duck
