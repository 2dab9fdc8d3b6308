#include "yummy/delta/protocol/actions_json.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

#include "yummy/base/testing.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {
namespace {

constexpr std::string_view kName = "00000000000000000003.json";
constexpr std::string_view kAdd =
    R"({"add":{"path":"a.parquet","partitionValues":{"p":"1","q":null},"size":10,"modificationTime":5,"dataChange":true}})";

std::vector<Action> MustParse(std::string_view text) { return MUST(ParseCommit(text, kName)); }

template <typename T>
T MustParseOne(std::string_view text) {
  std::vector<Action> actions = MustParse(text);
  EXPECT_EQ(actions.size(), 1U);
  return std::get<T>(actions.at(0));
}

TEST(ParseCommit, ReadsAnAddWithEveryField) {
  const Add add = MustParseOne<Add>(
      R"({"add":{"path":"p=1/a%20b.parquet","partitionValues":{"p":"1","q":null},"size":10,"modificationTime":-5,)"
      R"("dataChange":false,"stats":"{\"numRecords\":3,\"x\":\"\\u00e4\u00e4\ud83d\ude00\"}","tags":{"k":"v"},)"
      R"("deletionVector":{"storageType":"u","pathOrInlineDv":"ab","offset":4,"sizeInBytes":40,"cardinality":6},)"
      R"("baseRowId":4071,"defaultRowCommitVersion":41,"clusteringProvider":"liquid","later":[1,{"a":2}]}})");
  EXPECT_EQ(add.path, "p=1/a%20b.parquet");
  EXPECT_EQ(add.partition_values, (PartitionValues{{"p", "1"}, {"q", std::nullopt}}));
  EXPECT_EQ(add.size_bytes, 10);
  EXPECT_EQ(add.modification_time_ms, -5);
  EXPECT_FALSE(add.data_change);
  EXPECT_EQ(add.stats, "{\"numRecords\":3,\"x\":\"\\u00e4\xC3\xA4\xF0\x9F\x98\x80\"}");
  EXPECT_EQ(add.tags, (StringMap{{"k", "v"}}));
  EXPECT_EQ(add.deletion_vector, (DeletionVectorDescriptor{'u', "ab", 4, 40, 6}));
  EXPECT_EQ(add.deletion_vector->unique_id(), "uab@4");
  EXPECT_EQ(add.base_row_id, 4071);
  EXPECT_EQ(add.default_row_commit_version, 41);
  EXPECT_EQ(add.clustering_provider, "liquid");
}

TEST(ParseCommit, TakesNullForAnAbsentField) {
  const Add add = MustParseOne<Add>(
      R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"stats":null,"tags":null,)"
      R"("deletionVector":null,"baseRowId":null},"remove":null})");
  EXPECT_EQ(add.stats, std::nullopt);
  EXPECT_EQ(add.tags, std::nullopt);
  EXPECT_EQ(add.deletion_vector, std::nullopt);
}

TEST(ParseCommit, AcceptsLineEndsOfEveryKind) {
  const std::string add(kAdd);
  const std::string txn = R"({"txn":{"appId":"x","version":1}})";
  for (const std::string& text : {add + "\n" + txn, add + "\n" + txn + "\n", add + "\r\n" + txn + "\r\n",
                                  add + "\n\n  \n" + txn, "  " + add + " \n" + txn}) {
    EXPECT_EQ(MustParse(text).size(), 2U) << text;
  }
}

TEST(ParseCommit, TakesAnEmptyFileAsOneWithoutActions) {
  for (const std::string_view text : {"", "\n", "  \r\n"}) {
    EXPECT_TRUE(MUST(ParseCommit(text, kName)).empty());
    EXPECT_THAT(ParseCompaction(text, kName), IsError(ErrorCode::kCorrupt));
  }
}

TEST(ParseCommit, TakesIntegersInTheFormOfFloatingPointNumbers) {
  const Add add = MustParseOne<Add>(
      R"({"add":{"path":"a","partitionValues":{},"size":10.0,"modificationTime":1.6E12,"dataChange":true}})");
  EXPECT_EQ(add.size_bytes, 10);
  EXPECT_EQ(add.modification_time_ms, 1'600'000'000'000);
  const Remove remove =
      MustParseOne<Remove>(R"({"remove":{"path":"a","deletionTimestamp":1600000000000.9,"dataChange":true}})");
  EXPECT_EQ(remove.deletion_timestamp_ms, 1'600'000'000'000);
  EXPECT_EQ(MustParseOne<Txn>(R"({"txn":{"appId":"a","version":7.0}})").version, 7);
  EXPECT_EQ(MustParseOne<CommitInfo>(R"({"commitInfo":{"timestamp":1.7e12}})").timestamp_ms, 1'700'000'000'000);
}

