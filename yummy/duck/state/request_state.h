#pragma once
// What a running request means to the callbacks of DuckDB that serve it: its Context, pinned tables, the transaction it
// writes to, the files it may write. One per connection, set anew for each statement.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "yummy/base/context.h"
#include "yummy/delta/commit/transaction.h"
#include "yummy/duck/border/duckdb_headers.h"
#include "yummy/duck/session.h"

namespace yummy::fetch {
class ReadAhead;
}

namespace yummy::duck {

/// A data file as an error names it.
struct DataFile {
  std::string path;  // yummy://<store>/<path in the store>
  uint64_t size_bytes = 0;
};

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
  /// The pin of a table by its names as they are written; nullptr when there is none.
  const TablePin* FindPin(std::string_view store, std::string_view schema, std::string_view table) const;
  /// The pin of a table that was found by other names, such as in another case; nullptr when there is none.
  const TablePin* FindPinOf(std::string_view store, const delta::Table& table) const;
  /// While a statement is planned, on the session's thread: a table that it reads, and that its result depends on more
  /// than such tables. For QueryResult::reads.
  void NoteRead(TableRead read);
  void NoteVarying() { reads_.reset(); }
  const std::optional<std::vector<TableRead>>& reads() const { return reads_; }

  /// Lets this statement create the file `path` (yummy://…), or when it ends in '/' files anywhere below it.
  /// `on_open` is called with the path within the store before the first byte goes there: the place to record it as
  /// staged. Safe from several threads.
  void AllowWrite(std::string path, std::function<void(const std::string& store_path)> on_open = {});
  /// The permission for `path`: false when there is none. Calls on_open. For the file system.
  bool BeginWrite(const std::string& path, const std::string& store_path);

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

  /// Lets the statement's readers find what a scan reads ahead, as long as the scan lives. `scan` is the scan's global
  /// state. Safe from several threads, as are the next two.
  void AddReadAhead(const void* scan, std::weak_ptr<fetch::ReadAhead> read_ahead);
  /// The number of a scan's ReadAhead; absent when it has none.
  std::optional<uint64_t> ReadAheadNumber(const void* scan) const;
  /// A null pointer when there is none of this number any more.
  std::shared_ptr<fetch::ReadAhead> FindReadAhead(uint64_t number) const;

  /// The file that the calling thread reads from now on. For the file system and the file reader.
  void NoteFile(const DataFile& file);
  /// An error that comes next is not the fault of the calling thread's file.
  void AcquitFile();
  /// Names the calling thread's file as the one whose reading threw an INTERNAL error: to be called in the catch block
  /// around the reader, before the exception goes on. The file is refused until restart.
  void SuspectFile();
  std::optional<DataFile> suspect() const;

 private:
  struct WritePermission {
    std::string path;
    std::function<void(const std::string&)> on_open;
  };

  std::stop_source stop_;
  std::optional<std::stop_callback<std::function<void()>>> on_stop_;  // of the request's own context
  Context context_;
  bool untrusted_ = false;
  bool hides_joins_ = false;
  std::vector<TablePin> pins_;
  std::optional<std::vector<TableRead>> reads_;

  mutable std::mutex mutex_;
  std::vector<WritePermission> writes_;                                               // guarded by mutex_
  std::optional<Error> error_;                                                        // guarded by mutex_
  std::map<std::thread::id, DataFile> open_files_;                                    // guarded by mutex_
  std::optional<DataFile> suspect_;                                                   // guarded by mutex_
  std::vector<std::pair<const void*, std::weak_ptr<fetch::ReadAhead>>> read_aheads_;  // guarded by mutex_; by number
};

/// The state of a connection; made when there is none (connections that no session opened).
RequestState& RequestOf(duckdb::ClientContext& context);

}  // namespace yummy::duck
