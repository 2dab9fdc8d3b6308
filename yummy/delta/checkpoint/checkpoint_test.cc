#include "yummy/delta/checkpoint/checkpoint.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/log/checkpoint_columns.h"
#include "yummy/delta/log/checkpoint_reader.h"
#include "yummy/delta/log/log.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/snapshot/log_testing.h"

namespace yummy::delta {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCheckpoint2 = "00000000000000000002.checkpoint.parquet";

class Checkpoint : public testing::Test {
 protected:
  /// Versions 0 to 3 and a checkpoint of 2.
  void Fill(std::string_view configuration = "{}") {
    log_.Create(configuration);
    std::string with_vector = AddLine("b", 20, 29);
    with_vector.replace(
        with_vector.size() - 2, 2,
        R"(,"tags":{"k":"v"},"baseRowId":7,"deletionVector":{"storageType":"u","pathOrInlineDv":"x","offset":1,"sizeInBytes":2,"cardinality":4}}})");
    log_.Commit(
        1,
        {AddLine("a", 0, 9), with_vector, AddLine("gone"), R"({"txn":{"appId":"app","version":5}})",
         AddLineWith(
             "t",
             R"({"numRecords":3,"minValues":{"s":"ä","ts":"2024-01-01T00:00:00.000Z"},"maxValues":{"s":"ü","ts":"2024-01-02T00:00:00.123Z"},"nullCount":{"s":1,"ts":2}})")});
    log_.Commit(2, {RemoveLine("gone"), RemoveLine("long-gone", 1), AddLine("c", 30, 39)});
    log_.Commit(3, {RemoveLine("a"), AddLine("d", 40, 49)});
    ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load(2)), log_.clock), IsOk());
  }
  void DropOldCommits() {
    for (int version = 0; version <= 2; version++) log_.Delete(fmt::format("{:020}.json", version));
  }
  CheckpointFiles Files() { return *MUST(FindLogSegment(log_.context, *log_.store, TestLog::kTable)).checkpoint; }
  TestLog log_;
};

void ExpectSameState(const Snapshot& a, const Snapshot& b) {
  ASSERT_EQ(Paths(a), Paths(b));
  EXPECT_EQ(a.protocol(), b.protocol());
  EXPECT_EQ(a.metadata(), b.metadata());
  EXPECT_EQ(a.row_count(), b.row_count());
  EXPECT_EQ(a.txn_version("app"), b.txn_version("app"));
  for (const FileId id : a.files()) {
    const Add add = a.add(id);
    const auto other = b.FindFile(MUST(MakeFileKey(add)));
    ASSERT_TRUE(other.has_value()) << add.path;
    const Add same = b.add(*other);
    EXPECT_EQ(add.size_bytes, same.size_bytes);
    EXPECT_EQ(add.partition_values, same.partition_values);
    EXPECT_EQ(add.tags, same.tags);
    EXPECT_EQ(add.base_row_id, same.base_row_id);
    EXPECT_EQ(add.deletion_vector, same.deletion_vector);
    for (const char* column : {"id", "s", "ts", "p"}) {
      const auto facts = a.Facts(id, {column});
      const auto same_facts = b.Facts(*other, {column});
      ASSERT_EQ(facts.has_value(), same_facts.has_value());
      EXPECT_EQ(facts->min, same_facts->min) << add.path << " " << column;
      EXPECT_EQ(facts->max, same_facts->max) << add.path << " " << column;
      EXPECT_EQ(facts->no_null, same_facts->no_null);
    }
  }
}

TEST_F(Checkpoint, EqualsTheReplayItReplaces) {
  Fill();
  log_.Delete(kCheckpoint2);
  const SnapshotRef replayed = MUST(log_.Load());
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load(2)), log_.clock), IsOk());
  DropOldCommits();
  ExpectSameState(*replayed, *MUST(log_.Load()));
}

TEST_F(Checkpoint, KeepsStatisticsAsStructsAlone) {
  Fill(R"({"delta.checkpoint.writeStatsAsJson":"false","delta.checkpoint.writeStatsAsStruct":"true"})");
  const std::string bytes = log_.Get(kCheckpoint2);
  log_.Delete(kCheckpoint2);
  const SnapshotRef replayed = MUST(log_.Load());
  log_.Put(kCheckpoint2, bytes);
  DropOldCommits();
  const SnapshotRef loaded = MUST(log_.Load());
  ExpectSameState(*replayed, *loaded);
  const auto stats = loaded->add(*loaded->FindFile("c")).stats;
  ASSERT_TRUE(stats.has_value());
  EXPECT_THAT(*stats, HasSubstr(R"("numRecords":10)"));
}

