#include "yummy/duck/change/insert_batches.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/json/from_string.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/schema.h>

#include "yummy/base/executor.h"
#include "yummy/base/testing.h"
#include "yummy/delta/commit/table.h"
#include "yummy/delta/protocol/features.h"
#include "yummy/delta/protocol/path.h"
#include "yummy/delta/schema/arrow_schema.h"
#include "yummy/duck/border/error.h"
#include "yummy/duck/engine/instance.h"
#include "yummy/duck/file/file_system.h"
#include "yummy/duck/state/request_state.h"
#include "yummy/store/fault_store.h"
#include "yummy/store/memory_store.h"

namespace yummy::duck {
namespace {

using delta::TypeKind;
using Columns = std::vector<std::pair<std::shared_ptr<arrow::Field>, std::string>>;

delta::Field Column(std::string name, TypeKind kind, bool nullable = true) {
  delta::Field field;
  field.name = std::move(name);
  field.type.kind = kind;
  field.nullable = nullable;
  return field;
}

delta::Schema SchemaOf(const arrow::Schema& schema) { return MUST(delta::FromArrowSchema(schema)); }

/// Columns of values as JSON.
std::shared_ptr<arrow::RecordBatch> Batch(const Columns& columns) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& [field, json] : columns) {
    fields.push_back(field);
    arrays.push_back(arrow::json::ArrayFromJSONString(field->type(), json).ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), arrays.empty() ? 0 : arrays[0]->length(), arrays);
}

std::shared_ptr<arrow::RecordBatchReader> Reader(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  return arrow::RecordBatchReader::Make(batches, batches.front()->schema()).ValueOrDie();
}

/// A DuckDB with our file system over a store of memory, without a catalogue: the writer alone.
class InsertTest : public ::testing::Test {
 protected:
  InsertTest() : store_(std::make_shared<store::FaultStore>(std::make_shared<store::MemoryStore>(Clock::System()))) {
    auto lookup = std::make_shared<Lookup>();
    lookup->stores.push_back({.name = "s", .object_store = store_});
    info_.lookup = lookup;
    info_.refused_files = std::make_shared<RefusedFiles>();
    database_.instance->GetFileSystem().RegisterSubSystem(duckdb::make_uniq<ObjectStoreFileSystem>(info_));
    delta::TableOptions options;
    options.executor = &executor_;
    table_ = delta::Table::Make(store_, "t", options);
  }

  std::unique_ptr<delta::Transaction> Begin(const delta::Schema& schema,
                                            std::vector<std::string> partition_columns = {},
                                            delta::StringMap configuration = {}) {
    auto transaction = MUST(table_->BeginCreate(context_, {"CREATE TABLE", {}}));
    delta::Metadata metadata;
    metadata.id = "00000000-0000-4000-8000-000000000000";
    metadata.schema_string = delta::WriteSchema(schema);
    metadata.partition_columns = std::move(partition_columns);
    transaction->SetProtocol(MUST(delta::ProtocolForNewTable(schema, configuration)));
    metadata.configuration = std::move(configuration);
    transaction->SetMetadata(std::move(metadata));
    return transaction;
  }

  Result<ChangeReport> Insert(delta::Transaction& transaction, std::shared_ptr<arrow::RecordBatchReader> rows,
                              const Context& context = {}) {
    auto& request = RequestOf(*connection_.context);
    request.Start(context, {});
    auto report = CatchErrors([&] { return InsertRows(connection_, transaction, 0, std::move(rows), {}); });
    request.Finish();
    return report;
  }

  delta::SnapshotRef Commit(delta::Transaction& transaction) {
    return MUST(delta::RequireCommitted(MUST(transaction.Commit(context_)))).snapshot;
  }

  std::string BytesOf(const delta::Add& add) {
    return MUST(store_->Get(context_, MUST(delta::ResolveLogPath(*store_, "t", add.path))));
  }

  std::shared_ptr<arrow::Table> Read(const delta::Add& add) {
    auto file = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(BytesOf(add)));
    auto reader = parquet::arrow::OpenFile(file, arrow::default_memory_pool()).ValueOrDie();
    return reader->ReadTable().ValueOrDie();
  }

  std::vector<std::string> Objects() {
    std::vector<std::string> paths;
    for (const auto& object : MUST(store_->List(context_, "t/", {})).objects) paths.push_back(object.path);
    return paths;
  }

  Context context_;
  Executor executor_{2, 1000};
  std::shared_ptr<store::FaultStore> store_;  // shared: with the lookup and the table
  InstanceInfo info_;
  duckdb::DuckDB database_{nullptr};
  duckdb::Connection connection_{database_};
  std::shared_ptr<delta::Table> table_;
};