TEST(ParseCommit, TakesTwoCommitInfos) {
  EXPECT_EQ(MustParse("{\"commitInfo\":{\"timestamp\":1}}\n{\"commitInfo\":{\"timestamp\":2}}").size(), 2U);
}

TEST(ParseCommit, IgnoresUnknownActionsAndFields) {
  EXPECT_TRUE(MustParse(R"({"foo":{"a":[1,2.5e7,true,null,"x",{}],"big":123456789012345678901234567890}})").empty());
  EXPECT_TRUE(MustParse("{}").empty());
}

TEST(ParseCommit, KeepsCommitInfoOfAnyShapeAsItStands) {
  for (const std::string_view json : {R"({"a" : 1e400, "b":[ ]})", "[1, 2]", "\"text\"", "17", "1e999", "true", "{}",
                                      R"({"timestamp":"x","txnId":5,"operation":{},"isBlindAppend":1})"}) {
    const CommitInfo info = MustParseOne<CommitInfo>("{\"commitInfo\" : " + std::string(json) + " }");
    EXPECT_EQ(info.json, json);
    EXPECT_EQ(info.timestamp_ms, std::nullopt);
    EXPECT_EQ(info.txn_id, std::nullopt);
  }
  const CommitInfo info = MustParseOne<CommitInfo>(
      R"({"commitInfo":{"timestamp":17,"operation":"WRITE","operationParameters":{"mode":"Append"},"inCommitTimestamp":18,"txnId":"t","isBlindAppend":true}})");
  EXPECT_EQ(info.timestamp_ms, 17);
  EXPECT_EQ(info.in_commit_timestamp_ms, 18);
  EXPECT_EQ(info.txn_id, "t");
  EXPECT_EQ(info.operation, "WRITE");
  EXPECT_EQ(info.is_blind_append, true);
}

