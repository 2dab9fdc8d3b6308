#pragma once
// APPEND and OVERWRITE: rows become data files of one new version.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <arrow/type_fwd.h>

#include "yummy/base/context.h"
#include "yummy/delta/commit/table.h"
#include "yummy/duck/session.h"
#include "yummy/table/schema_mode.h"

namespace yummy::table {

struct WriteOptions {
  SchemaMode schema_mode = SchemaMode::kKeep;
  /// Overwrite only: the rows that satisfy this condition on partition columns are replaced, the others stay.
  std::optional<std::string> replace_where;
  bool dry_run = false;  // everything but the commit
};

struct WriteReport {
  int64_t version = 0;  // the table's version after the write; unchanged when nothing was written
  bool committed = false;
  duck::InsertReport inserted;
};

/// Appends the rows. No rows: no commit, the version stays, also when the schema would change.
/// Errors: InvalidArgument (SCHEMA_MISMATCH …), those of StageSchema, Unsupported, Conflict, OutcomeUnknown, and the
/// store's. On an error no row is visible.
Result<WriteReport> Append(const Context& context, duck::Session& session, delta::Table& table,
                           std::shared_ptr<arrow::RecordBatchReader> rows, const WriteOptions& options);

/// Replaces all rows, or those that satisfy a condition, and the schema when the mode says so, in one version.
/// Errors: InvalidArgument (INVALID_PARAMETER: a condition and a whole new schema exclude each other). Errors: as
/// Append, and Conflict (APPEND_ONLY).
Result<WriteReport> Overwrite(const Context& context, duck::Session& session, delta::Table& table,
                              std::shared_ptr<arrow::RecordBatchReader> rows, const WriteOptions& options);

}  // namespace yummy::table
