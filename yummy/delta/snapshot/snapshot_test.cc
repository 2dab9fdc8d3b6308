#include "yummy/delta/snapshot/snapshot.h"

#include <random>
#include <set>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/snapshot/log_testing.h"
#include "yummy/delta/snapshot/snapshot_state.h"

namespace yummy::delta {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Result<SnapshotRef> Refresh(TestLog& log, const SnapshotRef& snapshot) {
  return Snapshot::Refresh(log.context, snapshot, nullptr);
}

Predicate IdEquals(int64_t value) { return Predicate::Compare({"id"}, CompareOp::kEqual, Scalar(value)); }

TEST(Snapshot, KeepsTheNewestReferenceToEachFile) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a"), AddLine("b"), AddLine("c%20d")});
  log.Commit(2, {RemoveLine("a"), RemoveLine("c%20d"), RemoveLine("never-added")});
  log.Commit(3, {AddLine("a"), AddLine("e")});
  EXPECT_THAT(Paths(*MUST(log.Load())), ElementsAre("a", "b", "e"));
  EXPECT_THAT(Paths(*MUST(log.Load(2))), ElementsAre("b"));
  EXPECT_EQ(MUST(log.Load())->row_count(), 30);
  EXPECT_EQ(MUST(log.Load())->size_bytes(), 300);
}

TEST(Snapshot, TellsFilesApartByTheirDeletionVector) {
  TestLog log;
  log.Create();
  std::string with_vector = AddLine("a");
  with_vector.replace(
      with_vector.size() - 2, 2,
      R"(,"deletionVector":{"storageType":"u","pathOrInlineDv":"x","offset":1,"sizeInBytes":2,"cardinality":4}}})");
  log.Commit(1, {AddLine("a")});
  log.Commit(2, {RemoveLine("a"), with_vector});
  const SnapshotRef snapshot = MUST(log.Load());
  ASSERT_EQ(snapshot->file_count(), 1u);
  EXPECT_EQ(snapshot->file(snapshot->files()[0]).live_records(), 6);
  EXPECT_FALSE(snapshot->FindFile("a").has_value());
  EXPECT_TRUE(snapshot->FindFile(std::string("a\0ux@1", 6)).has_value());
}

TEST(Snapshot, IsItselfAfterARefreshWithNothingNew) {
  TestLog log;
  log.Create();
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(MUST(Refresh(log, snapshot)), snapshot);
}

TEST(Snapshot, KnowsAnObjectAgainWhoseVersionAListLeavesOut) {
  const store::ObjectMeta head{.path = "t/x", .size_bytes = 3, .etag = "e", .version = "7"};
  store::ObjectMeta other = head;
  other.version.clear();
  EXPECT_TRUE(SameObject(head, other));
  EXPECT_TRUE(SameObject(other, head));
  other.version = "8";
  EXPECT_FALSE(SameObject(head, other));
  other = head;
  other.etag = "f";
  EXPECT_FALSE(SameObject(head, other));
}

TEST(Snapshot, RefreshedEqualsLoaded) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  TestLog log;
  log.Create();
  SnapshotRef refreshed = MUST(log.Load());
  std::set<std::string> live;
  const int64_t newest = store::StoreOfTests() ? 20 : 120;
  for (int64_t version = 1; version <= newest; version++) {
    std::vector<std::string> lines;
    std::set<std::string> touched;
    for (uint64_t i = random() % 4; i > 0; i--) {
      const std::string path = "f" + std::to_string(random() % 60);
      if (!touched.insert(path).second) continue;
      if (live.erase(path) > 0) {
        lines.push_back(RemoveLine(path));
      } else {
        live.insert(path);
        lines.push_back(AddLine(path, version, version + 5));
      }
    }
    lines.emplace_back(R"({"commitInfo":{}})");
    log.Commit(version, lines);
    if (random() % 3 != 0) continue;
    refreshed = MUST(Refresh(log, refreshed));
    const SnapshotRef loaded = MUST(log.Load());
    ASSERT_EQ(Paths(*refreshed), std::vector<std::string>(live.begin(), live.end()));
    ASSERT_EQ(Paths(*refreshed), Paths(*loaded));
    ASSERT_EQ(refreshed->size_bytes(), loaded->size_bytes());
    ASSERT_EQ(Paths(*refreshed, refreshed->Prune(IdEquals(version))), Paths(*loaded, loaded->Prune(IdEquals(version))));
  }
}

