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

/// A look at one live file; valid as long as its snapshot.
struct FileView {
  std::string_view path;  // as the log has it: URI-encoded
  int64_t size_bytes = 0;
  int64_t modification_time_ms = 0;
  int64_t num_records = -1;  // physical rows; -1: unknown
  const DeletionVectorDescriptor* deletion_vector = nullptr;

  /// Rows that are not deleted; -1: unknown.
  int64_t live_records() const {
    return num_records < 0 ? -1 : num_records - (deletion_vector ? deletion_vector->cardinality : 0);
  }
};

/// Bounds of one leaf column over all live files. Absent parts are unknown.
struct ColumnSummary {
  std::optional<Scalar> min;
  std::optional<Scalar> max;
  bool bounds_are_exact = false;  // min and max occur in the data: tight, not cut, no deletion vectors, no NaN doubt
  bool may_have_null = true;
  std::optional<int64_t> null_count;
};

struct LoadOptions {
  std::optional<int64_t> version;         // absent: the newest
  Executor* executor = nullptr;           // absent: everything on the calling thread
  const Clock* clock = &Clock::System();  // for the age of txn actions; must outlive the snapshots
};

class Snapshot {
 public:
  /// Loads a version of the table at `table_path` of the store.
  /// Errors: NotFound (reason NOT_A_DELTA_TABLE, VERSION_NOT_FOUND; PreconditionFailed's sibling VERSION_EXPIRED when
  /// log clean-up removed it), Corrupt (reason CORRUPT_TABLE: gaps, torn files), Unsupported (reader feature),
  /// PermissionDenied, Unavailable.
  static Result<SnapshotRef> Load(const Context& context, std::shared_ptr<store::ObjectStore> store,
                                  std::string table_path, const LoadOptions& options);

  /// The newest version, replaying only what came after this one; this very snapshot when nothing did. When this
  /// version's own commit changed or is gone, the table was made anew: everything is loaded again. `held`, when it is
  /// given, tells what this process knows by the time that the store has answered: its own commits need no reading.
  static Result<SnapshotRef> Refresh(const Context& context, const SnapshotRef& snapshot, Executor* executor,
                                     const std::function<SnapshotRef()>& held = {});

  /// The version after `snapshot`, whose commit this process has just put: nothing is asked. Errors: Corrupt.
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
  /// In-commit timestamp, or the commit file's modification time, or where neither is known what its writer says.
  int64_t timestamp_ms() const;

  /// Positions in schema() of the partition columns, in the order of the metadata.
  const std::vector<size_t>& partition_columns() const;

  size_t file_count() const;
  int64_t size_bytes() const;
  /// Rows that are not deleted; absent when a file has no statistics.
  std::optional<int64_t> row_count() const;

  /// All live files.
  std::vector<FileId> files() const;
  FileView file(FileId id) const;
  /// `column` counts in partition_columns(). Null, too, where the add has no such key. Errors: Corrupt.
  Result<Scalar> partition_value(FileId id, size_t column) const;
  /// The whole add action, for writing it again: with a value for each partition column, and no other.
  Add add(FileId id) const;
  /// The live file with this path and deletion vector id (empty: none), if there is one.
  std::optional<FileId> FindFile(std::string_view log_path, std::string_view deletion_vector_id) const;

  /// The files that may hold rows which satisfy `predicate`, of those in `candidates` (absent: all live files).
  /// Decides from partition values and statistics, without I/O; keeps what it cannot decide.
  std::vector<FileId> Prune(const Predicate& predicate, const std::vector<FileId>* candidates = nullptr) const;
  /// True when every row of the file satisfies the predicate by its partition values and statistics.
  bool MustMatch(FileId id, const Predicate& predicate) const;

  /// What partition values and statistics say of one column in one file.
  std::optional<ColumnFacts> Facts(FileId id, const ColumnPath& column) const;
  /// Over all live files; cached.
  ColumnSummary Summary(const ColumnPath& column) const;

  /// The newest version of a txn action's appId. Expired ones (delta.setTransactionRetentionDuration) count as absent.
  std::optional<int64_t> txn_version(std::string_view app_id) const;
  const std::vector<Txn>& txns() const;
  const std::vector<DomainMetadata>& domain_metadata() const;  // without the removed ones

  struct State;
  /// For the module's own files: transaction, checkpoint.
  const State& state() const { return *state_; }
  explicit Snapshot(std::unique_ptr<State> state);

 private:
  std::unique_ptr<State> state_;
};

}  // namespace yummy::delta
