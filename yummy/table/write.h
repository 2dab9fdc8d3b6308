#pragma once
// APPEND and OVERWRITE: write rows as data files of one new version.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <arrow/type_fwd.h>

#include "yummy/base/context.h"
#include "yummy/table/schema_mode.h"
#include "yummy/table/verb.h"

namespace yummy::table {

enum class WriteMode { kAppend, kOverwrite };

struct WriteReport {
  int64_t version = 0;  // the table's version after the write; unchanged when nothing was written
  bool committed = false;
  duck::ChangeReport change;
};

/// Adds rows. kOverwrite replaces all rows, or those that satisfy `replace_where`, and the schema when its mode says
/// so, in one version. Appending no rows commits nothing, also when the schema would change. Runs once: it reads
/// `rows`.
/// Errors: InvalidArgument (SCHEMA_MISMATCH …; INVALID_PARAMETER: a condition and a whole new schema exclude each
/// other), those of StageSchema, Unsupported, Conflict (APPEND_ONLY …), OutcomeUnknown, and the store's. On an error no
/// row is visible.
struct Write {
  using Report = WriteReport;
  static constexpr bool kMakesTable = false;

  WriteMode mode = WriteMode::kAppend;
  std::shared_ptr<arrow::RecordBatchReader> rows;
  SchemaMode schema_mode = SchemaMode::kKeep;
  std::optional<std::string> replace_where;  // of kOverwrite: a condition on partition columns
  bool dry_run = false;                      // everything but the commit

  Result<WriteReport> Run(const Context& context, const Target& target) const;
};

}  // namespace yummy::table