TEST(ParseCommit, RefusesWhatIsNoCommit) {
  const std::string add(kAdd);
  std::vector<std::string> texts = {
      "nonsense",
      "[]",
      "5",
      "\"x\"",
      "null",
      "\xEF\xBB\xBF" + add,
      std::string("{\0}", 3),
      std::string("\0", 1),
      add + add,
      add + " x",
      add + "\n" + "{\"txn\":",
      "{\"add\":5}",
      "{\"add\":[]}",
      "{\"foo\":{\"a\" 1}}",
      "{\"foo\":nope}",
      "{\"foo\":01}",
      "{\"foo\":1x}",
      "{\"foo\":\"\\x\"}",
      "{\"foo\":\"\\ud800\"}",
      "{\"foo\":\"a\tb\"}",
      "{\"foo\":[1,]}",
      "{\"foo\":[1 2]}",
      "{\"foo\":}",
      "{\"foo\":{\"a\":1,}}",
      "{foo:1}",
      "{\"foo\":\"\xFF\"}",
      "{\"commitInfo\":{\"a\":}}",
      "{\"commitInfo\":nope}",
      "{\"commitInfo\":{\"a\":[}}",
  };
  std::string utf16;
  for (const char c : add) utf16 += {c, '\0'};
  texts.push_back(utf16);
  texts.push_back("\xFF\xFE" + utf16);
  std::string deep;
  for (int i = 0; i < 100'000; i++) deep += '[';
  texts.push_back("{\"foo\":" + deep + "}");
  std::string deep_closed = deep.substr(0, 5000) + std::string(5000, ']');
  texts.push_back("{\"foo\":" + deep_closed + "}");
  for (const std::string& text : texts) {
    EXPECT_THAT(ParseCommit(text, kName), IsError(ErrorCode::kCorrupt)) << text.substr(0, 200);
  }
}

TEST(ParseCommit, RefusesEveryPrefixOfALine) {
  const std::string line =
      R"({"commitInfo":{"operation":"WRITE","timestamp":12,"x":[true,{"y":null}]},"txn":{"appId":"a","version":7}})";
  ASSERT_EQ(MustParse(line).size(), 2U);
  for (size_t length = 0; length < line.size(); length++) {
    const auto result = ParseCommit(std::string(kAdd) + "\n" + line.substr(0, length), kName);
    if (length == 0) continue;
    ASSERT_THAT(result, IsError(ErrorCode::kCorrupt)) << length;
    EXPECT_EQ(result.error().detail("line"), "2") << length;
    EXPECT_EQ(result.error().reason_name(), "CORRUPT_TABLE");
  }
}

TEST(ParseCommit, RefusesFieldsThatAreAbsentOrOfAnotherType) {
  for (
      const std::string_view text :
      {R"({"add":{"partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1.5,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1e300,"dataChange":true}})",
       R"({"txn":{"appId":"a","version":1.5}})",
       R"({"add":{"path":"a","partitionValues":{},"size":-1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":"1","modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{"p":1},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"%zz","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"%00","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a\u0000","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":"true"}})",
       R"({"add":{"path":"a","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true,"deletionVector":{"storageType":"u"}}})",
       R"({"remove":{"path":"a"}})",
       R"({"remove":{"dataChange":true}})",
       R"({"txn":{"appId":"a","version":9223372036854775808}})",
       R"({"txn":{"appId":"a"}})",
       R"({"txn":{"version":1}})",
       R"({"protocol":{"minReaderVersion":"1","minWriterVersion":2}})",
       R"({"protocol":{"minReaderVersion":-1,"minWriterVersion":2}})",
       R"({"protocol":{"minReaderVersion":1}})",
       R"({"protocol":{"minReaderVersion":4294967297,"minWriterVersion":2}})",
       R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[1]}})",
       R"({"metaData":{"id":"x","schemaString":"s","partitionColumns":[]}})",
       R"({"domainMetadata":{"domain":"d","configuration":"c"}})",
       R"({"sidecar":{"path":"p","sizeInBytes":1}})",
       R"({"cdc":{"path":"a","size":1}})",
       R"({"checkpointMetadata":{}})"}) {
    const auto result = ParseCommit(text, kName);
    EXPECT_THAT(result, IsError(ErrorCode::kCorrupt)) << text;
    if (result.ok()) continue;
    EXPECT_EQ(result.error().detail("line"), "1") << text;
  }
}

std::string FileLine(std::string_view action, std::string_view path, std::string_view vector) {
  std::string line = "{\"" + std::string(action) + "\":{\"path\":\"" + std::string(path) +
                     R"(","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true)";
  if (!vector.empty()) {
    line += R"(,"deletionVector":{"storageType":"u","sizeInBytes":1,"cardinality":1,"pathOrInlineDv":")" +
            std::string(vector) + "\"}";
  }
  return line + "}}\n";
}

TEST(ParseCommit, RefusesActionsThatContradictEachOther) {
  const std::string protocol = "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n";
  const std::string metadata =
      R"({"metaData":{"id":"x","format":{"provider":"parquet","options":{}},"schemaString":"s","partitionColumns":[]}})"
      "\n";
  for (const std::string& text :
       {protocol + protocol, metadata + metadata, FileLine("add", "a b", "") + FileLine("add", "a%20b", ""),
        FileLine("add", "a", "v") + FileLine("add", "a", "w"),
        FileLine("remove", "a", "v") + FileLine("remove", "a", ""),
        FileLine("add", "a", "v") + FileLine("remove", "a", "v"),
        FileLine("add", "file:/t/a", "") + FileLine("remove", "file:///t/a", "")}) {
    EXPECT_THAT(ParseCommit(text, kName), IsError(ErrorCode::kCorrupt)) << text;
    EXPECT_THAT(ParseActions(text, kName), IsOk()) << text;
  }
  EXPECT_THAT(ParseCommit(FileLine("add", "a", "v") + FileLine("remove", "a", "") + FileLine("cdc", "a", ""), kName),
              IsOk());
}

TEST(ParseCompaction, TakesEachLogicalFileOnce) {
  const std::string removed_thrice = FileLine("remove", "a", "") + FileLine("remove", "a", "v") +
                                     FileLine("remove", "a", "w") + FileLine("add", "a", "u");
  EXPECT_EQ(MUST(ParseCompaction(removed_thrice, kName)).size(), 4u);
  for (const std::string& text :
       {FileLine("add", "a", "v") + FileLine("remove", "a", "v"), FileLine("add", "a", "") + FileLine("add", "%61", ""),
        std::string(), std::string("{\"add\":")}) {
    EXPECT_THAT(ParseCompaction(text, kName), IsError(ErrorCode::kCorrupt)) << text;
  }
}

