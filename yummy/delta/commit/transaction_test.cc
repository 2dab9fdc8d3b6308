#include "yummy/delta/commit/transaction.h"

#include <algorithm>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/commit/transaction_testing.h"
#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

class TransactionTest : public ::testing::Test {
 protected:
  // A table of version 1 with f1 in partition a and f2 in partition b.
  void MakeTable(const StringMap& configuration = {}, const TableOptions& options = TestTableOptions()) {
    table_ = MakeTestTable(store_, options, {TestAdd("f1", "a"), TestAdd("f2", "b")}, configuration);
  }

  std::unique_ptr<Transaction> Begin(std::string operation = "WRITE") {
    auto transaction = table_->Begin(Context(), {std::move(operation), {}});
    EXPECT_THAT(transaction, IsOk());
    return std::move(transaction).value();
  }

  std::unique_ptr<Transaction> BeginAppend(std::string_view name, std::string_view partition = "a") {
    auto transaction = Begin();
    transaction->AddFile(TestAdd(name, partition));
    return transaction;
  }

  std::unique_ptr<Transaction> BeginOverwrite(std::string_view name) {
    auto transaction = Begin();
    transaction->ReadWholeTable();
    for (const FileId file : transaction->base()->files()) transaction->RemoveFile(file);
    transaction->AddFile(TestAdd(name, "a"));
    return transaction;
  }

  // Writes a file as a writer would, and returns its path within the store.
  std::string Stage(Transaction& transaction, bool and_add) {
    const std::string path = transaction.StageFile({{"p", "a"}});
    EXPECT_THAT(store_->Put(Context(), "t/" + path, "rows", store::PutMode::kCreate), IsOk());
    if (and_add) {
      Add add = TestAdd("", "a");
      add.path = EncodeLogPath(path);
      transaction.AddFile(add);
    }
    return "t/" + path;
  }

  static CommitOutcome Commit(Transaction& transaction) {
    auto outcome = transaction.Commit(Context());
    EXPECT_THAT(outcome, IsOk());
    return std::move(outcome).value();
  }

  const std::shared_ptr<store::ObjectStore> store_ = store::MakeTestStore();
  std::shared_ptr<Table> table_;
};

TEST_F(TransactionTest, CommitsTheNextVersionAndMakesItKnown) {
  MakeTable();
  const auto transaction = BeginAppend("f3");
  const auto committed = std::get<Committed>(Commit(*transaction));
  EXPECT_EQ(committed.version, 2);
  EXPECT_EQ(committed.attempts, 1);
  ASSERT_NE(committed.snapshot, nullptr);
  EXPECT_EQ(committed.snapshot->version(), 2);
  EXPECT_EQ(committed.snapshot->file_count(), 3U);
  EXPECT_EQ(table_->Current(Context()).value()->version(), 2);
}

TEST_F(TransactionTest, WritesTheActionsInOrderWithCommitInfoFirst) {
  MakeTable();
  auto transaction = BeginOverwrite("f3");
  transaction->SetTxn({"app", 7, {}});
  transaction->SetOperationMetric("numFiles", "1");
  EXPECT_EQ(std::get<Committed>(Commit(*transaction)).version, 2);
  const auto actions = ParseCommit(store_->Get(Context(), CommitPath("t", 2)).value(), "2.json");
  ASSERT_THAT(actions, IsOk());
  std::vector<size_t> kinds;
  for (const Action& action : *actions) kinds.push_back(action.index());
  const std::vector<size_t> expected = {Action(CommitInfo{}).index(), Action(Txn{}).index(), Action(Remove{}).index(),
                                        Action(Remove{}).index(), Action(Add{}).index()};
  EXPECT_EQ(kinds, expected);
  const auto& info = std::get<CommitInfo>(actions->front());
  EXPECT_EQ(info.operation, "WRITE");
  EXPECT_EQ(info.is_blind_append, false);
  EXPECT_TRUE(info.txn_id && info.txn_id->size() == 36);
  EXPECT_FALSE(info.in_commit_timestamp_ms);
  EXPECT_NE(info.json.find(R"("readVersion":1,"isolationLevel":"WriteSerializable")"), std::string::npos) << info.json;
  EXPECT_NE(info.json.find(R"("operationMetrics":{"numFiles":"1"},"engineInfo":"Yummy-Delta/)"), std::string::npos);
  const auto& remove = std::get<Remove>((*actions)[2]);
  EXPECT_TRUE(remove.deletion_timestamp_ms && remove.extended_file_metadata && remove.data_change);
  EXPECT_EQ(remove.size_bytes, 100);
}

TEST_F(TransactionTest, WritesEachOperationParameterAsItsJson) {
  MakeTable();
  auto transaction = table_->Begin(Context(), {"WRITE", {{"mode", "\"Append\""}, {"partitionBy", "\"[]\""}}}).value();
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*transaction)));
  EXPECT_NE(ReadLog(*store_).infos[2].json.find(R"("operationParameters":{"mode":"Append","partitionBy":"[]"})"),
            std::string::npos);
}