TEST(Snapshot, ReadsEverythingAnewWhenItsOwnCommitChanged) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a")});
  const SnapshotRef snapshot = MUST(log.Load());
  log.Commit(1, {AddLine("b")});
  EXPECT_THAT(Paths(*MUST(Refresh(log, snapshot))), ElementsAre("b"));
  EXPECT_THAT(Paths(*snapshot), ElementsAre("a"));
  log.Delete("00000000000000000000.json");
  log.Delete("00000000000000000001.json");
  const auto gone = Refresh(log, snapshot);
  ASSERT_THAT(gone, IsError(ErrorCode::kNotFound));
  EXPECT_EQ(gone.error().reason_name(), "NOT_A_DELTA_TABLE");
}

TEST(Snapshot, RefusesALogWithoutProtocolOrMetadata) {
  TestLog log;
  log.Commit(0, {ProtocolLine()});
  EXPECT_THAT(log.Load(), IsError(ErrorCode::kCorrupt));
  log.Commit(0, {MetadataLine()});
  EXPECT_THAT(log.Load(), IsError(ErrorCode::kCorrupt));
}

TEST(Snapshot, RefusesAnUnknownReaderVersion) {
  TestLog log;
  log.Commit(0, {ProtocolLine(99, 99), MetadataLine()});
  EXPECT_THAT(log.Load(), IsError(ErrorCode::kUnsupported));
}

TEST(Snapshot, TravelsToTheVersionBeforeABrokenCommit) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a")});
  log.Put("00000000000000000002.json", "{");
  EXPECT_THAT(log.Load(), IsError(ErrorCode::kCorrupt));
  EXPECT_THAT(Paths(*MUST(log.Load(1))), ElementsAre("a"));
}

TEST(Snapshot, PrunesByStatisticsAndPartitionValues) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a", 0, 9), AddLine("b", 10, 19), AddLineWith("c", "")});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_THAT(Paths(*snapshot, snapshot->Prune(IdEquals(12))), ElementsAre("b", "c"));
  EXPECT_THAT(Paths(*snapshot, snapshot->Prune(Predicate::IsNull({"id"}))), ElementsAre("c"));
  const auto in_partition = [](int64_t p) { return Predicate::Compare({"p"}, CompareOp::kEqual, Scalar(p)); };
  EXPECT_EQ(snapshot->Prune(in_partition(1)).size(), 3u);
  EXPECT_THAT(snapshot->Prune(in_partition(2)), IsEmpty());
  EXPECT_EQ(snapshot->Prune(Predicate::Unknown()).size(), 3u);
  const auto candidates = snapshot->Prune(IdEquals(12));
  EXPECT_THAT(Paths(*snapshot, snapshot->Prune(IdEquals(5), &candidates)), ElementsAre("c"));
}

TEST(Snapshot, SkipsNothingByStatisticsThatLie) {
  TestLog log;
  log.Create();
  const std::vector<std::string> lies = {
      "not json",
      R"({"numRecords":10,"minValues":{"id":100})",
      R"({"numRecords":-5,"minValues":{"id":100},"maxValues":{"id":200}})",
      R"({"numRecords":10,"minValues":{"id":200},"maxValues":{"id":100}})",
      R"({"minValues":{"id":"x"},"maxValues":{"id":{}}})",
      R"({"numRecords":10,"minValues":{"id":100},"maxValues":{"id":200},"nullCount":{"id":11}})",
      R"({"numRecords":0,"nullCount":{"id":0}})",
      R"([])",
      R"({"minValues":[1]})",
      R"({"minValues":{"id":1e400}})"};
  std::vector<std::string> lines;
  for (size_t i = 0; i < lies.size(); i++) lines.push_back(AddLineWith("f" + std::to_string(i), lies[i]));
  log.Commit(1, lines);
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(snapshot->Prune(IdEquals(5)).size(), lies.size());
  EXPECT_EQ(snapshot->row_count(), std::nullopt);
}

