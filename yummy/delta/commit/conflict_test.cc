#include "yummy/delta/commit/conflict.h"

#include <algorithm>
#include <array>
#include <functional>

#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/commit/transaction_testing.h"
#include "yummy/delta/protocol/actions_json.h"
#include "yummy/delta/protocol/file_key.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/store/testing.h"

namespace yummy::delta {
namespace {

Scalar Text(std::string text) { return Scalar(Scalar::Storage(std::move(text))); }
Scalar Number(int64_t number) { return Scalar(Scalar::Storage(number)); }
Predicate InPartition(std::string value) {
  return Predicate::Compare({"p"}, CompareOp::kEqual, Text(std::move(value)));
}

Add AddOf(std::string_view name, std::string_view partition, bool data_change = true) {
  return TestAdd(name, partition, data_change);
}

Remove RemoveOf(std::string_view name, std::string_view partition, bool data_change = true) {
  Remove remove;
  remove.path = TestAdd(name, partition).path;
  remove.data_change = data_change;
  remove.extended_file_metadata = true;
  remove.partition_values = PartitionValues{{"p", std::string(partition)}};
  return remove;
}

CommitInfo InfoOf(std::string_view operation, std::optional<bool> is_blind) {
  CommitInfo info;
  info.operation = std::string(operation);
  info.is_blind_append = is_blind;
  return info;
}

std::string KeyOf(std::string_view name, std::string_view partition) {
  return MUST(MakeFileKey(TestAdd(name, partition)));
}

// The base: f1 in partition a, f2 in partition b, ids 0 to 9 in each; readable protocol (1,2).
class ConflictTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto store = store::MakeTestStore();
    const std::vector<Action> actions = {InfoOfCreate(), Protocol{}, TestMetadata(), AddOf("f1", "a"),
                                         AddOf("f2", "b")};
    ASSERT_THAT(store->Put(Context(), CommitPath("t", 0), WriteActions(actions), store::PutMode::kCreate), IsOk());
    auto base = Snapshot::Load(Context(), store, "t", {});
    ASSERT_THAT(base, IsOk());
    base_ = *base;
  }

  static CommitInfo InfoOfCreate() {
    CommitInfo info;
    info.json = R"({"timestamp":1,"operation":"CREATE TABLE"})";
    return info;
  }

  TransactionSummary Summary(IsolationLevel isolation = IsolationLevel::kWriteSerializable) const {
    TransactionSummary summary;
    summary.base = base_.get();
    summary.isolation = isolation;
    return summary;
  }

  ConflictKind ResolveWith(const TransactionSummary& transaction, std::vector<Action> winner) const {
    return Resolve(transaction, {1, std::move(winner)});
  }

  SnapshotRef base_;
};

constexpr std::array kWinners = {"blind_a",   "blind_b",   "append_a",    "append_b",    "delete_f1",
                                 "delete_f2", "overwrite", "optimize_a",  "metadata",    "protocol",
                                 "txn_same",  "txn_other", "domain_same", "domain_other"};

std::vector<Action> Winner(std::string_view name) {
  if (name == "blind_a") return {InfoOf("WRITE", true), AddOf("f8", "a")};
  if (name == "blind_b") return {InfoOf("WRITE", true), AddOf("f8", "b")};
  if (name == "append_a") return {InfoOf("WRITE", false), AddOf("f8", "a")};
  if (name == "append_b") return {InfoOf("WRITE", false), AddOf("f8", "b")};
  if (name == "delete_f1") return {InfoOf("DELETE", false), RemoveOf("f1", "a")};
  if (name == "delete_f2") return {InfoOf("DELETE", false), RemoveOf("f2", "b")};
  if (name == "overwrite") return {InfoOf("WRITE", false), RemoveOf("f1", "a"), RemoveOf("f2", "b"), AddOf("f9", "b")};
  if (name == "optimize_a") return {InfoOf("OPTIMIZE", false), RemoveOf("f1", "a", false), AddOf("f7", "a", false)};
  if (name == "metadata") return {InfoOf("SET TBLPROPERTIES", true), TestMetadata({{"k", "v"}})};
  if (name == "protocol")
    return {InfoOf("UPGRADE PROTOCOL", true), Protocol{.min_reader_version = 1, .min_writer_version = 2}};
  if (name == "txn_same") return {InfoOf("STREAMING UPDATE", true), Txn{"app", 5, {}}};
  if (name == "txn_other") return {InfoOf("STREAMING UPDATE", true), Txn{"other", 5, {}}};
  if (name == "domain_same") return {InfoOf("WRITE", true), DomainMetadata{"d", "{}", false}};
  return {InfoOf("WRITE", true), DomainMetadata{"e", "{}", true}};
}