TEST_F(TransactionTest, CommitsNothingButCommitInfoWhenNothingIsStaged) {
  MakeTable();
  EXPECT_EQ(std::get<Committed>(Commit(*Begin("NOTHING"))).version, 2);
  EXPECT_EQ(ReadLog(*store_).infos[2].is_blind_append, true);
}

TEST_F(TransactionTest, CommitsOnlyOnce) {
  MakeTable();
  auto transaction = BeginAppend("f3");
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*transaction)));
  EXPECT_THAT(transaction->Commit(Context()), IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(ReadLog(*store_).versions.size(), 3U);
}

TEST_F(TransactionTest, RefusesMistakesBeforeAnythingIsSent) {
  MakeTable();
  using Mistake = std::function<void(Transaction&)>;
  const auto with_add = [](std::function<void(Add&)> change) -> Mistake {
    return [change](Transaction& transaction) {
      Add add = TestAdd("f3", "a");
      change(add);
      transaction.AddFile(add);
    };
  };
  const std::vector<std::pair<std::string, Mistake>> mistakes = {
      {"no partition value", with_add([](Add& add) { add.partition_values.clear(); })},
      {"a value for no partition column", with_add([](Add& add) { add.partition_values.emplace_back("id", "1"); })},
      {"a partition value twice", with_add([](Add& add) { add.partition_values.emplace_back("p", "b"); })},
      {"a path outside the table's store", with_add([](Add& add) { add.path = "../../f"; })},
      {"an empty path", with_add([](Add& add) { add.path.clear(); })},
      {"a negative size", with_add([](Add& add) { add.size_bytes = -1; })},
      {"one path twice",
       [](Transaction& transaction) {
         transaction.AddFile(TestAdd("f3", "a"));
         Add same = TestAdd("f3", "a");
         same.path = "p=a/%66%33";
         transaction.AddFile(same);
       }},
      {"added and removed",
       [](Transaction& transaction) {
         transaction.RemoveFile(*transaction.base()->FindFile("p=a/f1"));
         transaction.AddFile(TestAdd("f1", "a"));
       }},
      {"removed twice",
       [](Transaction& transaction) {
         transaction.RemoveFile(*transaction.base()->FindFile("p=a/f1"));
         transaction.RemoveFile(*transaction.base()->FindFile("p=a/f1"));
       }},
      {"a partition column that is not there",
       [](Transaction& transaction) {
         Metadata metadata = TestMetadata();
         metadata.partition_columns = {"q"};
         transaction.SetMetadata(metadata);
       }},
  };
  for (const auto& [name, make] : mistakes) {
    const auto transaction = Begin();
    make(*transaction);
    EXPECT_THAT(transaction->Commit(Context()), IsError(ErrorCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(Begin("")->Commit(Context()), IsError(ErrorCode::kInvalidArgument));
  const auto bad_json = table_->Begin(Context(), {"WRITE", {{"mode", "{"}}}).value();
  EXPECT_THAT(bad_json->Commit(Context()), IsError(ErrorCode::kInvalidArgument));
  const auto bad_schema = Begin();
  Metadata metadata = TestMetadata();
  metadata.schema_string = "{";
  bad_schema->SetMetadata(metadata);
  EXPECT_THAT(bad_schema->Commit(Context()), IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(ReadLog(*store_).versions.size(), 2U);
}

TEST_F(TransactionTest, RefusesToCreateATableWithoutProtocolOrMetadata) {
  table_ = Table::Make(store_, "t", TestTableOptions());
  const auto no_protocol = table_->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
  no_protocol->SetMetadata(TestMetadata());
  EXPECT_THAT(no_protocol->Commit(Context()), IsError(ErrorCode::kInvalidArgument));
  const auto no_metadata = table_->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
  no_metadata->SetProtocol({});
  EXPECT_THAT(no_metadata->Commit(Context()), IsError(ErrorCode::kInvalidArgument));
}

TEST_F(TransactionTest, RefusesDomainsWithoutTheirFeature) {
  MakeTable();
  const auto transaction = Begin();
  transaction->SetDomainMetadata({"d", "{}", false});
  EXPECT_THAT(transaction->Commit(Context()), IsError(ErrorCode::kUnsupported));
}

TEST_F(TransactionTest, OnlyRearrangesTheRowsOfAnAppendOnlyTable) {
  MakeTable({{"delta.appendOnly", "true"}});
  const auto removal = BeginOverwrite("f3");
  const auto refused = removal->Commit(Context());
  ASSERT_THAT(refused, IsError(ErrorCode::kConflict));
  EXPECT_EQ(refused.error().reason_name(), "APPEND_ONLY");
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginAppend("f3"))));
  const auto optimize = Begin("OPTIMIZE");
  optimize->RemoveFile(*optimize->base()->FindFile("p=a/f1"), false);
  optimize->AddFile(TestAdd("f4", "a", false));
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*optimize)));
  EXPECT_NE(ReadLog(*store_).infos[3].json.find("\"SnapshotIsolation\""), std::string::npos);
}