TEST(Snapshot, WidensTimestampBounds) {
  TestLog log;
  log.Create();
  log.Commit(
      1,
      {AddLineWith(
           "a",
           R"({"numRecords":1,"minValues":{"ts":"2024-01-01T00:00:00.000Z"},"maxValues":{"ts":"2024-01-01T00:00:00.001Z"}})"),
       AddLineWith(
           "b",
           R"({"numRecords":1,"minValues":{"ts":"2024-01-01T06:00:00.000+06:00"},"maxValues":{"ts":"2024-01-01T06:00:00.001+06:00"}})")});
  const SnapshotRef snapshot = MUST(log.Load());
  const int64_t start = 1'704'067'200'000'000;
  const auto at = [&](int64_t micros) {
    return Paths(*snapshot, snapshot->Prune(Predicate::Compare({"ts"}, CompareOp::kEqual, Scalar(start + micros))));
  };
  EXPECT_THAT(at(1'999), ElementsAre("a", "b"));  // the writer cut what is below a millisecond
  EXPECT_THAT(at(58'000'000), ElementsAre("b"));  // and the seconds of the offset
  EXPECT_THAT(at(-58'000'000), ElementsAre("b"));
  EXPECT_THAT(at(61'000'000), IsEmpty());
}

TEST(Snapshot, SummarizesColumnsOverAllFiles) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("a", 3, 9), AddLine("b", -4, 5)});
  const SnapshotRef exact = MUST(log.Load());
  const ColumnSummary id = exact->Summary({"id"});
  EXPECT_EQ(id.min, Scalar(int64_t{-4}));
  EXPECT_EQ(id.max, Scalar(int64_t{9}));
  EXPECT_TRUE(id.bounds_are_exact);
  EXPECT_FALSE(id.may_have_null);
  EXPECT_EQ(id.null_count, 0);
  EXPECT_EQ(exact->Summary({"p"}).min, Scalar(int64_t{1}));
  EXPECT_FALSE(exact->Summary({"s"}).min.has_value());
  log.Commit(2, {AddLineWith("c", "")});
  const ColumnSummary unknown = MUST(log.Load())->Summary({"id"});
  EXPECT_FALSE(unknown.min.has_value());
  EXPECT_FALSE(unknown.bounds_are_exact);
  EXPECT_TRUE(unknown.may_have_null);
}

TEST(Snapshot, TrustsNoStringBoundToOccurInTheData) {
  TestLog log;
  log.Create();
  // "abcdefghik" is what a writer that cuts at ten characters makes of "abcdefghijk".
  log.Commit(
      1, {AddLineWith(
             "a",
             R"({"numRecords":1,"minValues":{"s":"abcdefghij"},"maxValues":{"s":"abcdefghik"},"nullCount":{"s":0}})")});
  const ColumnSummary s = MUST(log.Load())->Summary({"s"});
  EXPECT_TRUE(s.max.has_value());
  EXPECT_FALSE(s.bounds_are_exact);
}

std::string DecimalTable(std::string_view type) {
  return fmt::format(
      R"({{"metaData":{{"id":"m","format":{{"provider":"parquet"}},"schemaString":"{{\"type\":\"struct\",\"fields\":[)"
      R"({{\"name\":\"d\",\"type\":\"{}\",\"nullable\":true,\"metadata\":{{}}}}]}}","partitionColumns":[]}}}})",
      type);
}

struct DecimalCase {
  std::string_view type;
  std::string_view bound;  // what a writer made of `value` by way of a double
  std::string_view value;
};

// The bound and the value lie on either side of each other, or the bound is where a conversion ended.
TEST(Snapshot, FindsDecimalsWhoseBoundsWereRounded) {
  for (const auto& [type, bound, value] :
       {DecimalCase{"decimal(38,18)", "1.002151624436190", "1.002151624436190368"},
        DecimalCase{"decimal(38,18)", "5.0", "5.000000000000000001"},
        DecimalCase{"decimal(38,18)", "5.0", "4.999999999999999999"},
        DecimalCase{"decimal(18,2)", "7162254377928739.0", "7162254377928739.41"},
        DecimalCase{"decimal(18,2)", "9565772544883366.0", "9565772544883365.93"},
        DecimalCase{"decimal(38,0)", "9.223372036854776e18", "8914864616580121661673216128210370428"},
        DecimalCase{"decimal(38,0)", "-9.223372036854776e18", "-3684327636459864158029850265353062851"},
        DecimalCase{"decimal(38,18)", "9.223372036854775807", "99999999999999999999.000000000000000001"},
        DecimalCase{"decimal(38,2)", "9223372036854775807", "999999999999999999999999999999999999.99"}}) {
    const auto [precision, scale] = type == "decimal(18,2)" ? std::pair(18, 2)
                                                            : std::pair(38, type == "decimal(38,0)"   ? 0
                                                                            : type == "decimal(38,2)" ? 2
                                                                                                      : 18);
    TestLog log;
    log.Commit(
        0, {ProtocolLine(), DecimalTable(type),
            AddLineWith(
                "a",
                fmt::format(R"({{"numRecords":1,"minValues":{{"d":{}}},"maxValues":{{"d":{}}},"nullCount":{{"d":0}}}})",
                            bound, bound))});
    const SnapshotRef snapshot = MUST(log.Load());
    const Scalar wanted(*ParseDecimal(value, precision, scale));
    EXPECT_EQ(snapshot->Prune(Predicate::Compare({"d"}, CompareOp::kEqual, wanted)).size(), 1u) << value;
    const ColumnSummary summary = snapshot->Summary({"d"});
    EXPECT_FALSE(summary.bounds_are_exact);
    EXPECT_TRUE(!summary.min || Scalar::Compare(*summary.min, wanted) <= 0) << value;
    EXPECT_TRUE(!summary.max || Scalar::Compare(*summary.max, wanted) >= 0) << value;
  }
}

