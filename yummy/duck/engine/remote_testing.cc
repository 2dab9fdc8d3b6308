#include "yummy/duck/engine/remote_testing.h"

#include <arrow/api.h>
#include <fmt/format.h>

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/schema/arrow_schema.h"
#include "yummy/delta/snapshot/snapshot.h"
#include "yummy/duck/engine/database_state.h"
#include "yummy/fetch/read_ahead.h"
#include "yummy/store/memory_store.h"

namespace yummy::duck {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

std::shared_ptr<arrow::Schema> SchemaOf(const TableShape& shape) {
  arrow::FieldVector fields{arrow::field("id", arrow::int64())};
  if (shape.partitions > 0) fields.push_back(arrow::field("p", arrow::int64()));
  for (int i = 0; i < shape.doubles; i++) fields.push_back(arrow::field(fmt::format("d{}", i), arrow::float64()));
  return arrow::schema(fields);
}

bool IsOfTheLog(const store::StoreRequest& request) { return request.path.find("_delta_log") != std::string::npos; }

std::shared_ptr<arrow::Array> Finish(arrow::ArrayBuilder& builder) { return builder.Finish().ValueOrDie(); }

constexpr std::chrono::seconds kPatience{60};

}  // namespace

Context Patient() { return Context().WithDeadline(steady_clock::now() + kPatience); }

std::shared_ptr<arrow::RecordBatch> RowsOf(const TableShape& shape, int64_t file) {
  arrow::ArrayVector arrays;
  arrow::Int64Builder ids;
  arrow::Int64Builder partitions;
  for (int64_t id = file * shape.rows; id < (file + 1) * shape.rows; id++) {
    EXPECT_TRUE(ids.Append(id).ok());
    if (shape.partitions > 0) {
      EXPECT_TRUE(partitions.Append(id % shape.partitions).ok());
    }
  }
  arrays.push_back(Finish(ids));
  if (shape.partitions > 0) arrays.push_back(Finish(partitions));
  uint64_t state = static_cast<uint64_t>(file) + 1;
  for (int i = 0; i < shape.doubles; i++) {
    arrow::DoubleBuilder doubles;
    for (int64_t row = 0; row < shape.rows; row++) {
      state = state * 6364136223846793005U + 1442695040888963407U;  // random numbers do not compress
      EXPECT_TRUE(doubles.Append(static_cast<double>(state >> 11)).ok());
    }
    arrays.push_back(Finish(doubles));
  }
  return arrow::RecordBatch::Make(SchemaOf(shape), shape.rows, arrays);
}

RemoteTest::RemoteTest()
    : faults_(std::make_shared<store::FaultStore>(std::make_shared<store::MemoryStore>(Clock::System()))),
      store_(std::make_shared<store::LatencyStore>(faults_)),
      front_(store_) {
  OpenDatabase();
}

RemoteTest::~RemoteTest() = default;

void RemoteTest::OpenDatabase(DatabaseOptions options) {
  session_.reset();
  Lookup lookup;
  lookup.stores.push_back({.name = "s", .object_store = front_});
  lookup.find_table = [this](const Context&, const std::string&, const std::string&,
                             const std::string& name) -> Result<std::shared_ptr<delta::Table>> {
    const auto found = tables_.find(name);
    if (found == tables_.end())
      return Error(ErrorCode::kNotFound, "no table " + name).WithReason(Reason::kTableNotFound);
    return found->second;
  };
  database_ = MUST(Database::Open(std::move(options), std::move(lookup)));
  session_ = MUST(database_->Connect());
}

std::unique_ptr<delta::Transaction> RemoteTest::Create(const TableShape& shape) {
  tables_[shape.name] = delta::Table::Make(front_, shape.name, {.executor = &executor_});
  auto transaction = MUST(tables_[shape.name]->BeginCreate({}, {"CREATE TABLE", {}}));
  delta::Metadata metadata;
  metadata.id = "00000000-0000-4000-8000-000000000000";
  const auto schema = MUST(delta::FromArrowSchema(*SchemaOf(shape)));
  metadata.schema_string = delta::WriteSchema(schema);
  if (shape.partitions > 0) metadata.partition_columns = {"p"};
  transaction->SetProtocol(MUST(delta::ProtocolForNewTable(schema, {})));
  transaction->SetMetadata(std::move(metadata));
  return transaction;
}

void RemoteTest::MakeTable(const TableShape& shape) {
  store_->SetLatency(milliseconds(0));
  auto transaction = Create(shape);
  for (int64_t file = 0; file < shape.files; file++) {
    auto rows = arrow::RecordBatchReader::Make({RowsOf(shape, file)}).ValueOrDie();
    ASSERT_THAT(session_->Insert(Patient(), *transaction, rows, {}), IsOk());
  }
  MUST(delta::RequireCommitted(MUST(transaction->Commit({}))));
  store_->TakeRequests();
  store_->SetLatency(kLatency);
}

Result<std::vector<std::string>> RemoteTest::Query(const std::string& sql, const Context& context) {
  auto result = TRY(session_->Query(context, sql, {.store = "s"}));
  std::vector<std::string> rows;
  while (auto batch = TRY(result->Next())) {
    for (int64_t row = 0; row < batch->num_rows(); row++) {
      std::string text;
      for (const auto& column : batch->columns()) text += (*column->GetScalar(row))->ToString() + " ";
      rows.push_back(std::move(text));
    }
  }
  return rows;
}

RemoteTest::Cost RemoteTest::Measure(const std::string& sql) {
  store_->TakeRequests();
  auto rows = Query(sql);
  EXPECT_THAT(rows, IsOk()) << sql;
  Cost cost;
  for (const auto& request : store_->TakeRequests()) {
    if (IsOfTheLog(request)) {
      cost.log_requests++;
    } else {
      cost.requests++;
      cost.bytes += request.length;
    }
  }
  if (rows.ok()) cost.rows = *std::move(rows);
  return cost;
}

uint64_t RemoteTest::ReservedBytes() { return database_->state().instance->info().read_ahead->reserved_bytes(); }

void RemoteTest::ExpectNothingLeft() {
  const auto end = steady_clock::now() + kAtOnce;
  while ((store_->in_flight() > 0 || ReservedBytes() > 0) && steady_clock::now() < end) {
    ASSERT_THAT(Context().Sleep(milliseconds(5)), IsOk());
  }
  EXPECT_EQ(store_->in_flight(), 0U);
  EXPECT_EQ(ReservedBytes(), 0U);
}

std::vector<std::string> RemoteTest::DataFiles(const std::string& table) {
  std::vector<std::string> paths;
  for (const auto& object : MUST(faults_->List({}, table + "/", {})).objects) {
    if (object.path.find("_delta_log") == std::string::npos) paths.push_back(object.path);
  }
  return paths;
}

std::string RemoteTest::NthFile(const std::string& table, size_t n) {
  const auto snapshot = MUST(tables_[table]->Current({}));
  const auto file = snapshot->file(snapshot->files()[n]);
  return MUST(delta::ResolveLogPath(*snapshot->object_store(), snapshot->table_path(), file.path));
}

}  // namespace yummy::duck