TEST_F(TransactionTest, BecomesTheRequiredVersionOrNone) {
  MakeTable();
  auto wrong = BeginAppend("f3");
  wrong->RequireVersion(1);
  EXPECT_THAT(wrong->Commit(Context()), IsError(ErrorCode::kPreconditionFailed));
  auto right = BeginAppend("f3");
  right->RequireVersion(2);
  auto late = BeginAppend("f4");
  late->RequireVersion(2);
  EXPECT_EQ(std::get<Committed>(Commit(*right)).version, 2);
  const auto outcome = Commit(*late);
  EXPECT_EQ(std::get<Conflict>(outcome).error.code(), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(std::get<Conflict>(outcome).winning_version, 2);
  EXPECT_EQ(ReadLog(*store_).versions.size(), 3U);
}

TEST_F(TransactionTest, FollowsCommitsThatCameFirst) {
  MakeTable();
  const auto first = BeginAppend("f3");
  const auto second = BeginAppend("f4");
  const auto third = BeginAppend("f5");
  EXPECT_EQ(std::get<Committed>(Commit(*third)).version, 2);
  EXPECT_EQ(std::get<Committed>(Commit(*second)).version, 3);
  const auto committed = std::get<Committed>(Commit(*first));
  EXPECT_EQ(committed.version, 4);
  EXPECT_EQ(committed.attempts, 1);  // what is known is followed before the put, not by losing
  const LogContent log = ReadLog(*store_);
  EXPECT_NE(log.infos[2].txn_id, log.infos[3].txn_id);
  EXPECT_EQ(log.adds.at("p=a/f3"), 1);
}

TEST_F(TransactionTest, ConflictsWithAnOverwriteThatCameFirst) {
  MakeTable();
  const auto winner = BeginOverwrite("f3");
  const auto loser = BeginOverwrite("f4");
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*winner)));
  auto outcome = Commit(*loser);
  const auto& conflict = std::get<Conflict>(outcome);
  EXPECT_EQ(conflict.winning_version, 2);
  EXPECT_EQ(conflict.error.reason_name(), "CONCURRENT_MODIFICATION");
  EXPECT_EQ(conflict.error.detail("winner"), "WRITE");
  EXPECT_THAT(RequireCommitted(std::move(outcome)), IsError(ErrorCode::kConflict));
  EXPECT_EQ(ReadLog(*store_).adds.count("p=a/f4"), 0U);
}

struct Verb {
  std::string_view name;
  std::function<void(Transaction&, std::string_view file)> stage;
  std::string_view conflicts;  // "!" for each verb, in their order, that it cannot follow
};