TEST_F(Checkpoint, KeepsTombstonesUntilTheyExpire) {
  Fill();
  const auto paths = [&] {
    std::vector<std::string> found;
    for (const Remove& remove :
         MUST(ReadCheckpointTombstones(log_.context, *log_.store, TestLog::kTable, Files(), nullptr))) {
      found.push_back(remove.path);
    }
    return found;
  };
  EXPECT_THAT(paths(), ElementsAre("gone"));
  // The next one takes them from this one: the commits are no longer there.
  DropOldCommits();
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load()), log_.clock), IsOk());
  EXPECT_THAT(paths(), ElementsAre("a", "gone"));
  log_.Delete("00000000000000000003.checkpoint.parquet");
  constexpr int64_t kEightDaysMicros = int64_t{8} * 86'400'000'000;
  log_.clock.Advance(kEightDaysMicros);
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load()), log_.clock), IsOk());
  EXPECT_THAT(paths(), ElementsAre());
}

TEST_F(Checkpoint, KeepsEveryFieldOfEveryAction) {
  const DeletionVectorDescriptor vector{'u', "ab", 4, 40, 6};
  const Protocol protocol{3, 7, {{"deletionVectors"}}, {{"deletionVectors", "domainMetadata", "rowTracking"}}};
  Metadata metadata{
      .id = "id", .name = "n", .description = "d", .format = {.provider = "parquet", .options = {{"a", "b"}}}};
  metadata.schema_string = R"({"type":"struct","fields":[{"name":"p","type":"string","nullable":true,"metadata":{}}]})";
  metadata.partition_columns = {"p"};
  metadata.configuration = {{"k", "v"}};
  metadata.created_time_ms = 5;
  const Txn txn{"app", 3, 4};
  const DomainMetadata domain{"d", "c", false};
  const Add add{"a", {{"p", "1"}}, 1, 2, true, "{}", {{{"t", "u"}}}, vector, 7, 8, "liquid"};
  Remove remove{"b", 1'700'000'000'000, true, true, {{{"p", std::nullopt}}}, 9, {{{"t", "u"}}}, vector, 10, 11};
  log_.Commit(0, {WriteAction(protocol), WriteAction(metadata), WriteAction(txn), WriteAction(domain), WriteAction(add),
                  WriteAction(remove)});
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load()), log_.clock), IsOk());
  auto contents = MUST(ReadCheckpoint(log_.context, *log_.store, TestLog::kTable, Files(), nullptr));
  EXPECT_EQ(contents.protocol, protocol);
  EXPECT_EQ(contents.metadata, metadata);
  EXPECT_THAT(contents.txns, ElementsAre(txn));
  EXPECT_THAT(contents.domains, ElementsAre(domain));
  EXPECT_EQ(contents.files.Finish()->ToAdd(0), add);
  // A checkpoint tells of no change, and has no tags of files that are gone.
  remove.data_change = false;
  remove.tags.reset();
  EXPECT_THAT(MUST(ReadCheckpointTombstones(log_.context, *log_.store, TestLog::kTable, Files(), nullptr)),
              ElementsAre(remove));
}

TEST_F(Checkpoint, FallsBackToTheLogWhenItCannotBeRead) {
  Fill();
  const std::string whole = log_.Get(kCheckpoint2);
  const std::vector<std::string> expected = Paths(*MUST(log_.Load()));
  for (const std::string& torn : {std::string(), std::string("PAR1"), whole.substr(0, whole.size() / 2),
                                  whole.substr(whole.size() / 2), std::string(whole.size(), 'x')}) {
    log_.Put(kCheckpoint2, torn);
    const auto snapshot = log_.Load();
    ASSERT_THAT(snapshot, IsOk());
    EXPECT_EQ(Paths(**snapshot), expected);
  }
  DropOldCommits();
  EXPECT_THAT(log_.Load(), IsError(ErrorCode::kCorrupt));
}

TEST_F(Checkpoint, IsLeftAloneWhenAnotherWriterMadeIt) {
  Fill();
  log_.Put("_last_checkpoint", R"({"version":9})");
  log_.Put(kCheckpoint2, "another writer's");
  EXPECT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load(2)), log_.clock), IsOk());
  EXPECT_EQ(log_.Get(kCheckpoint2), "another writer's");
  log_.Delete(kCheckpoint2);
  EXPECT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load(2)), log_.clock), IsOk());
  EXPECT_EQ(log_.Get("_last_checkpoint"), R"({"version":9})");  // a hint never goes back
}

TEST_F(Checkpoint, OfAV2TableCarriesItsVersion) {
  log_.Commit(
      0,
      {R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],"writerFeatures":["v2Checkpoint"]}})",
       MetadataLine()});
  log_.Commit(1, {AddLine("a")});
  ASSERT_THAT(WriteCheckpoint(log_.context, *MUST(log_.Load()), log_.clock), IsOk());
  const auto contents = MUST(ReadCheckpoint(log_.context, *log_.store, TestLog::kTable, Files(), nullptr));
  ASSERT_TRUE(contents.checkpoint_metadata.has_value());
  EXPECT_EQ(contents.checkpoint_metadata->version, 1);
  EXPECT_EQ(contents.protocol->reader_features, std::vector<std::string>{"v2Checkpoint"});
  // One of another version is no checkpoint of this one.
  const std::string bytes = log_.Get("00000000000000000001.checkpoint.parquet");
  log_.Commit(2, {AddLine("b")});
  log_.Put("00000000000000000002.checkpoint.parquet", bytes);
  EXPECT_THAT(Paths(*MUST(log_.Load())), ElementsAre("a", "b"));
}

