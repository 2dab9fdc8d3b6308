#pragma once
// What a running request means to the callbacks of DuckDB that serve it. One per connection, set anew for each
// statement.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/session.h"
#include "yummy/duck/state/files_in_use.h"
#include "yummy/duck/state/read_aheads.h"
#include "yummy/duck/state/table_pins.h"
#include "yummy/duck/state/write_permits.h"

namespace yummy::duck {

class RequestState final : public duckdb::ClientContextState {
 public:
  static constexpr const char* kKey = "yummy_request";

  /// Before a statement, on the session's thread while nothing runs on the connection: forgets the last one.
  void Start(Context context, std::vector<TablePin> pins);
  /// The statement is a stranger's: its plan is checked (plan_guard.h). Off after Start.
  void SetUntrusted() { untrusted_ = true; }
  /// The statement is not wanted any more: its context stops, and with it what it has asked of the stores.
  void Stop() { stop_.request_stop(); }
  /// After a statement: drops pins and write permissions.
  void Finish();

  /// Constant while a statement runs: safe from DuckDB's threads. Stops with the request's, and with Stop.
  const Context& context() const { return context_; }
  bool untrusted() const { return untrusted_; }
  const TablePins& pins() const { return pins_; }
  WritePermits& write_permits() { return write_permits_; }
  ReadAheads& read_aheads() { return read_aheads_; }
  const ReadAheads& read_aheads() const { return read_aheads_; }
  FilesInUse& files_in_use() { return files_in_use_; }
  /// While a statement is planned, on the session's thread: a table that it reads, and that its result depends on more
  /// than such tables. For QueryResult::reads.
  void NoteRead(TableRead read);
  void NoteVarying() { reads_.reset(); }
  const std::optional<std::vector<TableRead>>& reads() const { return reads_; }

  /// While a statement is planned again, because DuckDB's optimiser failed on it: its joins are hidden from the
  /// optimiser (opaque_expressions.h).
  bool hides_joins() const { return hides_joins_; }
  bool CanRequestRebind() override { return true; }
  /// Has a statement whose planning ended in an internal error planned once more, with hidden joins.
  duckdb::RebindQueryInfo OnPlanningError(duckdb::ClientContext& context, duckdb::SQLStatement& statement,
                                          duckdb::ErrorData& error) override;

  /// Keeps the error that DuckDB is about to re-word (commit: "Failed to commit: …"); the session returns it as it is.
  void KeepError(Error error);
  std::optional<Error> TakeError();

 private:
  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;  // of the request's own context
  Context context_;
  bool untrusted_ = false;
  bool hides_joins_ = false;
  TablePins pins_;
  WritePermits write_permits_;
  ReadAheads read_aheads_;
  FilesInUse files_in_use_;
  std::optional<std::vector<TableRead>> reads_;

  std::mutex mutex_;
  std::optional<Error> error_;  // guarded by mutex_
};

/// The state of a connection; made when there is none (connections that no session opened).
RequestState& RequestOf(duckdb::ClientContext& context);

}  // namespace yummy::duck