void RemoveF1(Transaction& transaction, bool data_change) {
  transaction.ReadFiles(Predicate::Compare({"p"}, CompareOp::kEqual, Scalar(Scalar::Storage(std::string("a")))));
  transaction.RemoveFile(*transaction.base()->FindFile("p=a/f1"), data_change);
}

const std::vector<Verb>& Verbs() {
  static const std::vector<Verb> kVerbs = {
      {"append", [](Transaction& t, std::string_view file) { t.AddFile(TestAdd(file, "a")); }, "....!.."},
      {"append after reading",
       [](Transaction& t, std::string_view file) {
         t.ReadWholeTable();
         t.AddFile(TestAdd(file, "a"));
       },
       ".!!!!.."},
      {"delete", [](Transaction& t, std::string_view) { RemoveF1(t, true); }, ".!!!!.!"},
      {"overwrite",
       [](Transaction& t, std::string_view file) {
         t.ReadWholeTable();
         for (const FileId id : t.base()->files()) t.RemoveFile(id);
         t.AddFile(TestAdd(file, "a"));
       },
       ".!!!!.!"},
      {"metadata",
       [](Transaction& t, std::string_view file) { t.SetMetadata(TestMetadata({{"k", std::string(file)}})); },
       "....!.."},
      {"append of an application",
       [](Transaction& t, std::string_view file) {
         t.SetTxn({"app", 1, {}});
         t.AddFile(TestAdd(file, "a"));
       },
       "....!!."},
      {"optimize",
       [](Transaction& t, std::string_view file) {
         RemoveF1(t, false);
         t.AddFile(TestAdd(file, "a", false));
       },
       "..!!!.!"},
  };
  return kVerbs;
}

TEST_F(TransactionTest, LetsEachPairStandOrConflictInBothOrders) {
  for (const Verb& loser : Verbs()) {
    std::string found;
    for (const Verb& winner : Verbs()) {
      const auto store = store::MakeTestStore();
      table_ = MakeTestTable(store, TestTableOptions(), {TestAdd("f1", "a"), TestAdd("f2", "b")});
      const auto first = Begin("FIRST");
      const auto second = Begin("SECOND");
      winner.stage(*first, "first");
      loser.stage(*second, "second");
      EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*first))) << winner.name;
      const bool stands = std::holds_alternative<Committed>(Commit(*second));
      EXPECT_EQ(ReadLog(*store).versions.size(), stands ? 4U : 3U);
      found += stands ? '.' : '!';
    }
    EXPECT_EQ(found, loser.conflicts) << loser.name;
  }
}

// A far store is not asked again about a version that was seen a second ago.
void WaitUntilTheStoreIsAsked(store::ObjectStore& store) {
  if (store.capabilities().is_local) return;
  ASSERT_THAT(Context().Sleep(std::chrono::milliseconds(1100)), IsOk());
}

TEST_F(TransactionTest, ConflictsWhenTheTableWasMadeAnew) {
  MakeTable();
  const auto transaction = BeginAppend("f3");
  const std::vector<std::string> all = PathsBelow(*store_, "t/");
  for (const auto& deleted : store_->Delete(Context(), all)) ASSERT_THAT(deleted, IsOk());
  Metadata other = TestMetadata();
  other.id = "another";
  const auto anew = Table::Make(store_, "t", TestTableOptions());
  const auto create = anew->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
  create->SetProtocol({});
  create->SetMetadata(other);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*create)));
  WaitUntilTheStoreIsAsked(*store_);
  EXPECT_EQ(std::get<Conflict>(Commit(*transaction)).error.reason_name(), "METADATA_CHANGED");
  EXPECT_EQ(ReadLog(*store_).versions.size(), 1U);
}

TEST_F(TransactionTest, ConflictsWhenTheTableWasSetBack) {
  // A backup came back: the same table, but without the version that was read, or with another one in its place.
  for (const bool went_on : {false, true}) {
    const auto store = store::MakeTestStore();
    const auto table = MakeTestTable(store, TestTableOptions(), {TestAdd("f1", "a")});
    const auto transaction = table->Begin(Context(), {"WRITE", {}}).value();
    transaction->AddFile(TestAdd("f2", "a"));
    const std::vector<std::string> gone = {CommitPath("t", 1)};
    for (const auto& deleted : store->Delete(Context(), gone)) ASSERT_THAT(deleted, IsOk());
    if (went_on) {
      const auto other = Table::Make(store, "t", TestTableOptions())->Begin(Context(), {"WRITE", {}}).value();
      EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*other)));
    }
    WaitUntilTheStoreIsAsked(*store);
    EXPECT_EQ(std::get<Conflict>(Commit(*transaction)).error.reason_name(), "METADATA_CHANGED");
    EXPECT_THAT(store->Head(Context(), CommitPath("t", 2)), IsError(ErrorCode::kNotFound));
  }
}