TEST(Snapshot, LeavesFilesOutByDecimalsOfUpTo15Digits) {
  TestLog log;
  log.Commit(0, {ProtocolLine(), DecimalTable("decimal(10,2)"),
                 AddLineWith("a", R"({"numRecords":1,"minValues":{"d":12345678.91},"maxValues":{"d":99999999.99}})")});
  const SnapshotRef snapshot = MUST(log.Load());
  const auto found = [&](int64_t unscaled) {
    return snapshot->Prune(Predicate::Compare({"d"}, CompareOp::kEqual, Scalar(Int128{unscaled}))).size();
  };
  EXPECT_EQ(found(1'234'567'890), 0u);
  EXPECT_EQ(found(1'234'567'891), 1u);
  EXPECT_EQ(found(9'999'999'999), 1u);
  EXPECT_EQ(found(10'000'000'000), 0u);
  EXPECT_EQ(snapshot->Summary({"d"}).max, Scalar(Int128{9'999'999'999}));
}

TEST(Snapshot, KeepsDecimalBoundsWithinTheirType) {
  TestLog log;
  const std::string nines(38, '9');
  log.Commit(0, {ProtocolLine(), DecimalTable("decimal(38,0)"),
                 AddLineWith("a", fmt::format(R"({{"numRecords":1,"minValues":{{"d":-{}}},"maxValues":{{"d":{}}}}})",
                                              nines, nines))});
  const ColumnSummary summary = MUST(log.Load())->Summary({"d"});
  EXPECT_EQ(summary.max, Scalar(*ParseDecimal(nines, 38, 0)));
  EXPECT_EQ(summary.min, Scalar(-*ParseDecimal(nines, 38, 0)));
}

TEST(Snapshot, PassesOverAnEmptyCommit) {
  TestLog log;
  log.Create();
  log.Put("00000000000000000001.json", "");
  log.Commit(2, {AddLine("a")});
  const SnapshotRef snapshot = MUST(log.Load(1));
  EXPECT_EQ(snapshot->version(), 1);
  EXPECT_EQ(snapshot->file_count(), 0u);
  EXPECT_THAT(Paths(*MUST(Refresh(log, snapshot))), ElementsAre("a"));
  log.Put("00000000000000000003.json", "");
  EXPECT_EQ(MUST(log.Load())->version(), 3);
  EXPECT_EQ(MUST(log.Load())->file_count(), 1u);
}

TEST(Snapshot, NeedsNoSchemaInMetadataThatWasReplaced) {
  TestLog log;
  log.Commit(0, {ProtocolLine(), R"({"metaData":{"id":"m1","format":{"provider":"parquet"},"partitionColumns":[]}})"});
  EXPECT_THAT(log.Load(), IsError(ErrorCode::kCorrupt));
  log.Commit(1, {MetadataLine(), AddLine("a")});
  EXPECT_EQ(MUST(log.Load())->file_count(), 1u);
  EXPECT_THAT(log.Load(0), IsError(ErrorCode::kCorrupt));
}

TEST(Snapshot, TakesTheFirstOfTwoCommitInfos) {
  TestLog log;
  log.Create(R"({"delta.enableInCommitTimestamps":"true"})");
  log.Commit(1, {R"({"commitInfo":{"timestamp":1,"operation":"A"}})",
                 R"({"commitInfo":{"timestamp":2,"operation":"B"}})", AddLine("a")});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(snapshot->file_count(), 1u);
  EXPECT_EQ(snapshot->state().OwnCommitInfo(log.context)->operation, "A");
}

TEST(Snapshot, KnowsAFileByEveryFormOfItsPath) {
  TestLog log;
  log.Create();
  log.Commit(1, {AddLine("./a"), AddLine("d//b"), AddLine("c")});
  log.Commit(2, {RemoveLine("a"), RemoveLine("d/./b"), RemoveLine(".//c")});
  EXPECT_THAT(Paths(*MUST(log.Load(1))), ElementsAre("./a", "c", "d//b"));
  EXPECT_TRUE(MUST(log.Load(1))->FindFile("d/b").has_value());
  EXPECT_THAT(Paths(*MUST(log.Load())), IsEmpty());
}

TEST(Snapshot, TakesAMissingPartitionValueAsNull) {
  TestLog log;
  log.Create();
  log.Commit(1,
             {R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
              R"({"add":{"path":"b","partitionValues":{"p":"x"},"size":1,"modificationTime":1,"dataChange":true}})",
              R"({"add":{"path":"c","partitionValues":{"p":null},"size":1,"modificationTime":1,"dataChange":true}})"});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_TRUE(MUST(snapshot->partition_value(*snapshot->FindFile("a"), 0)).is_null());
  EXPECT_THAT(snapshot->partition_value(*snapshot->FindFile("b"), 0), IsError(ErrorCode::kCorrupt));
  EXPECT_TRUE(MUST(snapshot->partition_value(*snapshot->FindFile("c"), 0)).is_null());
  EXPECT_THAT(Paths(*snapshot, snapshot->Prune(Predicate::Compare({"p"}, CompareOp::kEqual, Scalar(int64_t{7})))),
              ElementsAre("b"));
  EXPECT_THAT(Paths(*snapshot, snapshot->Prune(Predicate::IsNull({"p"}))), ElementsAre("a", "b", "c"));
  // What is written again has a value for each partition column.
  EXPECT_EQ(snapshot->add(*snapshot->FindFile("a")).partition_values, (PartitionValues{{"p", std::nullopt}}));
}

TEST(Snapshot, WritesNoOtherPartitionValuesAgain) {
  TestLog log;
  log.Create();
  log.Commit(
      1, {R"({"add":{"path":"a","partitionValues":{"z":"9","p":"7"},"size":1,"modificationTime":1,"dataChange":true}})",
          R"({"add":{"path":"b","partitionValues":{"P":"7"},"size":1,"modificationTime":1,"dataChange":true}})"});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(MUST(snapshot->partition_value(*snapshot->FindFile("a"), 0)), Scalar(int64_t{7}));
  EXPECT_EQ(snapshot->add(*snapshot->FindFile("a")).partition_values, (PartitionValues{{"p", "7"}}));
  // In other letters it may be meant or not.
  EXPECT_THAT(snapshot->partition_value(*snapshot->FindFile("b"), 0), IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(snapshot->add(*snapshot->FindFile("b")).partition_values, (PartitionValues{{"P", "7"}}));
  EXPECT_EQ(snapshot->Prune(Predicate::Compare({"p"}, CompareOp::kEqual, Scalar(int64_t{8}))).size(), 1u);
}

TEST(Snapshot, ForgetsTxnsThatExpired) {
  TestLog log;
  log.Create(R"({"delta.setTransactionRetentionDuration":"interval 1 days"})");
  log.Commit(1, {R"({"txn":{"appId":"old","version":1,"lastUpdated":1699000000000}})",
                 R"({"txn":{"appId":"fresh","version":2,"lastUpdated":1700000000000}})",
                 R"({"txn":{"appId":"ageless","version":3}})"});
  log.Commit(2, {R"({"txn":{"appId":"fresh","version":1,"lastUpdated":1700000000000}})"});
  const SnapshotRef snapshot = MUST(log.Load());
  EXPECT_EQ(snapshot->txn_version("old"), std::nullopt);
  EXPECT_EQ(snapshot->txn_version("fresh"), 1);
  EXPECT_EQ(snapshot->txn_version("ageless"), 3);
  EXPECT_EQ(snapshot->txn_version("unheard of"), std::nullopt);
}

TEST(Snapshot, HidesRemovedDomains) {
  TestLog log;
  log.Commit(0, {R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["domainMetadata"]}})",
                 MetadataLine(), R"({"domainMetadata":{"domain":"a","configuration":"1","removed":false}})",
                 R"({"domainMetadata":{"domain":"b","configuration":"2","removed":false}})"});
  log.Commit(1, {R"({"domainMetadata":{"domain":"a","configuration":"","removed":true}})"});
  const SnapshotRef snapshot = MUST(log.Load());
  ASSERT_EQ(snapshot->domain_metadata().size(), 1u);
  EXPECT_EQ(snapshot->domain_metadata()[0].domain, "b");
}

}  // namespace
}  // namespace yummy::delta
