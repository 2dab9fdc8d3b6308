#include "yummy/delta/snapshot/log_testing.h"

#include <algorithm>

#include <fmt/format.h>

#include "yummy/base/json.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

void TestLog::Put(std::string_view name, std::string_view bytes) {
  MUST(store->Put(context, LogFolder(kTable) + std::string(name), bytes, store::PutMode::kOverwrite));
}

void TestLog::Commit(int64_t version, const std::vector<std::string>& lines) {
  std::string bytes;
  for (const std::string& line : lines) bytes += line + "\n";
  Put(fmt::format("{:020}.json", version), bytes);
}

void TestLog::Delete(std::string_view name) {
  const std::vector<std::string> paths = {LogFolder(kTable) + std::string(name)};
  for (auto& result : store->Delete(context, paths)) MUST(std::move(result));
}

std::string TestLog::Get(std::string_view name) {
  return MUST(store->Get(context, LogFolder(kTable) + std::string(name)));
}

Result<SnapshotRef> TestLog::Load(std::optional<int64_t> version) {
  return Snapshot::Load(context, store, std::string(kTable),
                        {.version = version, .executor = nullptr, .clock = &clock});
}

void TestLog::Create(std::string_view configuration) { Commit(0, {ProtocolLine(), MetadataLine(configuration)}); }

std::string ProtocolLine(int reader, int writer) {
  return fmt::format(R"({{"protocol":{{"minReaderVersion":{},"minWriterVersion":{}}}}})", reader, writer);
}

std::string MetadataLine(std::string_view configuration) {
  constexpr std::string_view kSchema =
      R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},)"
      R"({"name":"s","type":"string","nullable":true,"metadata":{}},)"
      R"({"name":"ts","type":"timestamp","nullable":true,"metadata":{}},)"
      R"({"name":"p","type":"integer","nullable":true,"metadata":{}}]})";
  std::string schema;
  AppendJsonString(schema, kSchema);
  return fmt::format(R"({{"metaData":{{"id":"m1","format":{{"provider":"parquet","options":{{}}}},"schemaString":{},)"
                     R"("partitionColumns":["p"],"configuration":{}}}}})",
                     schema, configuration);
}

std::string AddLineWith(std::string_view path, std::string_view statistics) {
  std::string text;
  AppendJsonString(text, statistics);
  return fmt::format(
      R"({{"add":{{"path":"{}","partitionValues":{{"p":"1"}},"size":100,"modificationTime":5,"dataChange":true,"stats":{}}}}})",
      path, text);
}

std::string AddLine(std::string_view path, int64_t min, int64_t max) {
  return AddLineWith(
      path, fmt::format(R"({{"numRecords":10,"minValues":{{"id":{}}},"maxValues":{{"id":{}}},"nullCount":{{"id":0}}}})",
                        min, max));
}

std::string RemoveLine(std::string_view path, int64_t deletion_timestamp_ms) {
  return fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":{},"dataChange":true}}}})", path,
                     deletion_timestamp_ms);
}

std::vector<std::string> Paths(const Snapshot& snapshot, const std::vector<FileId>& files) {
  std::vector<std::string> paths;
  for (const FileId id : files) paths.emplace_back(snapshot.file(id).path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> Paths(const Snapshot& snapshot) { return Paths(snapshot, snapshot.files()); }

}  // namespace yummy::delta
