#include "yummy/delta/commit/transaction.h"

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include <fmt/format.h>

#include "yummy/base/logging.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction_state.h"
#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

// Deleting the staged files must not delay the answer for long.
constexpr std::chrono::seconds kDeleteStagedMax{10};

// The text between the name and ".parquet": Spark's name of the codec.
std::string_view CodecExtension(std::string_view codec) {
  if (codec == "zstd") return ".zstd";
  if (codec == "snappy") return ".snappy";
  if (codec == "gzip") return ".gz";
  if (codec == "brotli") return ".br";
  if (codec == "lz4") return ".lz4hadoop";
  if (codec == "lz4_raw" || codec == "lz4raw") return ".lz4raw";
  return "";
}

void DeleteFiles(store::ObjectStore& store, const std::vector<std::string>& paths) {
  if (paths.empty()) return;
  const Context context = Context().WithDeadline(std::chrono::steady_clock::now() + kDeleteStagedMax);
  const auto deleted = store.Delete(context, paths);
  for (size_t i = 0; i < deleted.size(); i++) {
    if (!deleted[i].ok()) Log(LogLevel::kWarn, "staged file {} is left: {}", paths[i], deleted[i].error().ToString());
  }
}

template <typename T, typename Key>
void ReplaceOrAdd(std::vector<T>& all, T one, Key key) {
  const auto same = std::ranges::find_if(all, [&](const T& other) { return other.*key == one.*key; });
  if (same == all.end()) {
    all.push_back(std::move(one));
  } else {
    *same = std::move(one);
  }
}

}  // namespace

Result<Committed> RequireCommitted(CommitOutcome outcome) {
  if (auto* conflict = std::get_if<Conflict>(&outcome)) return std::move(conflict->error);
  if (auto* unknown = std::get_if<Unknown>(&outcome)) return std::move(unknown->error);
  return std::get<Committed>(std::move(outcome));
}

std::unique_ptr<Transaction> MakeTransaction(std::shared_ptr<Table> table, SnapshotRef base_or_null,
                                             Operation operation) {
  auto state = std::make_unique<Transaction::State>();
  state->table = std::move(table);
  state->base = std::move(base_or_null);
  state->operation = std::move(operation);
  return std::make_unique<Transaction>(std::move(state));
}

const Metadata* Transaction::State::metadata() const {
  if (new_metadata) return &*new_metadata;
  return base ? &base->metadata() : nullptr;
}

const Protocol* Transaction::State::protocol() const {
  if (new_protocol) return &*new_protocol;
  return base ? &base->protocol() : nullptr;
}

const Schema& Transaction::State::schema() const {
  return new_metadata || base == nullptr ? new_schema : base->schema();
}

TransactionSummary Transaction::State::Summarize() const {
  TransactionSummary summary;
  summary.base = base.get();
  if (const Metadata* metadata_now = metadata()) {
    summary.isolation = TableProperties::From(metadata_now->configuration).isolation;
  }
  summary.read_whole_table = read_whole_table;
  summary.read_predicates = read_predicates;
  summary.changes_data = false;
  for (const RemovedFile& file : removes) {
    const FileView view = base->file(file.id);
    summary.removed_keys.push_back(MUST(MakeFileKey(view.path, view.deletion_vector)));
    summary.changes_data = summary.changes_data || file.data_change;
  }
  for (const Add& add : adds) {
    summary.changes_data = summary.changes_data || add.data_change;
    if (!base) continue;
    // If a live file is added again (for example with statistics) and a winner has removed it, it must not come back to
    // life.
    std::string key = MUST(MakeFileKey(add));
    if (base->FindFile(key)) summary.removed_keys.push_back(std::move(key));
  }
  std::ranges::sort(summary.removed_keys);
  for (const Txn& txn : txns) summary.read_app_ids.insert(txn.app_id);
  for (const DomainMetadata& domain : domains) summary.domains.insert(domain.domain);
  summary.changes_metadata = new_metadata.has_value();
  summary.changes_protocol = new_protocol.has_value();
  summary.only_adds = removes.empty();
  return summary;
}

Remove Transaction::State::MakeRemove(const RemovedFile& file, int64_t deletion_timestamp_ms) const {
  Add add = base->add(file.id);
  Remove remove;
  remove.path = std::move(add.path);
  remove.deletion_timestamp_ms = deletion_timestamp_ms;
  remove.data_change = file.data_change;
  remove.extended_file_metadata = true;
  remove.partition_values = std::move(add.partition_values);
  remove.size_bytes = add.size_bytes;
  remove.tags = std::move(add.tags);
  remove.deletion_vector = std::move(add.deletion_vector);
  remove.base_row_id = add.base_row_id;
  remove.default_row_commit_version = add.default_row_commit_version;
  return remove;
}

std::vector<std::string> Transaction::State::TakeStaged() {
  const std::lock_guard lock(staged_mutex);
  return std::exchange(staged, {});
}