TEST_F(TransactionTest, StagesUniquePathsBelowTheirPartition) {
  MakeTable();
  const auto transaction = Begin();
  const std::string first = transaction->StageFile({{"p", "x y"}});
  const std::string second = transaction->StageFile({{"p", "x y"}});
  EXPECT_NE(first, second);
  EXPECT_TRUE(first.starts_with(PartitionFolder({{"p", "x y"}}) + "part-00000-")) << first;
  EXPECT_TRUE(second.ends_with("-c000.zstd.parquet")) << second;
}

TEST_F(TransactionTest, KeepsCommittedFilesAndDeletesUnusedOnes) {
  MakeTable();
  auto transaction = Begin();
  const std::string used = Stage(*transaction, true);
  Stage(*transaction, false);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*transaction)));
  transaction.reset();
  EXPECT_EQ(DataFiles(*store_), std::vector{used});
}

TEST_F(TransactionTest, KeepsCommittedVectorsAndDeletesUnusedOnes) {
  MakeTable({{"delta.enableDeletionVectors", "true"}});
  auto transaction = Begin("DELETE");
  const auto stage_vector = [&](std::string_view prefix, char fill) {
    const DeletionVectorDescriptor vector{.path_or_inline = std::string(prefix) + Z85Encode(std::string(16, fill)),
                                          .offset = 1,
                                          .size_bytes = 40,
                                          .cardinality = 1};
    const std::string path = MUST(DeletionVectorPath(*store_, "t", vector));
    EXPECT_THAT(store_->Put(Context(), path, "vector", store::PutMode::kCreate), IsOk());
    transaction->RecordStaged(path);
    return std::pair(vector, path);
  };
  // The attempt that was given up, and the one that is committed.
  stage_vector("", '1');
  const auto [vector, used] = stage_vector("", '2');
  stage_vector("ab", '2');
  const FileId file = *transaction->base()->FindFile("p=a/f1");
  Add add = transaction->base()->add(file);
  add.deletion_vector = vector;
  transaction->RemoveFile(file);
  transaction->AddFile(add);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*transaction)));
  transaction.reset();
  EXPECT_EQ(DataFiles(*store_), std::vector{used});
}

TEST_F(TransactionTest, KeepsStagedFilesWhenAnActionIsNotUnderstood) {
  MakeTable({{"delta.enableDeletionVectors", "true"}});
  auto transaction = Begin();
  Add add = TestAdd("f3", "a");
  add.deletion_vector = DeletionVectorDescriptor{.path_or_inline = "short", .size_bytes = 40, .cardinality = 1};
  transaction->AddFile(add);
  const std::string staged = Stage(*transaction, false);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*transaction)));
  transaction.reset();
  EXPECT_EQ(DataFiles(*store_), std::vector{staged});
}

TEST_F(TransactionTest, DeletesStagedFilesWhenItIsDropped) {
  MakeTable();
  auto transaction = Begin();
  Stage(*transaction, true);
  EXPECT_THAT(store_->Put(Context(), "t/other.bin", "x", store::PutMode::kCreate), IsOk());
  transaction->RecordStaged("t/other.bin");
  transaction.reset();
  EXPECT_TRUE(DataFiles(*store_).empty());
}

TEST_F(TransactionTest, DeletesStagedFilesAfterAConflict) {
  MakeTable();
  const auto loser = BeginOverwrite("f4");
  Stage(*loser, true);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginOverwrite("f3"))));
  EXPECT_TRUE(std::holds_alternative<Conflict>(Commit(*loser)));
  EXPECT_TRUE(DataFiles(*store_).empty());
}

