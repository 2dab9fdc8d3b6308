#pragma once
// One version of a table: immutable, shared, columnar.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yummy/base/clock.h"
#include "yummy/base/context.h"
#include "yummy/delta/files/file_id.h"
#include "yummy/delta/files/predicate.h"
#include "yummy/delta/protocol/actions.h"
#include "yummy/delta/protocol/column_mapping.h"
#include "yummy/delta/protocol/table_properties.h"
#include "yummy/delta/schema/scalar.h"
#include "yummy/delta/schema/schema.h"
#include "yummy/store/object_store.h"

namespace yummy {
class Executor;
}

namespace yummy::delta {

class Snapshot;
using SnapshotRef = std::shared_ptr<const Snapshot>;

/// A view of one live file; valid as long as its snapshot.
struct FileView {
  std::string_view path;  // URI-encoded, as in the log
  int64_t size_bytes = 0;
  int64_t modification_time_ms = 0;
  int64_t num_records = -1;  // physical rows; -1: unknown
  const DeletionVectorDescriptor* deletion_vector = nullptr;

  /// Rows that are not deleted; -1: unknown.
  int64_t live_records() const {
    return num_records < 0 ? -1 : num_records - (deletion_vector ? deletion_vector->cardinality : 0);
  }
};

/// The bounds of one leaf column over all live files. Absent values are unknown.
struct ColumnSummary {
  std::optional<Scalar> min;
  std::optional<Scalar> max;
  bool bounds_are_exact =
      false;  // min and max occur in live rows: bounds are tight and uncut, and no NaN can be missing
  bool may_have_null = true;
  std::optional<int64_t> null_count;
};

struct LoadOptions {
  std::optional<int64_t> version;         // absent: the newest
  Executor* executor = nullptr;           // null: the calling thread does everything
  const Clock* clock = &Clock::System();  // for the age of txn actions; must outlive the snapshots
};

class Snapshot {
 public:
  /// Loads a version of the table at `table_path` of the store.
  /// Errors: NotFound (reason NOT_A_DELTA_TABLE, VERSION_NOT_FOUND, VERSION_EXPIRED: log clean-up removed it), Corrupt
  /// (reason CORRUPT_TABLE: gaps, torn files), Unsupported (reader feature), PermissionDenied, Unavailable.
  static Result<SnapshotRef> Load(const Context& context, std::shared_ptr<store::ObjectStore> store,
                                  std::string table_path, const LoadOptions& options);

  /// The newest version. It replays only newer commits; without any it returns this same snapshot. If the commit of
  /// this version changed or is gone, the table was created again, and everything is loaded anew. `held`, if given,
  /// returns the newest snapshot that this process has when the store has answered, so that it need not read its own
  /// commits.
  static Result<SnapshotRef> Refresh(const Context& context, const SnapshotRef& snapshot, Executor* executor,
                                     const std::function<SnapshotRef()>& held = {});

  /// The version after `snapshot`, whose commit this process has just put. Sends no request. Errors: Corrupt.
  static Result<SnapshotRef> Follow(const SnapshotRef& snapshot, store::ObjectMeta commit, std::string bytes);

  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  int64_t version() const;
  const Protocol& protocol() const;
  const Metadata& metadata() const;
  const Schema& schema() const;
  const TableProperties& properties() const;
  ColumnMappingMode column_mapping() const;
  const std::string& table_path() const;
  const std::shared_ptr<store::ObjectStore>& object_store() const;
  /// The in-commit timestamp, or the modification time of the commit file, or if neither is known the time in its
  /// commitInfo.
  int64_t timestamp_ms() const;

  /// The positions of the partition columns in schema(), in the order of the metadata.
  const std::vector<size_t>& partition_columns() const;

  size_t file_count() const;
  int64_t size_bytes() const;
  /// The number of rows that are not deleted; absent if a file has no statistics.
  std::optional<int64_t> row_count() const;

  /// All live files.
  std::vector<FileId> files() const;
  FileView file(FileId id) const;
  /// `column` is a position in partition_columns(). If the add lacks the key, the value is null. Errors: Corrupt.
  Result<Scalar> partition_value(FileId id, size_t column) const;
  /// The whole add action, ready to be written again: it has a value for each partition column, and no others.
  Add add(FileId id) const;
  /// The live file with a key of MakeFileKey, if there is one.
  std::optional<FileId> FindFile(std::string_view file_key) const;

  /// The files among `candidates` (null: all live files) that may hold rows which satisfy `predicate`. It decides from
  /// partition values and statistics, without I/O, and keeps files that it cannot decide on.
  std::vector<FileId> Prune(const Predicate& predicate, const std::vector<FileId>* candidates = nullptr) const;

  /// What partition values and statistics say about one column in one file.
  std::optional<ColumnFacts> Facts(FileId id, const ColumnPath& column) const;
  /// The bounds of a column over all live files; cached.
  ColumnSummary Summary(const ColumnPath& column) const;

  /// The newest txn version of an application. An expired txn (delta.setTransactionRetentionDuration) counts as absent.
  std::optional<int64_t> txn_version(std::string_view app_id) const;
  const std::vector<Txn>& txns() const;
  const std::vector<DomainMetadata>& domain_metadata() const;  // without removed domains

  struct State;
  /// For the module's own files: transaction, checkpoint.
  const State& state() const { return *state_; }
  explicit Snapshot(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
