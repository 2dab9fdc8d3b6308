#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>

#include "yummy/base/executor.h"
#include "yummy/base/json.h"
#include "yummy/delta/checkpoint/checkpoint.h"
#include "yummy/delta/checkpoint/checkpoint_batches.h"
#include "yummy/delta/log/checkpoint_reader.h"
#include "yummy/delta/log/log.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {

namespace {

using Tombstones = std::map<std::string, Remove>;  // by file key

Error FromArrow(const arrow::Status& status) {
  const ErrorCode code = status.IsOutOfMemory() ? ErrorCode::kResourceExhausted : ErrorCode::kInternal;
  return Error(code, fmt::format("the checkpoint cannot be encoded: {}", status.message()));
}

Result<void> TakeRemoves(std::vector<Remove> removes, Tombstones& tombstones) {
  for (Remove& remove : removes) {
    std::string key = TRY(MakeFileKey(remove));
    tombstones.insert_or_assign(std::move(key), std::move(remove));
  }
  return {};
}

/// The bytes of a commit: what the version holds of them itself is not read again.
Result<RecentCommits::Bytes> BytesOf(const Context& context, const Snapshot::State& state, const CommitFile& commit) {
  TRY(context.Check());
  if (RecentCommits::Bytes held = state.recent.Find(commit.version)) return held;
  return std::make_shared<const std::string>(TRY(ReadCommitFile(context, *state.store, commit.meta)));
}

Result<void> TakeCommit(std::vector<Action> actions, Tombstones& tombstones) {
  for (Action& action : actions) {
    if (const auto* add = std::get_if<Add>(&action)) {
      tombstones.erase(TRY(MakeFileKey(*add)));
    } else if (auto* remove = std::get_if<Remove>(&action)) {
      std::string key = TRY(MakeFileKey(*remove));
      tombstones.insert_or_assign(std::move(key), std::move(*remove));
    }
  }
  return {};
}

/// The tombstones of the segment's version, expired ones included.
Result<Tombstones> ReplayTombstones(const Context& context, const Snapshot::State& state, const LogSegment& segment,
                                    Executor* executor) {
  constexpr size_t kCommitsAtOnce = 64;
  Tombstones tombstones;
  if (segment.checkpoint) {
    TRY(TakeRemoves(
        TRY(ReadCheckpointTombstones(context, *state.store, state.table_path, *segment.checkpoint, executor)),
        tombstones));
  }
  const std::span<const CommitFile> commits(segment.commits);
  for (size_t first = 0; first < commits.size(); first += kCommitsAtOnce) {
    const auto group = commits.subspan(first, std::min(kCommitsAtOnce, commits.size() - first));
    std::vector<RecentCommits::Bytes> bytes(group.size());
    TRY(ForEachInParallel(executor, group.size(), [&](size_t i) -> Result<void> {
      bytes[i] = TRY(BytesOf(context, state, group[i]));
      return {};
    }));
    for (size_t i = 0; i < group.size(); i++)
      TRY(TakeCommit(TRY(ParseCommit(*bytes[i], group[i].meta.path)), tombstones));
  }
  return tombstones;
}

/// The tombstones to keep: not yet expired, and no file of the version.
Result<std::vector<Remove>> LiveTombstones(const Context& context, const Snapshot::State& state, int64_t now_ms,
                                           Executor* executor) {
  constexpr int kAttemptsMax = 16;
  FindLogOptions find{.version = state.version, .unusable_checkpoints = {}};
  for (int attempt = 0;; attempt++) {
    const LogSegment segment = TRY(FindLogSegment(context, *state.store, state.table_path, find));
    auto tombstones = ReplayTombstones(context, state, segment, executor);
    if (!tombstones.ok()) {
      if (attempt == kAttemptsMax || !segment.checkpoint || tombstones.error().code() != ErrorCode::kCorrupt) {
        return std::move(tombstones).error();
      }
      for (const store::ObjectMeta& part : segment.checkpoint->parts) find.unusable_checkpoints.push_back(part.path);
      continue;
    }
    const int64_t retention_ms = state.shape->properties.deleted_file_retention.count();
    std::vector<Remove> kept;
    for (auto& [key, remove] : *tombstones) {
      // "absent timestamp = 0": long expired.
      if (remove.deletion_timestamp_ms.value_or(0) <= now_ms - retention_ms || state.files.Find(key)) continue;
      remove.data_change = false;  // the commit that removed the file told of the change
      kept.push_back(std::move(remove));
    }
    return kept;
  }
}

struct Encoded {
  std::string bytes;
  size_t actions = 0;
};

Result<Encoded> EncodeCheckpoint(const Context& context, const Snapshot& snapshot,
                                 const std::vector<Remove>& tombstones) {
  CheckpointBatches batches = TRY(CheckpointBatches::Make(snapshot, tombstones));
  auto sink = arrow::io::BufferOutputStream::Create();
  if (!sink.ok()) return FromArrow(sink.status());
  // Snappy: the one codec that every reader of checkpoints has.
  auto properties = parquet::WriterProperties::Builder().compression(parquet::Compression::SNAPPY)->build();
  auto arrow_properties = parquet::ArrowWriterProperties::Builder().build();
  auto writer = parquet::arrow::FileWriter::Open(*batches.schema(), arrow::default_memory_pool(), *sink, properties,
                                                 arrow_properties);
  if (!writer.ok()) return FromArrow(writer.status());
  Encoded encoded;
  while (true) {
    TRY(context.Check());
    const std::shared_ptr<arrow::RecordBatch> batch = TRY(batches.Next());
    if (!batch) break;
    encoded.actions += static_cast<size_t>(batch->num_rows());
    const arrow::Status written = (*writer)->WriteRecordBatch(*batch);
    if (!written.ok()) return FromArrow(written);
  }
  const arrow::Status closed = (*writer)->Close();
  if (!closed.ok()) return FromArrow(closed);
  auto buffer = (*sink)->Finish();
  if (!buffer.ok()) return FromArrow(buffer.status());
  encoded.bytes = (*buffer)->ToString();
  return encoded;
}

Result<void> WriteHint(const Context& context, const Snapshot::State& state, const Encoded& encoded) {
  const auto hint = TRY(ReadLastCheckpointHint(context, *state.store, state.table_path));
  if (hint && *hint > state.version) return {};
  JsonWriter json;
  json.BeginObject();
  json.Key("version");
  json.Int(state.version);
  json.Key("size");
  json.Int(static_cast<int64_t>(encoded.actions));
  json.Key("sizeInBytes");
  json.Int(static_cast<int64_t>(encoded.bytes.size()));
  json.Key("numOfAddFiles");
  json.Int(static_cast<int64_t>(state.files.count()));
  json.EndObject();
  TRY(state.store->Put(context, LogFolder(state.table_path) + "_last_checkpoint", json.text(),
                       store::PutMode::kOverwrite));
  return {};
}

/// What follows a commit may come late: it must not bring back a table that was dropped, nor end up in one made anew.
Result<void> CheckStillThere(const Context& context, const Snapshot::State& state) {
  const auto now = state.store->Head(context, state.anchor.path);
  if (now.ok() && SameObject(*now, state.anchor)) return {};
  if (!now.ok() && now.error().code() != ErrorCode::kNotFound) return now.error();
  return Error(ErrorCode::kConflict,
               fmt::format("version {} of table {} is gone, or was made anew", state.version, state.table_path))
      .WithReason(Reason::kConcurrentModification);
}

/// The object within a line of the log: {"txn":{…}} gives {…}.
std::string_view WithoutName(std::string_view line) {
  const size_t begin = line.find(':') + 1;
  return line.substr(begin, line.size() - begin - 1);
}

}  // namespace