void Transaction::State::DeleteStaged() { DeleteFiles(*table->object_store(), TakeStaged()); }

Result<std::unordered_set<std::string>> Transaction::State::NamedFiles() const {
  const store::ObjectStore& store = *table->object_store();
  std::unordered_set<std::string> named;
  for (const Add& add : adds) {
    named.insert(TRY(ResolveLogPath(store, table->path(), add.path)));
    if (add.deletion_vector && add.deletion_vector->storage_type != 'i')
      named.insert(TRY(DeletionVectorPath(store, table->path(), *add.deletion_vector)));
  }
  return named;
}

void Transaction::State::DeleteUnusedStaged() {
  std::vector<std::string> unused = TakeStaged();
  if (unused.empty()) return;
  const auto named = NamedFiles();
  if (!named.ok()) {
    Log(LogLevel::kWarn, "table {}: unused staged files are left: {}", table->path(), named.error().ToString());
    return;
  }
  std::erase_if(unused, [&](const std::string& path) { return named->contains(path); });
  DeleteFiles(*table->object_store(), unused);
}

Transaction::Transaction(std::unique_ptr<State> state) : state_(std::move(state)) {}

Transaction::~Transaction() { state_->DeleteStaged(); }

const SnapshotRef& Transaction::base() const { return state_->base; }
Table& Transaction::table() const { return *state_->table; }

const Metadata& Transaction::metadata() const {
  static const Metadata kNone;
  const Metadata* metadata = state_->metadata();
  return metadata ? *metadata : kNone;
}

const Schema& Transaction::schema() const { return state_->schema(); }

bool Transaction::is_empty() const {
  const State& state = *state_;
  return state.adds.empty() && state.removes.empty() && state.txns.empty() && state.domains.empty() &&
         !state.new_metadata && !state.new_protocol;
}

std::string Transaction::StageFile(const PartitionValues& partition_values) {
  const TableOptions& options = state_->table->options();
  const std::string codec = TableProperties::From(metadata().configuration).compression_codec;
  std::string path = fmt::format("{}part-{:05}-{}-c000{}.parquet", PartitionFolder(partition_values),
                                 state_->files_named.fetch_add(1), options.random->Uuid(), CodecExtension(codec));
  const std::string& root = state_->table->path();
  RecordStaged(root.empty() ? path : root + "/" + path);
  return path;
}

void Transaction::RecordStaged(std::string store_path) {
  const std::lock_guard lock(state_->staged_mutex);
  state_->staged.push_back(std::move(store_path));
}

void Transaction::SetMetadata(Metadata metadata) {
  state_->new_schema.clear();
  state_->schema_error.reset();
  auto schema = ParseSchema(metadata.schema_string);
  if (schema.ok()) {
    state_->new_schema = std::move(schema).value();
  } else {
    state_->schema_error = std::move(schema).error();
  }
  state_->new_metadata = std::move(metadata);
}

void Transaction::SetProtocol(Protocol protocol) { state_->new_protocol = std::move(protocol); }

void Transaction::AddFile(Add add) { state_->adds.push_back(std::move(add)); }

void Transaction::RemoveFile(FileId id, bool data_change) {
  assert(state_->base != nullptr);
  state_->removes.push_back({id, data_change});
}

void Transaction::SetTxn(Txn txn) { ReplaceOrAdd(state_->txns, std::move(txn), &Txn::app_id); }

void Transaction::SetDomainMetadata(DomainMetadata domain) {
  ReplaceOrAdd(state_->domains, std::move(domain), &DomainMetadata::domain);
}

void Transaction::SetOperationMetric(std::string name, std::string value) {
  using Metric = std::pair<std::string, std::string>;
  ReplaceOrAdd(state_->metrics, Metric{std::move(name), std::move(value)}, &Metric::first);
}

void Transaction::ReadWholeTable() { state_->read_whole_table = true; }
void Transaction::ReadFiles(Predicate predicate) { state_->read_predicates.push_back(std::move(predicate)); }
void Transaction::RequireVersion(int64_t version) { state_->required_version = version; }

Result<CommitOutcome> Transaction::Commit(const Context& context) {
  if (state_->has_ended) {
    return Error(ErrorCode::kInvalidArgument, "the transaction was committed already")
        .WithReason(Reason::kInvalidCommit);
  }
  state_->has_ended = true;
  const auto checked = CheckTransaction(*state_);
  auto outcome = checked.ok() ? RunCommit(*state_, context) : Result<CommitOutcome>(checked.error());
  if (!outcome.ok() || std::holds_alternative<Conflict>(*outcome)) {
    state_->DeleteStaged();
  } else if (std::holds_alternative<Committed>(*outcome)) {
    state_->DeleteUnusedStaged();
  } else {
    (void)state_->TakeStaged();  // not deleted, because the commit may exist and name them
  }
  return outcome;
}

}  // namespace yummy::delta