TEST_F(TransactionTest, WaitsForItsTurnNoLongerThanItMay) {
  TableOptions options = TestTableOptions();
  MakeTable({}, options);
  const auto turn = MUST(table_->commit_queue().Enter(Context()));
  std::thread other([&] {  // a mutex must not be locked twice by one thread
    const Context brief = Context().WithDeadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(1));
    EXPECT_THAT(BeginAppend("f3")->Commit(brief), IsError(ErrorCode::kDeadlineExceeded));
    std::stop_source stop;
    stop.request_stop();
    const Context stopped(Context::Time::max(), stop.get_token(), "");
    EXPECT_THAT(BeginAppend("f3")->Commit(stopped), IsError(ErrorCode::kCancelled));
  });
  other.join();
}

TEST_F(TransactionTest, KeepsInCommitTimestampsMonotoneWhenTheClockGoesBack) {
  ManualClock clock(1'000'000'000);
  TableOptions options = TestTableOptions();
  options.clock = &clock;
  MakeTable({{"delta.enableInCommitTimestamps", "true"}}, options);
  const auto stale = BeginAppend("stale");
  clock.Advance(-500'000'000);
  for (int i = 0; i < 3; i++)
    EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginAppend(fmt::format("g{}", i)))));
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*stale)));
  clock.Advance(2'000'000'000);
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginAppend("last"))));
  std::vector<int64_t> times;
  for (const CommitInfo& info : ReadLog(*store_).infos) {
    ASSERT_TRUE(info.in_commit_timestamp_ms);
    EXPECT_TRUE(info.json.starts_with("{\"inCommitTimestamp\":")) << info.json;
    times.push_back(*info.in_commit_timestamp_ms);
  }
  EXPECT_EQ(times, (std::vector<int64_t>{1'000'000, 1'000'001, 1'000'002, 1'000'003, 1'000'004, 1'000'005, 2'500'000}));
}

TEST_F(TransactionTest, RefusesToFollowTheLastInCommitTimestampThereIs) {
  MakeTable({{"delta.enableInCommitTimestamps", "true"}});
  constexpr std::string_view kLast = R"({"commitInfo":{"inCommitTimestamp":9223372036854775807}})";
  EXPECT_THAT(store_->Put(Context(), CommitPath("t", 2), kLast, store::PutMode::kCreate), IsOk());
  EXPECT_THAT(BeginAppend("f3")->Commit(Context()), IsError(ErrorCode::kCorrupt));
}

TEST_F(TransactionTest, MeasuresTheAgeOfATxnByTheClockOfItsTable) {
  ManualClock clock(1'000'000'000);
  TableOptions options = TestTableOptions();
  options.clock = &clock;
  table_ = Table::Make(store_, "t", options);
  const auto create = table_->BeginCreate(Context(), {"CREATE TABLE", {}}).value();
  create->SetProtocol({});
  create->SetMetadata(TestMetadata({{"delta.setTransactionRetentionDuration", "interval 1 days"}}));
  create->SetTxn({"app", 5, clock.now_millis()});
  EXPECT_EQ(std::get<Committed>(Commit(*create)).snapshot->txn_version("app"), 5);
}

TEST_F(TransactionTest, RecordsWhereInCommitTimestampsBegin) {
  ManualClock clock(1'000'000);  // long before the modification times that the store reports
  TableOptions options = TestTableOptions();
  options.clock = &clock;
  MakeTable({}, options);
  const auto enable = Begin("SET TBLPROPERTIES");
  enable->SetMetadata(TestMetadata({{"delta.enableInCommitTimestamps", "true"}}));
  enable->SetProtocol({.min_reader_version = 1,
                       .min_writer_version = 7,
                       .reader_features = {},
                       .writer_features = std::vector<std::string>{"appendOnly", "invariants", "inCommitTimestamp"}});
  EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginAppend("f3"))));
  const auto before = store_->Head(Context(), CommitPath("t", 2)).value();
  const auto committed = std::get<Committed>(Commit(*enable));
  EXPECT_EQ(committed.version, 3);
  const auto time = ReadLog(*store_).infos[3].in_commit_timestamp_ms;
  ASSERT_TRUE(time);
  EXPECT_GT(*time * 1000, before.modified_micros);
  const StringMap& configuration = committed.snapshot->metadata().configuration;
  EXPECT_EQ(configuration.at("delta.inCommitTimestampEnablementVersion"), "3");
  EXPECT_EQ(configuration.at("delta.inCommitTimestampEnablementTimestamp"), std::to_string(*time));
}

