#pragma once
// One connection: queries that stream Arrow batches, and rows written as data files of a transaction.

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/context.h"
#include "yummy/base/result.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/delta/snapshot/snapshot.h"

namespace yummy::duck {

/// A table whose version a query fixes: every mention of it without AT reads this snapshot.
struct TablePin {
  std::string store;
  std::string schema = "main";
  std::string table;
  delta::SnapshotRef snapshot;
};

/// A version of a table that a query read, with the names by which it was found.
struct TableRead {
  std::string store;
  std::string schema = "main";
  std::string table;
  delta::SnapshotRef snapshot;
  bool is_pinned = false;  // a TablePin chose the version, else it was the newest
};

using Parameter = std::variant<std::monostate, bool, int64_t, double, std::string>;

struct QueryOptions {
  std::string store;  // tables of this store are visible by their bare names; empty: none
  std::string schema = "main";
  std::vector<TablePin> pins;
  std::vector<Parameter> parameters;                                // for ? and $1
  std::vector<std::pair<std::string, Parameter>> named_parameters;  // for $name
  size_t batch_rows_max = 65536;
  size_t sql_max_bytes = 1 << 20;
};

/// A running query. Batches come as they are made: whoever does not ask slows the query down.
/// Not safe from several threads. The destructor interrupts and closes the query.
class QueryResult {
 public:
  virtual ~QueryResult() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  /// Every table that was read. While these names mean these snapshots, the same statement with the same options has
  /// this result again. Absent for a statement that depends on more: on chance, on the time, on which tables there are.
  virtual const std::optional<std::vector<TableRead>>& reads() const = 0;
  /// The next batch, or a null pointer at the end.
  /// Errors: Cancelled, DeadlineExceeded (QUERY_TIMEOUT), ResourceExhausted (QUERY_MEMORY), InvalidArgument (a cast or
  /// division that fails on a row), Corrupt (CORRUPT_DATA_FILE), NotFound (MISSING_FILE), Internal.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

struct InsertOptions {
  /// A condition on partition columns, in SQL: files whose rows satisfy it are removed, and the rows must satisfy it,
  /// too.
  std::optional<std::string> replace_where;
};

struct InsertReport {
  int64_t rows = 0;
  int64_t files = 0;
  int64_t size_bytes = 0;
};

class Session {
 public:
  virtual ~Session() = default;

  /// Runs one untrusted SELECT (also WITH, VALUES, FROM, EXPLAIN of these, DESCRIBE, SHOW TABLES) under the structural
  /// sandbox: only the configured stores' tables are readable; no files, network, settings, extensions. The session
  /// must outlive the result. `context`'s stop and deadline end the query, also between two Next(). Errors:
  /// InvalidArgument (SQL_SYNTAX, ONE_STATEMENT, SQL_TOO_LONG, TOO_DEEP, UNKNOWN_COLUMN …; details line, column, hint),
  /// InvalidArgument reason READ_ONLY_ENDPOINT (a statement that writes), PermissionDenied reason SQL_NOT_ALLOWED,
  /// NotFound (TABLE_NOT_FOUND, VERSION_NOT_FOUND), and those of Next.
  virtual Result<std::unique_ptr<QueryResult>> Query(const Context& context, std::string_view sql,
                                                     const QueryOptions& options) = 0;

  /// Writes the rows as Parquet data files of `transaction`'s table (its staged metadata when it creates or replaces
  /// the schema), and stages their add actions with statistics. Columns are matched by name, ignoring case; a missing
  /// nullable column is null. Nothing is committed. One row path: SQL INSERT runs the same operator. Errors:
  /// InvalidArgument (SCHEMA_MISMATCH: unknown column, missing or null NOT NULL column; row and column named;
  /// ROW_OUTSIDE_CONDITION), Unavailable …; of the condition those of Query, and Unsupported (UNSUPPORTED_CONDITION: of
  /// other columns).
  virtual Result<InsertReport> Insert(const Context& context, delta::Transaction& transaction,
                                      std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options) = 0;
};

}  // namespace yummy::duck