Columns AllTypes() {
  const auto utc = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return {
      {arrow::field("flag", arrow::boolean()), "[true, null, false]"},
      {arrow::field("tiny", arrow::int8()), "[-128, null, 127]"},
      {arrow::field("small", arrow::int16()), "[-32768, null, 32767]"},
      {arrow::field("medium", arrow::int32()), "[-2147483648, null, 2147483647]"},
      {arrow::field("large", arrow::int64()), "[-9223372036854775808, null, 9223372036854775807]"},
      {arrow::field("single", arrow::float32()), "[-1.5, null, 2.25]"},
      {arrow::field("double", arrow::float64()), "[-1e300, null, 0.1]"},
      {arrow::field("money", arrow::decimal128(10, 2)), R"(["-12.34", null, "99999999.99"])"},
      {arrow::field("huge", arrow::decimal128(38, 10)),
       R"(["-1234567890123456789012345678.0123456789", null, "0.0000000001"])"},
      {arrow::field("text", arrow::utf8()), R"(["zürich", null, ""])"},
      {arrow::field("raw", arrow::binary()), R"(["abc", null, ""])"},
      {arrow::field("day", arrow::date32()), "[-1, null, 20000]"},
      {arrow::field("moment", utc), R"(["2024-01-02 03:04:05.000006", null, "1969-12-31 23:59:59.999999"])"},
      {arrow::field("local", arrow::timestamp(arrow::TimeUnit::MICRO)),
       R"(["2024-01-02 03:04:05.000006", null, "0001-01-01 00:00:00"])"},
      {arrow::field("point", arrow::struct_({arrow::field("x", arrow::int64()), arrow::field("y", arrow::utf8())})),
       R"([{"x": 1, "y": "a"}, null, {"x": null, "y": "b"}])"},
      {arrow::field("list", arrow::list(arrow::field("element", arrow::int32()))), "[[1, null, 3], null, []]"},
      {arrow::field("map", arrow::map(arrow::utf8(), arrow::int64())), R"([[["k", 1], ["l", null]], null, []])"},
  };
}

TEST_F(InsertTest, WritesEveryTypeAsItWas) {
  const auto batch = Batch(AllTypes());
  auto transaction = Begin(SchemaOf(*batch->schema()));
  const auto report = Insert(*transaction, Reader({batch}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->inserted, 3);
  EXPECT_EQ(report->files, 1);
  const auto snapshot = Commit(*transaction);
  const auto add = snapshot->add(snapshot->files().at(0));
  EXPECT_EQ(add.size_bytes, static_cast<int64_t>(BytesOf(add).size()));
  EXPECT_EQ(add.size_bytes, report->size_bytes);
  const auto table = Read(add);
  ASSERT_EQ(table->num_columns(), batch->num_columns());
  for (int i = 0; i < batch->num_columns(); i++) {
    EXPECT_EQ(table->field(i)->name(), batch->schema()->field(i)->name());
    const auto chunk = table->column(i)->chunk(0);
    EXPECT_TRUE(chunk->Equals(*batch->column(i))) << batch->schema()->field(i)->ToString() << chunk->ToString();
  }
}

TEST_F(InsertTest, GivesTimestampsTheirMeaningInTheParquetSchema) {
  const auto batch = Batch(AllTypes());
  auto transaction = Begin(SchemaOf(*batch->schema()));
  ASSERT_THAT(Insert(*transaction, Reader({batch})), IsOk());
  const auto snapshot = Commit(*transaction);
  const auto bytes = BytesOf(snapshot->add(snapshot->files().at(0)));
  const auto reader =
      parquet::ParquetFileReader::Open(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)));
  std::map<std::string, std::string> types;
  const auto* schema = reader->metadata()->schema();
  for (int i = 0; i < schema->num_columns(); i++) {
    types[schema->Column(i)->path()->ToDotString()] = schema->Column(i)->logical_type()->ToString();
    EXPECT_GT(schema->Column(i)->max_definition_level(), 0) << schema->Column(i)->name();
  }
  EXPECT_NE(types.at("moment").find("isAdjustedToUTC=true, timeUnit=microseconds"), std::string::npos)
      << types.at("moment");
  EXPECT_NE(types.at("local").find("isAdjustedToUTC=false, timeUnit=microseconds"), std::string::npos)
      << types.at("local");
  EXPECT_TRUE(types.contains("list.list.element"));
  EXPECT_TRUE(types.contains("map.key_value.key"));
  EXPECT_EQ(types.at("text"), "String");
  EXPECT_EQ(types.at("raw"), "None");
}