TEST_F(TransactionTest, WritesACheckpointEachIntervalAndAChecksumEachVersionOrWithIt) {
  MakeTable({{"delta.checkpointInterval", "3"}});
  for (int i = 0; i < 3; i++)
    EXPECT_TRUE(std::holds_alternative<Committed>(Commit(*BeginAppend(fmt::format("g{}", i)))));
  std::string names;
  for (const std::string& path : PathsBelow(*store_, "t/_delta_log/")) {
    const std::string name = path.substr(path.find_last_of('/') + 1);
    if (!name.ends_with(".json")) names += (name.starts_with('_') ? name : name.substr(16)) + " ";
  }
  EXPECT_EQ(names, store_->capabilities().is_local
                       ? "0000.crc 0001.crc 0002.crc 0003.checkpoint.parquet 0003.crc 0004.crc _last_checkpoint "
                       : "0003.checkpoint.parquet 0003.crc _last_checkpoint ");
}

TEST_F(TransactionTest, StandsWhenWhatFollowsItCannotBeWritten) {
  const auto faults = std::make_shared<store::FaultStore>(store_);
  table_ = MakeTestTable(faults, TestTableOptions(), {TestAdd("f1", "a")}, {{"delta.checkpointInterval", "1"}});
  for (const auto operation : {store::Operation::kPutCreate, store::Operation::kStartUpload}) {
    faults->Inject(
        {.operation = operation, .path_contains = ".c", .kind = store::FaultKind::kErrorBefore, .times = 1000});
  }
  faults->Inject({.operation = store::Operation::kPutOverwrite, .kind = store::FaultKind::kErrorBefore, .times = 1000});
  EXPECT_EQ(std::get<Committed>(Commit(*BeginAppend("f3"))).version, 2);
  EXPECT_GT(faults->injected(), 0U);
}

TEST_F(TransactionTest, LeavesFollowUpsOutWhenTheBackgroundIsFull) {
  Executor full(1, 0);
  TableOptions options = TestTableOptions();
  options.background = &full;
  MakeTable({}, options);
  EXPECT_EQ(std::get<Committed>(Commit(*BeginAppend("f3"))).version, 2);
  EXPECT_THAT(store_->Head(Context(), ChecksumPath("t", 2)), IsError(ErrorCode::kNotFound));
}

// Appends of many threads: each is acknowledged, and stands in the log once.
void AppendFromThreads(const std::vector<std::shared_ptr<Table>>& tables, int threads, int appends) {
  std::vector<std::jthread> running;
  for (int thread = 0; thread < threads; thread++) {
    running.emplace_back([&, thread] {
      Table& table = *tables[static_cast<size_t>(thread) % tables.size()];
      for (int i = 0; i < appends; i++) {
        auto transaction = table.Begin(Context(), {"WRITE", {}});
        ASSERT_THAT(transaction, IsOk());
        (*transaction)->AddFile(TestAdd(fmt::format("t{}-{}", thread, i), "a"));
        const auto outcome = (*transaction)->Commit(Context());
        ASSERT_THAT(outcome, IsOk());
        ASSERT_TRUE(std::holds_alternative<Committed>(*outcome));
      }
    });
  }
}

void ExpectEachOnce(store::ObjectStore& store, size_t appends) {
  const LogContent log = ReadLog(store);
  EXPECT_EQ(log.versions.size(), appends + 1);
  EXPECT_EQ(log.adds.size(), appends);
  EXPECT_TRUE(std::ranges::all_of(log.adds, [](const auto& entry) { return entry.second == 1; }));
}

TEST_F(TransactionTest, AcknowledgesAllAppendsOfManyThreads) {
  table_ = MakeTestTable(store_, TestTableOptions());
  AppendFromThreads({table_}, 16, 25);
  ExpectEachOnce(*store_, 400);
}

TEST(TransactionOnDisk, AcknowledgesAllAppendsThroughTwoTables) {
  const auto store = store::MakeTemporaryLocalStore();
  const auto first = MakeTestTable(store, TestTableOptions());
  const auto second = Table::Make(store, "t", TestTableOptions());
  AppendFromThreads({first, second}, 16, 25);
  ExpectEachOnce(*store, 400);
}

}  // namespace
}  // namespace yummy::delta