TEST(ParseCommit, ReadsLinesLongerThanTheSharedParser) {
  Add add;
  add.path = "a";
  add.stats = std::string(3 << 20, 's') + "\"\\";
  const std::vector<Action> actions = {add, Txn{"x", 1, {}}};
  EXPECT_EQ(MustParse(WriteActions(actions)), actions);
}

TEST(WriteAction, WritesTheFieldsOfTheProtocol) {
  Add add{.path = "a",
          .partition_values = {{"p", std::nullopt}},
          .size_bytes = 1,
          .modification_time_ms = 2,
          .data_change = true,
          .stats = "{\"numRecords\":1}",
          .tags = {},
          .deletion_vector = {},
          .base_row_id = {},
          .default_row_commit_version = {},
          .clustering_provider = {}};
  EXPECT_EQ(
      WriteAction(add),
      R"({"add":{"path":"a","partitionValues":{"p":null},"size":1,"modificationTime":2,"dataChange":true,"stats":"{\"numRecords\":1}"}})");
  EXPECT_EQ(WriteAction(Protocol{}), R"({"protocol":{"minReaderVersion":1,"minWriterVersion":2}})");
  const std::vector<std::string> features = {"v2Checkpoint"};
  EXPECT_EQ(
      WriteAction(Protocol{3, 7, features, features}),
      R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["v2Checkpoint"],"writerFeatures":["v2Checkpoint"]}})");
  EXPECT_EQ(WriteAction(Protocol{1, 7, {}, features}),
            R"({"protocol":{"minReaderVersion":1,"minWriterVersion":7,"writerFeatures":["v2Checkpoint"]}})");
  EXPECT_EQ(WriteAction(Txn{"app", 3, 4}), R"({"txn":{"appId":"app","version":3,"lastUpdated":4}})");
}

// Builds actions of random content, to go through the writer and the parser.
class RandomActions {
 public:
  explicit RandomActions(uint64_t seed) : engine_(seed) {}

  Action Next() {
    switch (Below(10)) {
      case 0: return NextAdd();
      case 1: return NextRemove();
      case 2: return Cdc{Path(), Partition(), Below(1000)};
      case 3: return NextMetadata();
      case 4: return NextProtocol();
      case 5: return Txn{Text(), Int(), Maybe([&] { return Int(); })};
      case 6: return DomainMetadata{Text(), Text(), Coin()};
      case 7: return NextCommitInfo();
      case 8: return Sidecar{Path(), Below(1000), Int()};
      default: return CheckpointMetadata{Below(1'000'000), Maybe([&] { return Map(); })};
    }
  }

