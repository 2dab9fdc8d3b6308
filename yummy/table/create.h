#pragma once
// CREATE: version 0 of a table.

#include <optional>
#include <string>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/table/verb.h"

namespace yummy::table {

enum class CreateMode { kErrorIfExists, kIgnore, kOverwrite };

struct CreateReport {
  int64_t version = 0;
  bool created = false;  // false: it existed and the mode is kIgnore, or it is a dry run
};

/// Creates a table. kOverwrite replaces schema and rows of an existing table in one version.
/// Errors: InvalidArgument (INVALID_SCHEMA, INVALID_PARTITION, INVALID_TABLE_PROPERTY), AlreadyExists (TABLE_EXISTS),
/// Unsupported, Conflict, OutcomeUnknown, and the store's.
struct Create {
  using Report = CreateReport;
  static constexpr bool kMakesTable = true;

  delta::Schema schema;
  std::vector<std::string> partition_columns;
  std::optional<std::string> comment;
  delta::StringMap configuration;
  CreateMode mode = CreateMode::kErrorIfExists;
  bool dry_run = false;

  Result<CreateReport> Run(const Context& context, const Target& target) const;
};

}  // namespace yummy::table