TEST_F(InsertTest, CollectsStatisticsThatAgreeWithTheRows) {
  const auto batch = Batch(AllTypes());
  auto transaction = Begin(SchemaOf(*batch->schema()));
  ASSERT_THAT(Insert(*transaction, Reader({batch})), IsOk());
  const auto snapshot = Commit(*transaction);
  const auto file = snapshot->files().at(0);
  EXPECT_EQ(snapshot->file(file).num_records, 3);
  const auto text = snapshot->Facts(file, {"text"});
  ASSERT_TRUE(text && text->min && text->max);
  EXPECT_EQ(text->min->get<std::string>(), "");
  EXPECT_EQ(text->max->get<std::string>(), "zürich");
  const auto x = snapshot->Facts(file, {"point", "x"});
  ASSERT_TRUE(x && x->min);
  EXPECT_EQ(x->min->get<int64_t>(), 1);
  const auto stats = snapshot->add(file).stats.value_or("");
  EXPECT_NE(stats.find(R"("huge":-1234567890123456789012345678.0123456789)"), std::string::npos) << stats;
  EXPECT_NE(stats.find(R"("point":{"x":2,"y":1})"), std::string::npos) << stats;
  EXPECT_NE(stats.find(R"("flag":1)"), std::string::npos) << stats;
}

TEST_F(InsertTest, LeavesBoundsOutWhenAnEarlierRowGroupHasNaN) {
  // More than one row group; only the first has a NaN.
  arrow::DoubleBuilder builder;
  for (int i = 0; i < 200000; i++) ASSERT_TRUE(builder.Append(i == 7 ? std::nan("") : i).ok());
  const auto field = arrow::field("x", arrow::float64());
  const auto batch = arrow::RecordBatch::Make(arrow::schema({field}), 200000, {builder.Finish().ValueOrDie()});
  auto transaction = Begin({Column("x", TypeKind::kDouble)});
  ASSERT_THAT(Insert(*transaction, Reader({batch})), IsOk());
  const auto snapshot = Commit(*transaction);
  const auto facts = snapshot->Facts(snapshot->files().at(0), {"x"});
  EXPECT_TRUE(!facts || (!facts->min && !facts->max));
  EXPECT_EQ(snapshot->file(snapshot->files().at(0)).num_records, 200000);
}

