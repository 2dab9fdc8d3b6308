#pragma once
// UPDATE and DELETE: rows of a table change in one new version.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/table/verb.h"

namespace yummy::table {

/// Runs a statement. One that changes rows and loses against a concurrent commit that touched what it read begins
/// again on the newer version, a bounded number of times and within the deadline of the context.
/// Errors: those of duck::Session::Query; Conflict (SNAPSHOT_CHANGED: it lost each time).
Result<std::unique_ptr<duck::QueryResult>> RunStatement(const Context& context, duck::Session& session,
                                                        std::string_view sql, const duck::QueryOptions& options);

/// Sets columns of the rows that satisfy a condition. Errors: InvalidArgument (INVALID_PARAMETER: nothing to set;
/// SQL_SYNTAX, UNKNOWN_COLUMN …), Conflict (APPEND_ONLY, SNAPSHOT_CHANGED), Unsupported, OutcomeUnknown.
struct Update {
  using Report = duck::ChangeOutcome;
  static constexpr bool kMakesTable = false;

  std::vector<std::pair<std::string, std::string>> set;  // column, SQL expression
  std::optional<std::string> where;                      // SQL; absent: all rows

  Result<duck::ChangeOutcome> Run(const Context& context, const Target& target) const;
};

/// Deletes the rows that satisfy a condition. Errors: as Update.
struct Delete {
  using Report = duck::ChangeOutcome;
  static constexpr bool kMakesTable = false;

  std::optional<std::string> where;  // SQL; absent: all rows

  Result<duck::ChangeOutcome> Run(const Context& context, const Target& target) const;
};

}  // namespace yummy::table
