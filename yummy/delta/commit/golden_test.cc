// Tables that others wrote: live files and rows at each version, as independent readers see them.
#include <cstdlib>
#include <filesystem>
#include <set>

#include <simdjson.h>

#include "yummy/base/testing.h"
#include "yummy/delta/checkpoint/checkpoint.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/store/local_store.h"

namespace yummy::delta {
namespace {

/// The folder of shared test data; empty when it is absent.
std::filesystem::path FixtureFolder() {
  std::filesystem::path shared = "../shared";
  if (const char* source = std::getenv("YUMMY_SOURCE_DIR")) shared = std::filesystem::path(source) / "../shared";
  if (const char* set = std::getenv("YUMMY_SHARED")) shared = set;
  const std::filesystem::path folder = shared / "fixtures";
  return std::filesystem::exists(folder / "index.json") ? folder : std::filesystem::path();
}

std::string_view Text(const simdjson::simdjson_result<simdjson::dom::element>& element) {
  std::string_view text;
  EXPECT_EQ(element.get_string().get(text), simdjson::SUCCESS);
  return text;
}

int64_t Number(const simdjson::simdjson_result<simdjson::dom::element>& element) {
  int64_t number = -1;
  EXPECT_EQ(element.get_int64().get(number), simdjson::SUCCESS);
  return number;
}

/// Needs a reader feature that this engine does not have.
bool IsUnsupported(const simdjson::dom::element& table) {
  static const std::set<std::string_view> kUnsupported = {"variantType", "variantType-preview", "variantShredding",
                                                          "catalogManaged"};
  simdjson::dom::array features;
  if (table["reader_features"].get_array().get(features) != simdjson::SUCCESS) return false;
  for (const auto feature : features) {
    if (kUnsupported.contains(Text(simdjson::simdjson_result<simdjson::dom::element>(simdjson::dom::element(feature)))))
      return true;
  }
  return false;
}

class Golden : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = FixtureFolder();
    if (folder_.empty()) GTEST_SKIP() << "the shared fixtures are absent: set YUMMY_SHARED";
    store_ = MUST(store::LocalStore::Open((folder_ / "delta").string()));
  }
  simdjson::dom::array Tables(simdjson::dom::parser& parser, const char* index) {
    simdjson::dom::array tables;
    EXPECT_EQ(parser.load((folder_ / index).string())["tables"].get_array().get(tables), simdjson::SUCCESS);
    return tables;
  }
  Result<SnapshotRef> Load(std::string_view path, std::optional<int64_t> version = {}) {
    return Snapshot::Load(context_, store_, std::string(path), {.version = version});
  }

  std::filesystem::path folder_;
  std::shared_ptr<store::ObjectStore> store_;
  Context context_;
};

TEST_F(Golden, NewestVersionsHaveTheFilesAndRowsThatOthersSee) {
  simdjson::dom::parser parser;
  for (const auto table : Tables(parser, "index.json")) {
    const std::string_view path = Text(table["path"]);
    SCOPED_TRACE(path);
    const auto snapshot = Load(path);
    if (IsUnsupported(table)) {
      EXPECT_THAT(snapshot, IsError(ErrorCode::kUnsupported));
      continue;
    }
    ASSERT_THAT(snapshot, IsOk());
    EXPECT_EQ((*snapshot)->version(), Number(table["latest_version"]));
    EXPECT_EQ(static_cast<int64_t>((*snapshot)->file_count()), Number(table["live_files"]));
    int64_t rows = 0;
    if (table["rows_by_stats"].get_int64().get(rows) == simdjson::SUCCESS) {
      EXPECT_EQ((*snapshot)->row_count(), rows);
    }
    for (const FileId id : (*snapshot)->files()) {
      const FileView file = (*snapshot)->file(id);
      EXPECT_EQ((*snapshot)->FindFile(MUST(MakeFileKey(file.path, file.deletion_vector))), id);
      for (size_t column = 0; column < (*snapshot)->partition_columns().size(); column++) {
        EXPECT_THAT((*snapshot)->partition_value(id, column), IsOk());
      }
    }
  }
}