 private:
  int64_t Below(uint64_t bound) { return static_cast<int64_t>(engine_() % bound); }
  bool Coin() { return Below(2) == 0; }
  int64_t Int() { return static_cast<int64_t>(engine_()) >> Below(63); }
  template <typename Make>
  auto Maybe(Make&& make) -> std::optional<decltype(make())> {
    if (Coin()) return std::nullopt;
    return make();
  }
  std::string Text() {
    static const std::vector<std::string> kPieces = {"a",
                                                     "\"",
                                                     "\\",
                                                     "/",
                                                     "\n",
                                                     "\x01",
                                                     " ",
                                                     "\xC3\xA4",
                                                     "\xF0\x9F\x98\x80",
                                                     "{",
                                                     "}",
                                                     "\\u0041",
                                                     "key",
                                                     std::string(100, 'x')};
    std::string text;
    for (int64_t i = Below(8); i > 0; i--) text += kPieces[static_cast<size_t>(Below(kPieces.size()))];
    return text;
  }
  std::string Path() { return "p=" + std::to_string(Below(100)) + "/a%20b-" + std::to_string(Int()) + ".parquet"; }
  PartitionValues Partition() {
    PartitionValues values;
    for (int64_t i = Below(4); i > 0; i--) values.emplace_back(Text(), Maybe([&] { return Text(); }));
    return values;
  }
  StringMap Map() {
    StringMap map;
    for (int64_t i = Below(4); i > 0; i--) map[Text()] = Text();
    return map;
  }
  DeletionVectorDescriptor Vector() {
    return {"uip"[Below(3)], Text(), Maybe([&] { return static_cast<int32_t>(Below(1000)); }),
            static_cast<int32_t>(Below(1000)), Below(1'000'000)};
  }
  Add NextAdd() {
    return {Path(),
            Partition(),
            Below(1ULL << 40),
            Int(),
            Coin(),
            Maybe([&] { return Text(); }),
            Maybe([&] { return Map(); }),
            Maybe([&] { return Vector(); }),
            Maybe([&] { return Int(); }),
            Maybe([&] { return Int(); }),
            Maybe([&] { return Text(); })};
  }
  Remove NextRemove() {
    return {Path(),
            Maybe([&] { return Int(); }),
            Coin(),
            Coin(),
            Maybe([&] { return Partition(); }),
            Maybe([&] { return Below(1000); }),
            Maybe([&] { return Map(); }),
            Maybe([&] { return Vector(); }),
            Maybe([&] { return Int(); }),
            Maybe([&] { return Int(); })};
  }
  Metadata NextMetadata() {
    return {
        Text(), Maybe([&] { return Text(); }), Maybe([&] { return Text(); }), Text(), Map(), Text(), {Text(), Text()},
        Map(),  Maybe([&] { return Int(); })};
  }
  Protocol NextProtocol() {
    Protocol protocol{Coin() ? 3 : 1, Coin() ? 7 : 2, {}, {}};
    if (protocol.min_reader_version == 3) protocol.reader_features = {Text()};
    if (protocol.min_writer_version == 7) protocol.writer_features = {Text(), Text()};
    return protocol;
  }
  CommitInfo NextCommitInfo() {
    const int64_t time = Int();
    return {"{\"timestamp\":" + std::to_string(time) + ",\"x\":[1,{}],\"operation\":\"W\"}", time, {}, {}, "W", {}};
  }
  std::mt19937_64 engine_;
};

TEST(WriteActions, AreParsedBackEqual) {
  const uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomActions random(seed);
  for (int round = 0; round < 300; round++) {
    std::vector<Action> actions;
    for (int i = 0; i < 10; i++) actions.push_back(random.Next());
    const std::string text = WriteActions(actions);
    const auto parsed = ParseActions(text, kName);
    ASSERT_THAT(parsed, IsOk()) << text;
    ASSERT_EQ(*parsed, actions) << text;
  }
}

TEST(ParseActions, NeverCrashesOnDamagedLines) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomActions random(seed);
  std::mt19937_64 engine(seed);
  constexpr std::string_view kBytes = "{}[]\",:\\0e-\n\0\xFFtfn";
  for (int round = 0; round < 20'000; round++) {
    std::string text = WriteActions({random.Next(), random.Next()});
    for (uint64_t i = engine() % 4; i > 0; i--) text[engine() % text.size()] = kBytes[engine() % kBytes.size()];
    if (engine() % 4 == 0) text.resize(engine() % text.size());
    const auto parsed = ParseActions(text, kName);
    if (parsed.ok()) {
      // What was accepted is whole: it can be written and read again.
      ASSERT_THAT(ParseActions(WriteActions(*parsed) + "{}", kName), IsOk()) << text;
    } else {
      ASSERT_THAT(parsed, IsError(ErrorCode::kCorrupt)) << text;
    }
  }
}

std::filesystem::path Fixtures() {
  const char* shared = std::getenv("YUMMY_SHARED");
  const char* source = std::getenv("YUMMY_SOURCE_DIR");
  const std::filesystem::path root =
      shared != nullptr ? shared : std::filesystem::path(source != nullptr ? source : ".") / "../shared";
  return root / "fixtures" / "delta";
}

TEST(ParseCommit, ReadsEveryCommitOfTheGoldenTables) {
  if (!std::filesystem::exists(Fixtures())) GTEST_SKIP() << "no golden tables: set YUMMY_SHARED";
  size_t commits = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(Fixtures())) {
    const std::string name = entry.path().filename();
    if (name.size() != 25 || !name.ends_with(".json") || entry.path().parent_path().filename() != "_delta_log")
      continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const auto actions = ParseCommit(text.str(), entry.path().string());
    EXPECT_THAT(actions, IsOk());
    commits++;
    if (!actions.ok()) continue;
    EXPECT_EQ(MUST(ParseCommit(WriteActions(*actions), name)), *actions);
  }
  EXPECT_GT(commits, 100U);
}

}  // namespace
}  // namespace yummy::delta
