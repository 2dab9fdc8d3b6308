// What the deletion vectors of a table that is far away cost a scan.

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/files/deletion_vector.h"
#include "yummy/delta/files/deletion_vector_testing.h"
#include "yummy/duck/engine/remote_testing.h"

namespace yummy::duck {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A table of which each file has a vector that deletes one of its rows: the first file its first one, and so on.
class RemoteVectors : public RemoteTest {
 protected:
  void MakeTableWithVectors(const TableShape& shape, bool in_one_file) {
    MakeTable(shape);
    std::string vectors = "\x01";
    std::string commit =
        R"({"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["deletionVectors"],)"
        R"("writerFeatures":["deletionVectors"]}})"
        "\n";
    uint16_t number = 0;
    for (const auto& object : MUST(faults_->List({}, shape.name + "/", {})).objects) {
      if (!object.path.ends_with(".parquet")) continue;
      const std::string path = object.path.substr(shape.name.size() + 1);
      const std::string payload = delta::VectorPayload({static_cast<uint64_t>(number % shape.rows)});
      const std::string uuid = delta::Little(in_one_file ? 0 : number, 2) + std::string(14, '\0');
      if (!in_one_file) vectors = "\x01";
      const size_t offset = vectors.size();
      vectors += delta::VectorInFile(payload);
      const std::string name = fmt::format("{:02x}{:02x}0000-0000-0000-0000-000000000000", uuid[0], uuid[1]);
      MUST(faults_->Put({}, fmt::format("{}/deletion_vector_{}.bin", shape.name, name), vectors,
                        store::PutMode::kOverwrite));
      commit += fmt::format(R"({{"remove":{{"path":"{}","deletionTimestamp":1,"dataChange":true}}}})"
                            "\n"
                            R"({{"add":{{"path":"{}","partitionValues":{{}},"size":{},"modificationTime":1,)"
                            R"("dataChange":true,"stats":"{{\"numRecords\":{}}}","deletionVector":{{"storageType":"u",)"
                            R"("pathOrInlineDv":"{}","offset":{},"sizeInBytes":{},"cardinality":1}}}}}})",
                            path, path, object.size_bytes, shape.rows, delta::Z85Encode(uuid), offset, payload.size());
      commit += "\n";
      number++;
    }
    MUST(faults_->Put({}, shape.name + "/_delta_log/00000000000000000001.json", commit, store::PutMode::kCreate));
    ASSERT_THAT(Query("SELECT count(*) FROM " + shape.name), IsOk());  // opens the table
  }

  struct VectorCost {
    Cost cost;
    milliseconds time{0};
  };
  VectorCost MeasureTime(const std::string& sql) {
    const auto begin = steady_clock::now();
    VectorCost measured{.cost = Measure(sql)};
    measured.time = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
    return measured;
  }
};

TEST_F(RemoteVectors, OfOneFileAreReadByOneRequest) {
  MakeTableWithVectors({.files = 40}, true);
  const auto [cost, time] = MeasureTime("SELECT count(d0) FROM t");
  EXPECT_EQ(cost.rows, std::vector<std::string>{"3960 "});
  EXPECT_EQ(cost.requests, 40U + 1);
  EXPECT_LT(time, 20 * kLatency);  // one after the other they take more than 40
  EXPECT_EQ(Measure("SELECT count(d0) FROM t").requests, 0U);
  ExpectNothingLeft();
}

TEST_F(RemoteVectors, OfFilesOfTheirOwnAreReadAtOnce) {
  MakeTableWithVectors({.files = 40}, false);
  const auto [cost, time] = MeasureTime("SELECT count(d0) FROM t");
  EXPECT_EQ(cost.rows, std::vector<std::string>{"3960 "});
  EXPECT_EQ(cost.requests, 40U + 40);
  EXPECT_LT(time, 20 * kLatency);  // one after the other they take more than 40
  ExpectNothingLeft();
}

TEST_F(RemoteVectors, AreReadOnceByScansAtTheSameTime) {
  MakeTableWithVectors({.files = 40}, true);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([this] {
      const auto session = MUST(database_->Connect());
      auto result = MUST(session->Query({}, "SELECT count(d0) FROM t", {.store = "s"}));
      EXPECT_EQ((*MUST(result->Next())->column(0)->GetScalar(0))->ToString(), "3960");
    });
  }
  threads.clear();
  size_t requests = 0;
  for (const auto& request : store_->TakeRequests()) requests += request.path.ends_with(".bin") ? 1 : 0;
  EXPECT_EQ(requests, 1U);
  ExpectNothingLeft();
}

TEST_F(RemoteVectors, EndWithTheirQueryWhenTheStoreHangs) {
  MakeTableWithVectors({.files = 40}, false);
  store_->Hang(".bin");
  const auto begin = steady_clock::now();
  EXPECT_THAT(Query("SELECT sum(d0) FROM t", Context(begin + milliseconds(300), {}, "test")),
              IsError(ErrorCode::kDeadlineExceeded));
  EXPECT_LT(steady_clock::now() - begin, milliseconds(2300));
  ExpectNothingLeft();
  store_->Hang("");
  EXPECT_EQ(MUST(Query("SELECT count(d0) FROM t")), std::vector<std::string>{"3960 "});
}

TEST_F(RemoteVectors, AreRefusedWhenTheyAreMissingOrDamaged) {
  MakeTableWithVectors({.files = 40}, true);
  const std::string path = "t/deletion_vector_00000000-0000-0000-0000-000000000000.bin";
  std::string bytes = MUST(faults_->Get({}, path));
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  MUST(faults_->Put({}, path, bytes, store::PutMode::kOverwrite));
  const auto damaged = Query("SELECT count(d0) FROM t");
  ASSERT_THAT(damaged, IsError(ErrorCode::kCorrupt));
  EXPECT_EQ(damaged.error().reason_name(), "CORRUPT_DELETION_VECTOR");
  EXPECT_THAT(faults_->Delete({}, std::span(&path, 1)).front(), IsOk());
  OpenDatabase();
  const auto missing = Query("SELECT count(d0) FROM t");
  ASSERT_THAT(missing, IsError(ErrorCode::kNotFound));
  EXPECT_EQ(missing.error().reason_name(), "MISSING_FILE");
  ExpectNothingLeft();
}

}  // namespace
}  // namespace yummy::duck
