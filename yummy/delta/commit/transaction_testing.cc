#include "yummy/delta/commit/transaction_testing.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"

namespace yummy::delta {

namespace {

Schema TestSchema() {
  Field id{.name = "id", .type = {.kind = TypeKind::kLong}};
  Field p{.name = "p", .type = {.kind = TypeKind::kString}};
  return {id, p};
}

}  // namespace

Metadata TestMetadata(const StringMap& configuration) {
  Metadata metadata;
  metadata.id = "6d1d1c2e-7a2b-4c1f-9a55-0d4f6f0d7c11";
  metadata.schema_string = WriteSchema(TestSchema());
  metadata.partition_columns = {"p"};
  metadata.configuration = configuration;
  metadata.created_time_ms = 1;
  return metadata;
}

Add TestAdd(std::string_view name, std::string_view partition, bool data_change) {
  Add add;
  add.path = fmt::format("p={}/{}", partition, name);
  add.partition_values = {{"p", std::string(partition)}};
  add.size_bytes = 100;
  add.modification_time_ms = 1;
  add.data_change = data_change;
  add.stats = R"({"numRecords":10,"minValues":{"id":0},"maxValues":{"id":9},"nullCount":{"id":0}})";
  return add;
}

TableOptions TestTableOptions() {
  TableOptions options;
  const std::chrono::milliseconds pause(1);
  options.commit_retry = {.unknown_first = pause, .unknown_max = pause, .conflict_first = pause, .conflict_max = pause};
  return options;
}

std::shared_ptr<Table> MakeTestTable(const std::shared_ptr<store::ObjectStore>& store, const TableOptions& options,
                                     const std::vector<Add>& files, const StringMap& configuration) {
  auto table = Table::Make(store, "t", options);
  const auto protocol = ProtocolForNewTable(TestSchema(), configuration);
  EXPECT_THAT(protocol, IsOk());
  auto create = table->BeginCreate(Context(), {"CREATE TABLE", {}});
  EXPECT_THAT(create, IsOk());
  (*create)->SetProtocol(*protocol);
  (*create)->SetMetadata(TestMetadata(configuration));
  EXPECT_THAT(RequireCommitted((*create)->Commit(Context()).value()), IsOk());
  if (files.empty()) return table;
  auto append = table->Begin(Context(), {"WRITE", {}});
  EXPECT_THAT(append, IsOk());
  for (const Add& add : files) (*append)->AddFile(add);
  EXPECT_THAT(RequireCommitted((*append)->Commit(Context()).value()), IsOk());
  return table;
}

LogContent ReadLog(store::ObjectStore& store) {
  LogContent content;
  for (int64_t version = 0;; version++) {
    const std::string path = CommitPath("t", version);
    const auto bytes = store.Get(Context(), path);
    if (!bytes.ok()) {
      EXPECT_THAT(bytes, IsError(ErrorCode::kNotFound));
      return content;
    }
    content.versions.push_back(version);
    const auto actions = ParseCommit(*bytes, path);
    EXPECT_THAT(actions, IsOk());
    if (!actions.ok()) return content;
    for (const Action& action : *actions) {
      if (const auto* add = std::get_if<Add>(&action)) content.adds[add->path]++;
      if (const auto* remove = std::get_if<Remove>(&action)) content.removes[remove->path]++;
      if (const auto* info = std::get_if<CommitInfo>(&action)) content.infos.push_back(*info);
    }
  }
}

std::vector<std::string> PathsBelow(store::ObjectStore& store, std::string_view prefix) {
  std::vector<std::string> paths;
  const auto page = store.List(Context(), prefix, {});
  EXPECT_THAT(page, IsOk());
  for (const auto& object : page->objects) paths.push_back(object.path);
  return paths;
}

std::vector<std::string> DataFiles(store::ObjectStore& store) {
  std::vector<std::string> paths = PathsBelow(store, "t/");
  std::erase_if(paths, [](const std::string& path) { return path.starts_with("t/_delta_log/"); });
  return paths;
}

}  // namespace yummy::delta
