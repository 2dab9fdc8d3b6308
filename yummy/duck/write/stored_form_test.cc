#include "yummy/duck/write/stored_form.h"

#include "yummy/base/testing.h"
#include "yummy/delta/protocol/actions.h"

namespace yummy::duck {
namespace {

using delta::TypeKind;

delta::Field Column(std::string name, TypeKind kind, std::string declared = "") {
  delta::Field field;
  field.name = std::move(name);
  field.type.kind = kind;
  if (!declared.empty()) field.metadata = {{"__CHAR_VARCHAR_TYPE_STRING", "\"" + declared + "\""}};
  return field;
}

TableLayout LayoutOf(const delta::Schema& schema, std::vector<std::string> partition_columns = {}) {
  delta::Metadata metadata;
  metadata.partition_columns = std::move(partition_columns);
  return MUST(TableLayout::Make(metadata, schema));
}

duckdb::Value Text(const char* text) {
  return text == nullptr ? duckdb::Value(duckdb::LogicalType::VARCHAR) : duckdb::Value(text);
}

struct Chunk {
  explicit Chunk(const TableLayout& layout) { rows.Initialize(duckdb::Allocator::DefaultAllocator(), layout.types); }

  void Add(const std::vector<duckdb::Value>& row) {
    rows.SetCardinality(rows.size() + 1);
    for (size_t i = 0; i < row.size(); i++) rows.SetValue(i, rows.size() - 1, row[i]);
  }
  std::string At(size_t column, size_t row) const {
    const auto value = rows.GetValue(column, row);
    return value.IsNull() ? "null" : "'" + value.ToString() + "'";
  }

  duckdb::DataChunk rows;
};

TEST(StoredForm, HasNullForAnEmptyPartitionValue) {
  const auto layout = LayoutOf(
      {Column("p", TypeKind::kString), Column("b", TypeKind::kBinary), Column("s", TypeKind::kString)}, {"p", "b"});
  Chunk chunk(layout);
  chunk.Add({Text(""), duckdb::Value::BLOB_RAW(""), Text("")});
  chunk.Add({Text("x"), duckdb::Value::BLOB_RAW("y"), Text("z")});
  chunk.Add({Text(nullptr), duckdb::Value::BLOB_RAW("y"), Text("z")});
  ASSERT_THAT(MUST(StoredForm::Make(layout)).Apply(chunk.rows, {}), IsOk());
  EXPECT_EQ(chunk.At(0, 0), "null");
  EXPECT_EQ(chunk.At(1, 0), "null");
  EXPECT_EQ(chunk.At(2, 0), "''");
  EXPECT_EQ(chunk.At(0, 1), "'x'");
  EXPECT_EQ(chunk.At(1, 1), "'y'");
  EXPECT_EQ(chunk.At(0, 2), "null");
}

TEST(StoredForm, LeavesOtherColumnsThatShareAVectorAsTheyWere) {
  const auto layout = LayoutOf({Column("p", TypeKind::kString), Column("s", TypeKind::kString)}, {"p"});
  Chunk chunk(layout);
  chunk.Add({Text("x"), Text("x")});
  chunk.Add({Text(""), Text("")});
  chunk.rows.data[1].Reference(chunk.rows.data[0]);
  ASSERT_THAT(MUST(StoredForm::Make(layout)).Apply(chunk.rows, {}), IsOk());
  EXPECT_EQ(chunk.At(0, 1), "null");
  EXPECT_EQ(chunk.At(1, 1), "''");
  // A constant: every row has the one value.
  chunk.rows.data[0].Reference(Text(""));
  chunk.rows.data[1].Reference(chunk.rows.data[0]);
  ASSERT_THAT(MUST(StoredForm::Make(layout)).Apply(chunk.rows, {}), IsOk());
  for (const size_t row : {0, 1}) {
    EXPECT_EQ(chunk.At(0, row), "null");
    EXPECT_EQ(chunk.At(1, row), "''");
  }
}

TEST(StoredForm, PadsACharAndCutsSpacesBeyondTheLength) {
  struct Case {
    const char* declared;
    const char* given;
    const char* stored;  // null: refused
  };
  for (const auto& [declared, given, stored] :
       std::vector<Case>{{"char(3)", "a", "'a  '"},
                         {"char(3)", "żół", "'żół'"},
                         {"char(3)", "", "'   '"},
                         {"char(3)", "abc  ", "'abc'"},
                         {"char(3)", "abcd", nullptr},
                         {"varchar(3)", "a", "'a'"},
                         {"varchar(3)", "a ", "'a '"},
                         {"varchar(3)", "", "''"},
                         {"varchar(3)", "żół   ", "'żół'"},
                         {"varchar(3)", "żółw", nullptr},
                         {"varchar(20)", "longer than twelve", "'longer than twelve'"},
                         {"char(20)", "longer than twelve", "'longer than twelve  '"}}) {
    const auto layout = LayoutOf({Column("c", TypeKind::kString, declared)});
    Chunk chunk(layout);
    chunk.Add({Text(nullptr)});
    chunk.Add({Text(given)});
    const auto applied = MUST(StoredForm::Make(layout)).Apply(chunk.rows, 7);
    if (stored == nullptr) {
      ASSERT_THAT(applied, IsError(ErrorCode::kInvalidArgument)) << declared << given;
      EXPECT_EQ(applied.error().reason_name(), "VALUE_OUT_OF_RANGE");
      EXPECT_EQ(applied.error().detail("row"), "8");
      EXPECT_EQ(applied.error().detail("column"), "c");
    } else {
      ASSERT_THAT(applied, IsOk()) << declared << given;
      EXPECT_EQ(chunk.At(0, 1), stored) << declared;
      EXPECT_EQ(chunk.At(0, 0), "null");
    }
  }
}

TEST(StoredForm, RefusesLengthsThatItCannotEnforce) {
  auto list = Column("c", TypeKind::kArray, "array<varchar(3)>");
  list.type.children = {Column("", TypeKind::kString).type};
  for (const auto& column :
       {list, Column("c", TypeKind::kString, "varchar(x)"), Column("c", TypeKind::kString, "clob")}) {
    const auto made = StoredForm::Make(LayoutOf({column}));
    ASSERT_THAT(made, IsError(ErrorCode::kUnsupported));
    EXPECT_EQ(made.error().reason_name(), "UNSUPPORTED_TYPE");
  }
}

}  // namespace
}  // namespace yummy::duck
