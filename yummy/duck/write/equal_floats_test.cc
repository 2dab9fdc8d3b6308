#include "yummy/duck/write/equal_floats.h"

#include <cmath>
#include <limits>

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

using duckdb::LogicalType;
using duckdb::Value;

struct RowGroup {
  explicit RowGroup(const LogicalType& type)
      : rows(duckdb::Allocator::DefaultAllocator(), duckdb::vector<LogicalType>{type}), floats({type}) {}

  void Add(const std::vector<Value>& values) {
    duckdb::DataChunk chunk;
    chunk.Initialize(duckdb::Allocator::DefaultAllocator(), rows.Types());
    for (size_t i = 0; i < values.size(); ++i) chunk.SetValue(0, i, values[i]);
    chunk.SetCardinality(values.size());
    floats.Update(chunk);
    rows.Append(chunk);
  }
  ValueEncoding Encoding() const { return floats.Encoding(rows); }

  duckdb::ColumnDataCollection rows;
  EqualFloats floats;
};

std::vector<Value> Repeated(const std::vector<double>& numbers, const LogicalType& type, size_t count) {
  std::vector<Value> values;
  for (size_t i = 0; i < count; ++i) values.push_back(Value::DOUBLE(numbers[i % numbers.size()]).DefaultCastAs(type));
  return values;
}

TEST(EqualFloats, ChooseTheEncodingThatKeepsThem) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    std::vector<double> numbers;
    ValueEncoding expected;
  } cases[] = {
      {{1, 2}, ValueEncoding::kHashedDictionaries}, {{0, nan}, ValueEncoding::kHashedDictionaries},
      {{-0.0, 1}, ValueEncoding::kDictionaries},    {{std::copysign(nan, -1), 1}, ValueEncoding::kDictionaries},
      {{-0.0, 0}, ValueEncoding::kPlain},           {{nan, std::copysign(nan, -1)}, ValueEncoding::kPlain}};
  for (const LogicalType type : {LogicalType::FLOAT, LogicalType::DOUBLE}) {
    for (const auto& [numbers, expected] : cases) {
      RowGroup group(type);
      group.Add(Repeated(numbers, type, 100));
      EXPECT_EQ(group.Encoding(), expected) << type.ToString() << " " << numbers[0] << " " << numbers[1];
    }
  }
}

TEST(EqualFloats, AreSafeAmongTooManyValuesForADictionary) {
  for (const size_t distinct : {size_t{19}, size_t{20}, size_t{21}}) {  // of 100 rows
    std::vector<double> numbers{-0.0, 0};
    for (size_t i = 1; i < distinct; ++i) numbers.push_back(static_cast<double>(i));
    RowGroup group(LogicalType::DOUBLE);
    group.Add(Repeated(numbers, LogicalType::DOUBLE, 100));
    EXPECT_EQ(group.Encoding(), distinct > 20 ? ValueEncoding::kHashedDictionaries : ValueEncoding::kPlain) << distinct;
  }
}

TEST(EqualFloats, AreFoundInsideOfListsAndInWhatIsMerged) {
  const auto list = [](double number) { return Value::LIST(LogicalType::DOUBLE, {Value::DOUBLE(number)}); };
  RowGroup group(LogicalType::LIST(LogicalType::DOUBLE));
  group.Add({list(0), Value(LogicalType::LIST(LogicalType::DOUBLE)), list(1)});
  EXPECT_EQ(group.Encoding(), ValueEncoding::kHashedDictionaries);
  RowGroup other(LogicalType::LIST(LogicalType::DOUBLE));
  other.Add({list(-0.0)});
  group.floats.Merge(other.floats);
  EXPECT_EQ(group.Encoding(), ValueEncoding::kPlain);
}

}  // namespace
}  // namespace yummy::duck