TEST_F(Checkpoint, RefusesSidecarsOutsideTheirFolder) {
  log_.Create();
  for (const char* path : {"../x.parquet", "..%2fx.parquet", "/etc/x.parquet", "file:///etc/x.parquet"}) {
    log_.Put("00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
             fmt::format("{}\n{}\n{}\n{}\n", R"({"checkpointMetadata":{"version":1}})", ProtocolLine(), MetadataLine(),
                         fmt::format(R"({{"sidecar":{{"path":"{}","sizeInBytes":1,"modificationTime":1}}}})", path)));
    const auto snapshot = log_.Load();
    ASSERT_THAT(snapshot, IsError(ErrorCode::kPermissionDenied)) << path;
    EXPECT_EQ(snapshot.error().reason_name(), "PATH_OUTSIDE_TABLE");
  }
}

TEST_F(Checkpoint, IsCorruptWithoutItsSidecar) {
  log_.Put("00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
           fmt::format("{}\n{}\n{}\n{}\n", R"({"checkpointMetadata":{"version":1}})", ProtocolLine(), MetadataLine(),
                       R"({"sidecar":{"path":"x.parquet","sizeInBytes":1,"modificationTime":1}})"));
  EXPECT_THAT(log_.Load(), IsError(ErrorCode::kCorrupt));
}

TEST_F(Checkpoint, IsCorruptWhenASidecarIsLongerThanItSays) {
  Fill();
  log_.Put("_sidecars/x.parquet", log_.Get(kCheckpoint2));
  log_.Delete("_last_checkpoint");
  DropOldCommits();
  log_.Delete("00000000000000000003.json");
  log_.Delete(kCheckpoint2);
  log_.Put("00000000000000000002.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json",
           fmt::format("{}\n{}\n{}\n{}\n", R"({"checkpointMetadata":{"version":2}})", ProtocolLine(), MetadataLine(),
                       R"({"sidecar":{"path":"x.parquet","sizeInBytes":1,"modificationTime":1}})"));
  EXPECT_THAT(log_.Load(), IsError(ErrorCode::kCorrupt));
}

TEST_F(Checkpoint, IsNotWrittenIntoATableThatWasMadeAnew) {
  Fill();
  const SnapshotRef snapshot = MUST(log_.Load());
  log_.Commit(3, {AddLine("another")});
  EXPECT_THAT(WriteCheckpoint(log_.context, *snapshot, log_.clock), IsError(ErrorCode::kConflict));
  EXPECT_THAT(log_.store->Head(log_.context, "t/_delta_log/00000000000000000003.checkpoint.parquet"),
              IsError(ErrorCode::kNotFound));
}

TEST(Checksum, HoldsWhatTheProtocolRequiresAndIsNotOverwritten) {
  TestLog log;
  log.Create();
  log.Commit(1, {R"({"commitInfo":{"txnId":"t-1"}})", AddLine("a"), R"({"txn":{"appId":"app","version":5}})"});
  ASSERT_THAT(WriteChecksum(log.context, *MUST(log.Load())), IsOk());
  const std::string text = log.Get("00000000000000000001.crc");
  for (const char* part :
       {R"("txnId":"t-1")", R"("tableSizeBytes":100)", R"("numFiles":1)", R"("numMetadata":1)", R"("numProtocol":1)",
        R"("setTransactions":[{"appId":"app","version":5}])", R"("protocol":{"minReaderVersion":1)"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  log.Put("00000000000000000001.crc", R"({"numFiles":99})");
  EXPECT_THAT(WriteChecksum(log.context, *MUST(log.Load())), IsOk());
  EXPECT_EQ(log.Get("00000000000000000001.crc"), R"({"numFiles":99})");
}

TEST(Checksum, NeverChangesTheResult) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a")});
  for (const char* text : {"", "garbage", "[]", R"({"numFiles":99,"tableSizeBytes":"x"})"}) {
    log.Put("00000000000000000001.crc", text);
    EXPECT_THAT(Paths(*MUST(log.Load())), ElementsAre("a"));
  }
}

TEST(Checksum, IsNotWrittenForATableThatIsGone) {
  TestLog log;
  log.Create();
  const SnapshotRef snapshot = MUST(log.Load());
  log.Delete("00000000000000000000.json");
  EXPECT_THAT(WriteChecksum(log.context, *snapshot), IsError(ErrorCode::kConflict));
  EXPECT_TRUE(MUST(log.store->List(log.context, "", {})).objects.empty());
}

TEST(StatisticsText, KeepsTimestampsWithinTheirRange) {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), arrow::default_memory_pool());
  ASSERT_TRUE(times.Append(INT64_MAX).ok());
  const auto array = arrow::StructArray::Make({times.Finish().ValueOrDie()}, std::vector<std::string>{"t"});
  EXPECT_EQ(StatisticsText(**array, 0), R"({"t":"294247-01-10T04:00:54.775807Z"})");
}

}  // namespace
}  // namespace yummy::delta