TEST_F(Golden, OlderVersionsHaveTheRowsThatOthersSee) {
  simdjson::dom::parser parser;
  size_t compared = 0;
  for (const auto table : Tables(parser, "index.json")) {
    const std::string_view path = Text(table["path"]);
    simdjson::dom::object versions;
    if (IsUnsupported(table) || table["rows_by_version_deltalake"].get_object().get(versions) != simdjson::SUCCESS)
      continue;
    for (const auto [version, expected] : versions) {
      int64_t rows = 0;
      if (expected.get_int64().get(rows) != simdjson::SUCCESS) continue;
      SCOPED_TRACE(std::string(path) + " version " + std::string(version));
      const auto snapshot = Load(path, std::stoll(std::string(version)));
      ASSERT_THAT(snapshot, IsOk());
      if (!(*snapshot)->row_count()) continue;
      EXPECT_EQ((*snapshot)->row_count(), rows);
      compared++;
    }
  }
  EXPECT_GT(compared, 50u);
}

TEST_F(Golden, SparkTablesHaveTheRowsThatSparkSees) {
  simdjson::dom::parser parser;
  for (const auto table : Tables(parser, "dat_index.json")) {
    const std::string_view path = Text(table["path"]);
    SCOPED_TRACE(path);
    const auto snapshot = Load(path);
    ASSERT_THAT(snapshot, IsOk());
    if ((*snapshot)->row_count()) {
      EXPECT_EQ((*snapshot)->row_count(), Number(table["rows_expected"]));
    }
  }
}

TEST_F(Golden, RefreshFromEachVersionLeadsToTheNewest) {
  simdjson::dom::parser parser;
  for (const auto table : Tables(parser, "index.json")) {
    const std::string_view path = Text(table["path"]);
    SCOPED_TRACE(path);
    if (IsUnsupported(table)) continue;
    const SnapshotRef newest = MUST(Load(path));
    for (int64_t version = 0; version < newest->version(); version++) {
      const auto older = Load(path, version);
      if (!older.ok()) continue;
      const SnapshotRef refreshed = MUST(Snapshot::Refresh(context_, *older, nullptr));
      EXPECT_EQ(refreshed->version(), newest->version());
      EXPECT_EQ(refreshed->file_count(), newest->file_count());
      EXPECT_EQ(refreshed->size_bytes(), newest->size_bytes());
      // A checkpoint may lack statistics that its commits have.
      if (newest->row_count()) {
        EXPECT_EQ(refreshed->row_count(), newest->row_count());
      }
    }
  }
}

TEST_F(Golden, OurCheckpointsHoldTheSameState) {
  simdjson::dom::parser parser;
  for (const auto table : Tables(parser, "index.json")) {
    const std::string_view path = Text(table["path"]);
    SCOPED_TRACE(path);
    if (IsUnsupported(table)) continue;
    const TemporaryFolder copy;
    std::filesystem::create_directories(copy.path() / "t");
    std::filesystem::copy(folder_ / "delta" / path / "_delta_log", copy.path() / "t" / "_delta_log",
                          std::filesystem::copy_options::recursive);
    const std::shared_ptr<store::ObjectStore> store = MUST(store::LocalStore::Open(copy.path().string()));
    const SnapshotRef before = MUST(Snapshot::Load(context_, store, "t", {}));
    ASSERT_THAT(WriteCheckpoint(context_, *before, Clock::System()), IsOk());
    for (const auto& entry : std::filesystem::directory_iterator(copy.path() / "t" / "_delta_log")) {
      if (entry.path().extension() == ".json") std::filesystem::remove(entry.path());
    }
    const auto after = Snapshot::Load(context_, store, "t", {});
    ASSERT_THAT(after, IsOk());
    EXPECT_EQ((*after)->version(), before->version());
    EXPECT_EQ((*after)->file_count(), before->file_count());
    EXPECT_EQ((*after)->row_count(), before->row_count());
    EXPECT_EQ((*after)->metadata(), before->metadata());
    EXPECT_EQ((*after)->txns().size(), before->txns().size());
  }
}

}  // namespace
}  // namespace yummy::delta
