#pragma once
// One connection: it runs queries that stream Arrow batches, and writes rows as data files of a transaction.

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

/// Fixes the version of a table for a query: every mention of it without AT reads this snapshot.
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
  bool is_pinned = false;  // true: a TablePin chose the version; false: it was the newest
};

using Parameter = std::variant<std::monostate, bool, int64_t, double, std::string>;

struct QueryOptions {
  std::string store;  // its tables are visible by their bare names; empty: no store's are
  std::string schema = "main";
  std::vector<TablePin> pins;
  std::vector<Parameter> parameters;                                // for ? and $1
  std::vector<std::pair<std::string, Parameter>> named_parameters;  // for $name
  size_t batch_rows_max = 65536;
  size_t sql_max_bytes = 1 << 20;
  bool may_write = false;  // INSERT, UPDATE, DELETE, TRUNCATE and MERGE run; their result is one row of counts
};

/// What a statement or an insert changed.
struct ChangeReport {
  int64_t inserted = 0;  // rows
  int64_t updated = 0;
  int64_t deleted = 0;
  int64_t copied = 0;  // rows that stay, written again because others of their files changed
  int64_t files = 0;   // added, with rows
  int64_t size_bytes = 0;
  int64_t removed_files = 0;
  int64_t vectors = 0;  // files that got another deletion vector
};

/// The end of a statement that wrote.
struct ChangeOutcome {
  ChangeReport report;
  int64_t version = 0;  // of the table; the version that was read if nothing was committed
  bool committed = false;
};

/// A running query. Batches come as they are made; a slow caller slows the query down.
/// Not safe from several threads. The destructor interrupts and closes the query.
class QueryResult {
 public:
  virtual ~QueryResult() = default;
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  /// All tables that were read. As long as these names mean these snapshots, the same statement with the same options
  /// has the same result. Absent if the result depends on more: on chance, on time, on the list of tables.
  virtual const std::optional<std::vector<TableRead>>& reads() const = 0;
  /// What a statement that writes has changed; absent for a query.
  virtual const std::optional<ChangeOutcome>& outcome() const {
    static const std::optional<ChangeOutcome> kNone;
    return kNone;
  }
  /// The next batch; null at the end.
  /// Errors: Cancelled, DeadlineExceeded (QUERY_TIMEOUT), ResourceExhausted (QUERY_MEMORY), InvalidArgument (a cast or
  /// division that fails on a row), Corrupt (CORRUPT_DATA_FILE), NotFound (MISSING_FILE), Internal.
  virtual Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

struct InsertOptions {
  /// A condition in SQL on partition columns. Files whose rows satisfy it are removed, and the new rows must satisfy
  /// it, too.
  std::optional<std::string> replace_where;
};

class Session {
 public:
  virtual ~Session() = default;

  /// Runs one untrusted SELECT (also WITH, VALUES, FROM, EXPLAIN of these, DESCRIBE, SHOW TABLES) in the structural
  /// sandbox: it can read tables of the configured stores, but no files, network, settings or extensions. The session
  /// must outlive the result. The stop and the deadline of `context` end the query, even between two calls of Next.
  /// Errors: InvalidArgument (SQL_SYNTAX, ONE_STATEMENT, SQL_TOO_LONG, TOO_DEEP, UNKNOWN_COLUMN …, with details line,
  /// column, hint; READ_ONLY_ENDPOINT: a statement that writes), PermissionDenied (SQL_NOT_ALLOWED), NotFound
  /// (TABLE_NOT_FOUND, VERSION_NOT_FOUND), those of Next.
  virtual Result<std::unique_ptr<QueryResult>> Query(const Context& context, std::string_view sql,
                                                     const QueryOptions& options) = 0;

  /// Writes the rows as Parquet data files of the transaction's table, and stages their add actions with statistics. If
  /// the transaction creates the table or replaces the schema, the staged metadata counts. Columns match by name,
  /// ignoring case; a missing nullable column is null. Nothing is committed. SQL INSERT runs the same operator. Errors:
  /// InvalidArgument (SCHEMA_MISMATCH: an unknown column, or a NOT NULL column that is missing or null, with row and
  /// column; ROW_OUTSIDE_CONDITION), Unavailable …. A condition adds the errors of Query, and Unsupported
  /// (UNSUPPORTED_CONDITION: other columns than partition columns).
  virtual Result<ChangeReport> Insert(const Context& context, delta::Transaction& transaction,
                                      std::shared_ptr<arrow::RecordBatchReader> rows, const InsertOptions& options) = 0;
};

}  // namespace yummy::duck