Result<void> WriteCheckpoint(const Context& context, const Snapshot& snapshot, const Clock& clock, Executor* executor) {
  const Snapshot::State& state = snapshot.state();
  const std::string path = fmt::format("{}{:020}.checkpoint.parquet", LogFolder(state.table_path), state.version);
  const std::vector<Remove> tombstones = TRY(LiveTombstones(context, state, clock.now_millis(), executor));
  const Encoded encoded = TRY(EncodeCheckpoint(context, snapshot, tombstones));
  TRY(CheckStillThere(context, state));
  const auto put = state.store->Put(context, path, encoded.bytes, store::PutMode::kCreate);
  // Another writer's checkpoint of this version is as good, and its own to announce.
  if (!put.ok() && put.error().code() == ErrorCode::kAlreadyExists) return {};
  if (!put.ok()) return put.error();
  return WriteHint(context, state, encoded);
}

Result<void> WriteChecksum(const Context& context, const Snapshot& snapshot) {
  const Snapshot::State& state = snapshot.state();
  const std::optional<CommitInfo> info = state.OwnCommitInfo(context);
  JsonWriter json;
  json.BeginObject();
  if (info && info->txn_id) {
    json.Key("txnId");
    json.String(*info->txn_id);
  }
  const auto number = [&](std::string_view key, int64_t value) {
    json.Key(key);
    json.Int(value);
  };
  number("tableSizeBytes", snapshot.size_bytes());
  number("numFiles", static_cast<int64_t>(snapshot.file_count()));
  number("numMetadata", 1);
  number("numProtocol", 1);
  if (state.uses_in_commit_timestamp()) number("inCommitTimestampOpt", snapshot.timestamp_ms());
  json.Key("setTransactions");
  json.BeginArray();
  for (const Txn& txn : snapshot.txns()) json.Raw(WithoutName(WriteAction(txn)));
  json.EndArray();
  json.Key("domainMetadata");
  json.BeginArray();
  for (const DomainMetadata& domain : snapshot.domain_metadata()) json.Raw(WithoutName(WriteAction(domain)));
  json.EndArray();
  json.Key("metadata");
  json.Raw(WithoutName(WriteAction(snapshot.metadata())));
  json.Key("protocol");
  json.Raw(WithoutName(WriteAction(snapshot.protocol())));
  json.EndObject();
  TRY(CheckStillThere(context, state));
  const auto put =
      state.store->Put(context, ChecksumPath(state.table_path, state.version), json.text(), store::PutMode::kCreate);
  if (!put.ok() && put.error().code() != ErrorCode::kAlreadyExists) return put.error();
  return {};
}

}  // namespace yummy::delta