void ReadsAll(TransactionSummary& summary) { summary.read_whole_table = true; }
void ReadsA(TransactionSummary& summary) { summary.read_predicates = {InPartition("a")}; }
void DeletesF1(TransactionSummary& summary) {
  ReadsA(summary);
  summary.removed_keys = {KeyOf("f1", "a")};
  summary.only_adds = false;
}
void Overwrites(TransactionSummary& summary) {
  ReadsAll(summary);
  summary.removed_keys = {KeyOf("f1", "a"), KeyOf("f2", "b")};
  summary.only_adds = false;
}
void ChangesMetadata(TransactionSummary& summary) {
  summary.changes_data = false;
  summary.changes_metadata = true;
}
void ChangesMetadataAfterRead(TransactionSummary& summary) {
  ChangesMetadata(summary);
  ReadsAll(summary);
}
void ChangesProtocol(TransactionSummary& summary) {
  summary.changes_data = false;
  summary.changes_protocol = true;
}
void OptimizesA(TransactionSummary& summary) {
  DeletesF1(summary);
  summary.changes_data = false;
}
void AddsF1Anew(TransactionSummary& summary) {
  summary.removed_keys = {KeyOf("f1", "a")};
  summary.changes_data = false;
}

char Letter(ConflictKind kind) {
  switch (kind) {
    case ConflictKind::kNone: return '.';
    case ConflictKind::kProtocolChanged: return 'P';
    case ConflictKind::kMetadataChanged: return 'M';
    case ConflictKind::kConcurrentAppend: return 'A';
    case ConflictKind::kConcurrentDeleteRead: return 'R';
    case ConflictKind::kConcurrentDeleteDelete: return 'D';
    case ConflictKind::kConcurrentTransaction: return 'T';
    case ConflictKind::kConcurrentDomain: return 'O';
  }
  return '?';
}

struct MatrixRow {
  std::string_view name;
  std::function<void(TransactionSummary&)> make;
  std::string_view write_serializable;  // a letter for each of kWinners
  std::string_view serializable;
};

TEST_F(ConflictTest, ResolvesEachPairAsTheProtocolAndSparkHaveIt) {
  const std::vector<MatrixRow> rows = {
      {"blind append", [](TransactionSummary&) {}, "........M.....", "........M....."},
      {"append after reading all", ReadsAll, "..AARRA.M.....", "AAAARRA.M....."},
      {"append after reading a", ReadsA, "..A.R.R.M.....", "A.A.R.R.M....."},
      {"delete f1", DeletesF1, "..A.R.RDM.....", "A.A.R.RDM....."},
      {"overwrite", Overwrites, "..AARRADM.....", "AAAARRADM....."},
      {"metadata", ChangesMetadata, "........MP....", "........MP...."},
      {"metadata after reading all", ChangesMetadataAfterRead, "AAAARRA.MP....", "AAAARRA.MP...."},
      {"protocol", ChangesProtocol, "........MP....", "........MP...."},
      {"txn", [](TransactionSummary& s) { s.read_app_ids = {"app"}; }, "........M.T...", "........M.T..."},
      {"domain", [](TransactionSummary& s) { s.domains = {"d"}; }, "........M...O.", "........M...O."},
      {"optimize a", OptimizesA, "....R.RDM.....", "....R.RDM....."},
      {"statistics of f1", AddsF1Anew, "....D.DDM.....", "....D.DDM....."},
  };
  for (const MatrixRow& row : rows) {
    for (const auto isolation : {IsolationLevel::kWriteSerializable, IsolationLevel::kSerializable}) {
      TransactionSummary summary = Summary(isolation);
      row.make(summary);
      std::string found;
      for (const char* winner : kWinners) found += Letter(ResolveWith(summary, Winner(winner)));
      EXPECT_EQ(found, isolation == IsolationLevel::kSerializable ? row.serializable : row.write_serializable)
          << row.name;
    }
  }
}

TEST_F(ConflictTest, TakesACommitThatDoesNotSayForNoBlindAppend) {
  TransactionSummary summary = Summary();
  ReadsAll(summary);
  EXPECT_EQ(ResolveWith(summary, {AddOf("f8", "a")}), ConflictKind::kConcurrentAppend);
  EXPECT_EQ(ResolveWith(summary, {InfoOf("WRITE", std::nullopt), AddOf("f8", "a")}), ConflictKind::kConcurrentAppend);
}

