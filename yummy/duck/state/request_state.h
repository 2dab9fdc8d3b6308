#pragma once
// The state of a running request that DuckDB's callbacks look up. There is one per connection; it is reset for each
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

  /// Call it before a statement, on the session's thread, while nothing runs on the connection. Drops the state of the
  /// last statement.
  void Start(Context context, std::vector<TablePin> pins);
  /// Marks the statement as untrusted, so that its plan is checked (plan_guard.h). Start resets this.
  void SetUntrusted(bool may_write) {
    untrusted_ = true;
    may_write_ = may_write;
  }
  /// Stops the context of the statement, and with it its requests to the stores.
  void Stop() { stop_.request_stop(); }
  /// Call it after a statement. Drops pins and write permissions.
  void Finish();

  /// The context of the statement. It does not change while the statement runs, so DuckDB's threads may use it. It
  /// stops with the request's context, and with Stop.
  const Context& context() const { return context_; }
  bool untrusted() const { return untrusted_; }
  /// True if an untrusted statement may change rows.
  bool may_write() const { return may_write_; }
  const TablePins& pins() const { return pins_; }
  WritePermits& write_permits() { return write_permits_; }
  ReadAheads& read_aheads() { return read_aheads_; }
  const ReadAheads& read_aheads() const { return read_aheads_; }
  FilesInUse& files_in_use() { return files_in_use_; }
  /// For QueryResult::reads: records a table that the statement reads. NoteVarying records that the result depends on
  /// more than such tables. Call both on the session's thread while the statement is planned.
  void NoteRead(TableRead read);
  void NoteVarying() { reads_.reset(); }
  const std::optional<std::vector<TableRead>>& reads() const { return reads_; }

  /// Records what a statement changed, and the version that it became. Call both on the thread that ends it.
  void NoteChange(const ChangeReport& report) { outcome_.report = report; }
  void NoteVersion(int64_t version, bool committed) {
    outcome_.version = version;
    outcome_.committed = committed;
  }
  const ChangeOutcome& outcome() const { return outcome_; }

  /// True while a statement is planned again because DuckDB's optimiser failed on it. Then its joins are hidden from
  /// the optimiser (opaque_expressions.h).
  bool hides_joins() const { return hides_joins_; }
  bool CanRequestRebind() override { return true; }
  /// If planning a statement ended in an internal error, has it planned once more with hidden joins.
  duckdb::RebindQueryInfo OnPlanningError(duckdb::ClientContext& context, duckdb::SQLStatement& statement,
                                          duckdb::ErrorData& error) override;

  /// Keeps an error that DuckDB is about to reword (commit: "Failed to commit: …"). The session returns it unchanged.
  void KeepError(Error error);
  std::optional<Error> TakeError();

 private:
  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;  // called by the request's own context
  Context context_;
  bool untrusted_ = false;
  bool may_write_ = false;
  ChangeOutcome outcome_;
  bool hides_joins_ = false;
  TablePins pins_;
  WritePermits write_permits_;
  ReadAheads read_aheads_;
  FilesInUse files_in_use_;
  std::optional<std::vector<TableRead>> reads_;

  std::mutex mutex_;
  std::optional<Error> error_;  // guarded by mutex_
};

/// The state of a connection. It is made if there is none, for connections that no session has opened.
RequestState& RequestOf(duckdb::ClientContext& context);

}  // namespace yummy::duck