TEST_F(InsertTest, KeepsHostilePartitionValuesApart) {
  const std::string values = R"(["it's", "a/b", "100%", "ü", "", null, "x=y", " ", "..", "a\"b"])";
  const auto batch = Batch(
      {{arrow::field("p", arrow::utf8()), values}, {arrow::field("id", arrow::int64()), "[0,1,2,3,4,5,6,7,8,9]"}});
  auto transaction = Begin(SchemaOf(*batch->schema()), {"p"});
  const auto report = Insert(*transaction, Reader({batch}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->files, 9);  // empty and null are one
  const auto snapshot = Commit(*transaction);
  std::map<std::optional<std::string>, int64_t> rows;
  for (const auto file : snapshot->files()) {
    const auto add = snapshot->add(file);
    ASSERT_EQ(add.partition_values.size(), 1u);
    rows[add.partition_values[0].second] += Read(add)->num_rows();
    EXPECT_EQ(Read(add)->num_columns(), 1);
  }
  EXPECT_EQ(rows.at(std::nullopt), 2);
  for (const char* value : {"it's", "a/b", "100%", "ü", "x=y", " ", "..", "a\"b"}) EXPECT_EQ(rows[value], 1) << value;
}

TEST_F(InsertTest, FormatsTypedPartitionValues) {
  const auto batch = Batch(
      {{arrow::field("d", arrow::date32()), "[0, null]"},
       {arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")), R"(["2024-01-02 03:04:05.000006", null])"},
       {arrow::field("x", arrow::float64()), "[NaN, null]"},
       {arrow::field("m", arrow::decimal128(10, 2)), R"(["1.50", null])"},
       {arrow::field("b", arrow::boolean()), "[true, null]"},
       {arrow::field("id", arrow::int64()), "[1, 2]"}});
  auto transaction = Begin(SchemaOf(*batch->schema()), {"d", "t", "x", "m", "b"});
  ASSERT_THAT(Insert(*transaction, Reader({batch})), IsOk());
  const auto snapshot = Commit(*transaction);
  std::set<delta::PartitionValues> found;
  for (const auto file : snapshot->files()) {
    auto values = snapshot->add(file).partition_values;
    std::sort(values.begin(), values.end());
    found.insert(values);
  }
  using std::nullopt;
  EXPECT_EQ(found,
            (std::set<delta::PartitionValues>{
                {{"b", "true"}, {"d", "1970-01-01"}, {"m", "1.50"}, {"t", "2024-01-02T03:04:05.000006Z"}, {"x", "NaN"}},
                {{"b", nullopt}, {"d", nullopt}, {"m", nullopt}, {"t", nullopt}, {"x", nullopt}}}));
}

TEST_F(InsertTest, WritesOneFileForEachOfFiveHundredPartitions) {
  arrow::Int64Builder ids;
  for (int64_t i = 0; i < 5000; i++) ASSERT_TRUE(ids.Append(i % 500).ok());
  const auto array = ids.Finish().ValueOrDie();
  const auto schema = arrow::schema({arrow::field("p", arrow::int64()), arrow::field("v", arrow::int64())});
  auto transaction = Begin(SchemaOf(*schema), {"p"});
  const auto report = Insert(*transaction, Reader({arrow::RecordBatch::Make(schema, 5000, {array, array})}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->files, 500);
  const auto snapshot = Commit(*transaction);
  EXPECT_EQ(snapshot->row_count(), 5000);
  for (const auto file : snapshot->files()) {
    const auto value = MUST(snapshot->partition_value(file, 0)).get<int64_t>();
    EXPECT_EQ(snapshot->Facts(file, {"v"})->min->get<int64_t>(), value);
    EXPECT_EQ(snapshot->Facts(file, {"v"})->max->get<int64_t>(), value);
  }
}

TEST_F(InsertTest, WritesNoFileForNoRows) {
  const auto batch = Batch({{arrow::field("id", arrow::int64()), "[]"}});
  auto transaction = Begin(SchemaOf(*batch->schema()));
  const auto report = Insert(*transaction, Reader({batch}));
  ASSERT_THAT(report, IsOk());
  EXPECT_EQ(report->inserted, 0);
  EXPECT_EQ(report->files, 0);
  EXPECT_TRUE(Objects().empty());
}

TEST_F(InsertTest, LeavesNothingBehindWhenTheStoreFails) {
  for (const auto operation :
       {store::Operation::kUploadWrite, store::Operation::kUploadFinish, store::Operation::kStartUpload}) {
    store_->Inject({.operation = operation,
                    .path_contains = ".parquet",
                    .kind = store::FaultKind::kErrorBefore,
                    .times = 1,
                    .skip = 2});
    const auto batch = Batch({{arrow::field("p", arrow::int64()), "[1, 2, 3, 4, 5, 6, 7, 8]"},
                              {arrow::field("id", arrow::int64()), "[1, 2, 3, 4, 5, 6, 7, 8]"}});
    auto transaction = Begin(SchemaOf(*batch->schema()), {"p"});
    EXPECT_THAT(Insert(*transaction, Reader({batch})), IsError(ErrorCode::kUnavailable));
    transaction.reset();
    EXPECT_TRUE(Objects().empty());
    store_->Heal();
  }
}

TEST_F(InsertTest, StopsWhenTheRequestIsCancelled) {
  std::stop_source stop;
  stop.request_stop();
  const auto batch = Batch({{arrow::field("id", arrow::int64()), "[1]"}});
  auto transaction = Begin(SchemaOf(*batch->schema()));
  EXPECT_THAT(Insert(*transaction, Reader({batch}), Context(Context::Time::max(), stop.get_token(), "r")),
              IsError(ErrorCode::kCancelled));
}

struct Refusal {
  const char* name;
  delta::Field column;
  std::shared_ptr<arrow::Field> field;
  const char* values;
  const char* reason;
  const char* row;
  const char* path;
};

delta::DataType Struct(std::vector<delta::Field> fields) {
  delta::DataType type;
  type.kind = TypeKind::kStruct;
  type.fields = std::move(fields);
  return type;
}

std::vector<Refusal> Refusals() {
  auto inner = Column("c", TypeKind::kStruct);
  inner.type = Struct({Column("x", TypeKind::kLong, false)});
  auto list = Column("c", TypeKind::kArray);
  list.type.children = {Column("", TypeKind::kLong).type};
  list.type.contains_null = false;
  auto map = Column("c", TypeKind::kMap);
  map.type.children = {Column("", TypeKind::kString).type, Column("", TypeKind::kLong).type};
  map.type.contains_null = false;
  const auto structs = arrow::struct_({arrow::field("x", arrow::int64())});
  const auto nanos = arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
  const auto micros = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  auto times = Column("c", TypeKind::kArray);
  times.type.children = {Column("", TypeKind::kTimestamp).type};
  return {
      {"null", Column("c", TypeKind::kLong, false), arrow::field("c", arrow::int64()), "[1, null]", "SCHEMA_MISMATCH",
       "1", "c"},
      {"null in a struct", inner, arrow::field("c", structs), R"([null, {"x": 1}, {"x": null}])", "SCHEMA_MISMATCH",
       "2", "c.x"},
      {"null in a list", list, arrow::field("c", arrow::list(arrow::int64())), "[[1], null, [], [2, null]]",
       "SCHEMA_MISMATCH", "3", "c.element"},
      {"null in a map", map, arrow::field("c", arrow::map(arrow::utf8(), arrow::int64())),
       R"([[["a", 1]], [["a", null]]])", "SCHEMA_MISMATCH", "1", "c.value"},
      {"fraction", Column("c", TypeKind::kLong), arrow::field("c", arrow::float64()), "[1, 2.5]", "TYPE_MISMATCH", "1",
       "c"},
      {"too large", Column("c", TypeKind::kByte), arrow::field("c", arrow::int64()), "[1, 2, 128]",
       "VALUE_OUT_OF_RANGE", "2", "c"},
      {"nanoseconds", Column("c", TypeKind::kTimestamp), arrow::field("c", nanos), "[1000, 1001]", "TYPE_MISMATCH", "1",
       "c"},
      {"nanoseconds without a zone", Column("c", TypeKind::kTimestampNtz),
       arrow::field("c", arrow::timestamp(arrow::TimeUnit::NANO)), "[1000, 1001]", "TYPE_MISMATCH", "1", "c"},
      {"a zone", Column("c", TypeKind::kTimestampNtz), arrow::field("c", micros), "[0]", "TYPE_MISMATCH", "", "c"},
      {"after 9999", Column("c", TypeKind::kDate), arrow::field("c", arrow::date32()), "[2932896, 2932897]",
       "VALUE_OUT_OF_RANGE", "1", "c"},
      {"before 0001", Column("c", TypeKind::kTimestamp), arrow::field("c", micros),
       "[-62135596800000000, -62135596800000001]", "VALUE_OUT_OF_RANGE", "1", "c"},
      {"before 0001 within", times, arrow::field("c", arrow::list(micros)), "[null, [0, -62135596800000001]]",
       "VALUE_OUT_OF_RANGE", "1", "c.element"},
      {"text", Column("c", TypeKind::kLong), arrow::field("c", arrow::utf8()), R"(["1"])", "TYPE_MISMATCH", "", "c"},
      {"unknown", Column("c", TypeKind::kLong), arrow::field("d", arrow::int64()), "[1]", "SCHEMA_MISMATCH", "", "d"},
  };
}

TEST_F(InsertTest, RefusesRowsThatDoNotFitAndNamesThem) {
  for (const auto& refusal : Refusals()) {
    auto transaction = Begin({refusal.column});
    const auto report = Insert(*transaction, Reader({Batch({{refusal.field, refusal.values}})}));
    ASSERT_THAT(report, IsError(ErrorCode::kInvalidArgument)) << refusal.name;
    EXPECT_EQ(report.error().reason_name(), refusal.reason) << refusal.name;
    EXPECT_EQ(report.error().detail("row"), refusal.row) << refusal.name;
    EXPECT_EQ(report.error().detail("column"), refusal.path) << refusal.name;
    transaction.reset();
    EXPECT_TRUE(Objects().empty()) << refusal.name;
  }
}

TEST_F(InsertTest, ConvertsWhatKeepsItsValue) {
  const auto batch =
      Batch({{arrow::field("A", arrow::uint16()), "[1, 65535]"}, {arrow::field("b", arrow::float64()), "[3, null]"}});
  auto transaction =
      Begin({Column("a", TypeKind::kLong), Column("b", TypeKind::kInteger), Column("missing", TypeKind::kString)});
  ASSERT_THAT(Insert(*transaction, Reader({batch})), IsOk());
  const auto snapshot = Commit(*transaction);
  const auto table = Read(snapshot->add(snapshot->files().at(0)));
  EXPECT_EQ(table->column(0)->chunk(0)->ToString(),
            arrow::json::ArrayFromJSONString(arrow::int64(), "[1, 65535]").ValueOrDie()->ToString());
  EXPECT_EQ(table->column(1)->chunk(0)->ToString(),
            arrow::json::ArrayFromJSONString(arrow::int32(), "[3, null]").ValueOrDie()->ToString());
  EXPECT_EQ(table->column(2)->null_count(), 2);
}

TEST_F(InsertTest, TakesTimesWithoutAZoneAsUtc) {
  const std::string times = R"(["2024-02-29 12:00:00", null])";
  delta::Schema schema;
  Columns columns;
  for (const auto unit :
       {arrow::TimeUnit::SECOND, arrow::TimeUnit::MILLI, arrow::TimeUnit::MICRO, arrow::TimeUnit::NANO}) {
    schema.push_back(Column("t" + std::to_string(unit), TypeKind::kTimestamp));
    columns.emplace_back(arrow::field(schema.back().name, arrow::timestamp(unit)), times);
  }
  auto transaction = Begin(schema);
  ASSERT_THAT(Insert(*transaction, Reader({Batch(columns)})), IsOk());
  const auto snapshot = Commit(*transaction);
  const auto table = Read(snapshot->add(snapshot->files().at(0)));
  const auto utc = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  for (int i = 0; i < table->num_columns(); i++) {
    EXPECT_TRUE(table->column(i)->chunk(0)->Equals(arrow::json::ArrayFromJSONString(utc, times).ValueOrDie()))
        << table->column(i)->ToString();
  }
}

TEST_F(InsertTest, RefusesBinaryThatTheLogCannotHoldAsAPartitionValue) {
  const auto id = arrow::field("id", arrow::int64());
  const auto raw = arrow::field("p", arrow::binary());
  const std::string bytes("\xC8\xC9");
  arrow::BinaryBuilder builder;
  ASSERT_TRUE(builder.Append("żółw").ok());
  ASSERT_TRUE(builder.Append(bytes).ok());
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({id, raw}), 2,
      {arrow::json::ArrayFromJSONString(arrow::int64(), "[1, 2]").ValueOrDie(), builder.Finish().ValueOrDie()});
  auto transaction = Begin(SchemaOf(*batch->schema()), {"p"});
  const auto refused = Insert(*transaction, Reader({batch}));
  ASSERT_THAT(refused, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(refused.error().reason_name(), "INVALID_PARTITION_VALUE");
  EXPECT_EQ(refused.error().detail("column"), "p");
  EXPECT_EQ(refused.error().detail("row"), "1");
  transaction.reset();
  auto other = Begin(SchemaOf(*batch->schema()), {"p"});
  ASSERT_THAT(Insert(*other, Reader({batch->Slice(0, 1)})), IsOk());
  const auto snapshot = Commit(*other);
  EXPECT_EQ(snapshot->add(snapshot->files().at(0)).partition_values[0].second, "żółw");
}

TEST_F(InsertTest, RefusesATableOfPartitionColumnsAlone) {
  auto transaction = Begin({Column("p", TypeKind::kLong)}, {"p"});
  const auto refused = Insert(*transaction, Reader({Batch({{arrow::field("p", arrow::int64()), "[1]"}})}));
  EXPECT_THAT(refused, IsError(ErrorCode::kUnsupported));
}

TEST_F(InsertTest, NumbersRowsAcrossBatches) {
  const auto field = arrow::field("c", arrow::int64());
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < 3000; i++) ASSERT_TRUE(builder.Append(i).ok());
  const auto first = arrow::RecordBatch::Make(arrow::schema({field}), 3000, {builder.Finish().ValueOrDie()});
  auto transaction = Begin({Column("c", TypeKind::kLong, false)});
  const auto report = Insert(*transaction, Reader({first, Batch({{field, "[0, null]"}})}));
  ASSERT_THAT(report, IsError(ErrorCode::kInvalidArgument));
  EXPECT_EQ(report.error().detail("row"), "3001");
}

}  // namespace
}  // namespace yummy::duck