TEST_F(ConflictTest, FollowsAMetadataActionThatChangesNothing) {
  EXPECT_EQ(ResolveWith(Summary(), {TestMetadata()}), ConflictKind::kNone);
  TransactionSummary alter = Summary();
  ChangesMetadata(alter);
  EXPECT_EQ(ResolveWith(alter, {TestMetadata()}), ConflictKind::kMetadataChanged);
}

TEST_F(ConflictTest, RefusesAProtocolThatCannotBeWritten) {
  const Protocol unknown{.min_reader_version = 1,
                         .min_writer_version = 7,
                         .reader_features = {},
                         .writer_features = std::vector<std::string>{"appendOnly", "invariants", "noSuchFeature"}};
  EXPECT_EQ(ResolveWith(Summary(), {unknown}), ConflictKind::kProtocolChanged);
}

TEST_F(ConflictTest, RefusesAProtocolThatDropsAFeature) {
  const Protocol fewer{.min_reader_version = 1,
                       .min_writer_version = 7,
                       .reader_features = {},
                       .writer_features = std::vector<std::string>{"invariants"}};
  EXPECT_EQ(ResolveWith(Summary(), {fewer}), ConflictKind::kProtocolChanged);
}

TEST_F(ConflictTest, DecidesRemovedFilesOfTheBaseByTheirStatistics) {
  TransactionSummary summary = Summary();
  summary.read_predicates = {Predicate::Compare({"id"}, CompareOp::kGreater, Number(100))};
  EXPECT_EQ(ResolveWith(summary, {RemoveOf("f1", "a")}), ConflictKind::kNone);
  summary.read_predicates = {Predicate::Compare({"id"}, CompareOp::kGreater, Number(5))};
  EXPECT_EQ(ResolveWith(summary, {RemoveOf("f1", "a")}), ConflictKind::kConcurrentDeleteRead);
}

TEST_F(ConflictTest, DecidesRemovedFilesOutsideTheBaseByTheirPartition) {
  TransactionSummary summary = Summary();
  ReadsA(summary);
  EXPECT_EQ(ResolveWith(summary, {RemoveOf("later", "b")}), ConflictKind::kNone);
  EXPECT_EQ(ResolveWith(summary, {RemoveOf("later", "a")}), ConflictKind::kConcurrentDeleteRead);
  Remove bare = RemoveOf("later", "b");
  bare.partition_values.reset();
  EXPECT_EQ(ResolveWith(summary, {bare}), ConflictKind::kConcurrentDeleteRead);
}

TEST_F(ConflictTest, ComparesPathsDecoded) {
  TransactionSummary summary = Summary();
  summary.removed_keys = {MUST(MakeFileKey("p=x%20y/f", nullptr))};
  summary.only_adds = false;
  Remove same = RemoveOf("f", "x y");
  same.path = "p=x%20y/%66";
  EXPECT_EQ(ResolveWith(summary, {same}), ConflictKind::kConcurrentDeleteDelete);
  same.path = "p=x%20y/ff";
  EXPECT_EQ(ResolveWith(summary, {same}), ConflictKind::kNone);
}

TEST_F(ConflictTest, ReadsANullPartitionAsNull) {
  TransactionSummary summary = Summary();
  summary.read_predicates = {Predicate::IsNull({"p"})};
  Add null_file = AddOf("f8", "a");
  null_file.partition_values = {{"p", std::nullopt}};
  EXPECT_EQ(ResolveWith(summary, {InfoOf("WRITE", false), null_file}), ConflictKind::kConcurrentAppend);
  EXPECT_EQ(ResolveWith(summary, {InfoOf("WRITE", false), AddOf("f8", "a")}), ConflictKind::kNone);
}

TEST_F(ConflictTest, CannotFollowAnyoneWithoutABase) {
  TransactionSummary summary;
  EXPECT_NE(ResolveWith(summary, {AddOf("f8", "a")}), ConflictKind::kNone);
}

TEST(ConflictError, NamesTheWinner) {
  const Error error = ConflictError(ConflictKind::kConcurrentAppend, {7, {InfoOf("MERGE", false)}});
  EXPECT_EQ(error.code(), ErrorCode::kConflict);
  EXPECT_EQ(error.reason_name(), "CONCURRENT_MODIFICATION");
  EXPECT_EQ(error.detail("current_version"), "7");
  EXPECT_EQ(error.detail("winner"), "MERGE");
  EXPECT_EQ(ConflictError(ConflictKind::kMetadataChanged, {7, {}}).reason_name(), "METADATA_CHANGED");
  EXPECT_EQ(ConflictError(ConflictKind::kProtocolChanged, {7, {}}).reason_name(), "PROTOCOL_CHANGED");
}

}  // namespace
}  // namespace yummy::delta
