#include "yummy/delta/files/statistics_json.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "yummy/base/text.h"
#include "yummy/delta/files/file_segment.h"
#include "yummy/delta/files/statistics_columns.h"

namespace yummy::delta {
namespace {

DataType Type(TypeKind kind) { return {.kind = kind, .fields = {}, .children = {}}; }

ColumnStatistics Bounds(std::string name, TypeKind kind, Scalar min, Scalar max) {
  return {{std::move(name)}, Type(kind), std::move(min), std::move(max), 0, false};
}

TEST(WriteStatistics, NestsColumnsAsTheSchema) {
  const std::vector<ColumnStatistics> columns = {
      {{"a"}, Type(TypeKind::kLong), Scalar(int64_t{1}), Scalar(int64_t{9}), 2, false},
      {{"s", "x"}, Type(TypeKind::kString), Scalar(std::string("b\"")), Scalar(std::string("c")), 0, false},
      {{"s", "flag"}, Type(TypeKind::kBoolean), Scalar(false), Scalar(true), 1, false},
      {{"n"}, Type(TypeKind::kDouble), std::nullopt, std::nullopt, 3, false}};
  EXPECT_EQ(WriteStatistics(3, columns),
            R"({"numRecords":3,"minValues":{"a":1,"s":{"x":"b\""}},"maxValues":{"a":9,"s":{"x":"c"}},)"
            R"("nullCount":{"a":2,"s":{"x":0,"flag":1},"n":3},"tightBounds":true})");
  EXPECT_EQ(WriteStatistics(0, {}),
            R"({"numRecords":0,"minValues":{},"maxValues":{},"nullCount":{},"tightBounds":true})");
}

std::string MinMax(const ColumnStatistics& column) {
  const std::string text = WriteStatistics(1, {column});
  const size_t begin = text.find("\"minValues\"");
  return text.substr(begin, text.find(",\"nullCount\"") - begin);
}

TEST(WriteStatistics, WritesBoundsThatHold) {
  EXPECT_EQ(MinMax(Bounds("t", TypeKind::kTimestamp, Scalar(int64_t{1001}), Scalar(int64_t{1001}))),
            R"("minValues":{"t":"1970-01-01T00:00:00.001Z"},"maxValues":{"t":"1970-01-01T00:00:00.002Z"})");
  EXPECT_EQ(MinMax(Bounds("t", TypeKind::kTimestampNtz, Scalar(int64_t{-1}), Scalar(int64_t{-1}))),
            R"("minValues":{"t":"1969-12-31T23:59:59.999"},"maxValues":{"t":"1970-01-01T00:00:00.000"})");
  EXPECT_EQ(MinMax(Bounds("d", TypeKind::kDate, Scalar(int64_t{0}), Scalar(int64_t{1}))),
            R"("minValues":{"d":"1970-01-01"},"maxValues":{"d":"1970-01-02"})");
  EXPECT_EQ(MinMax(Bounds("z", TypeKind::kDouble, Scalar(0.0), Scalar(-0.0))),
            R"("minValues":{"z":-0.0},"maxValues":{"z":0.0})");
  EXPECT_EQ(MinMax(Bounds("z", TypeKind::kDouble, Scalar(1.5), Scalar(std::numeric_limits<double>::infinity()))),
            R"("minValues":{"z":1.5},"maxValues":{})");
}

TEST(WriteStatistics, LeavesOutBoundsThatCannotBeWritten) {
  constexpr std::string_view kNone = R"("minValues":{},"maxValues":{})";
  ColumnStatistics nan = Bounds("z", TypeKind::kDouble, Scalar(1.0), Scalar(2.0));
  nan.has_nan = true;
  EXPECT_EQ(MinMax(nan), kNone);
  EXPECT_EQ(MinMax(Bounds("b", TypeKind::kBinary, Scalar(std::string("a")), Scalar(std::string("b")))), kNone);
  EXPECT_EQ(MinMax(Bounds("s", TypeKind::kString, Scalar(std::string("\xFF")), Scalar(std::string("\xFF")))), kNone);
  EXPECT_EQ(MinMax(Bounds("d", TypeKind::kDate, Scalar(int64_t{-719'163}), Scalar(int64_t{2'932'897}))), kNone);
  EXPECT_EQ(MinMax(Bounds("t", TypeKind::kTimestamp, Scalar(INT64_MIN), Scalar(INT64_MAX))), kNone);
  EXPECT_EQ(MinMax(Bounds("l", TypeKind::kLong, Scalar(), Scalar())), kNone);
}

TEST(TruncateMax, IsNeverBelowTheValue) {
  EXPECT_EQ(TruncateMax("short"), "short");
  EXPECT_EQ(TruncateMax(std::string(32, 'a')), std::string(32, 'a'));
  EXPECT_EQ(TruncateMax(std::string(33, 'a')), std::string(31, 'a') + "b");
  EXPECT_EQ(TruncateMax(std::string(31, 'a') + "\xED\x9F\xBF" + "x"),
            std::string(31, 'a') + "\xEE\x80\x80");                                       // over the surrogates
  EXPECT_EQ(TruncateMax(std::string(31, 'a') + "\xF4\x8F\xBF\xBF" + "x"), std::nullopt);  // U+10FFFF is the last
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 engine(seed);
  const std::vector<std::string> points = {"a",
                                           "\x7F",
                                           "\xC2\x80",
                                           "\xDF\xBF",
                                           "\xE0\xA0\x80",
                                           "\xED\x9F\xBF",
                                           "\xEF\xBF\xBF",
                                           "\xF0\x9F\x98\x80",
                                           "\xF4\x8F\xBF\xBF"};
  for (int round = 0; round < 20'000; round++) {
    std::string value;
    for (uint64_t i = 30 + engine() % 6; i > 0; i--) value += points[engine() % points.size()];
    const std::string min = TruncateMin(value);
    ASSERT_LE(min, value);
    ASSERT_TRUE(IsUtf8(min));
    if (const auto max = TruncateMax(value)) {
      ASSERT_GE(*max, value);
      ASSERT_TRUE(IsUtf8(*max));
      ASSERT_EQ(TruncateMin(*max), *max);
    }
  }
}

TEST(StatisticsColumns, AreTheFirstLeavesWithoutPartitionsListsAndMaps) {
  Schema schema;
  schema.push_back({"p", Type(TypeKind::kLong), true, {}});
  schema.push_back({"a", Type(TypeKind::kLong), true, {}, MappedColumn{"col-a", 1}});
  DataType inner = Type(TypeKind::kStruct);
  inner.fields = {{"x", Type(TypeKind::kString), true, {}}, {"odd.name", Type(TypeKind::kBinary), true, {}}};
  schema.push_back({"s", inner, true, {}});
  DataType list = Type(TypeKind::kArray);
  list.children = {inner};
  schema.push_back({"l", list, true, {}});
  schema.push_back({"z", Type(TypeKind::kDate), true, {}});
  TableProperties properties;
  const auto columns = [&] { return StatisticsColumns(schema, {"P"}, properties); };
  EXPECT_EQ(columns(), (std::vector<ColumnPath>{{"col-a"}, {"s", "x"}, {"s", "odd.name"}, {"z"}}));
  properties.indexed_columns = 2;
  EXPECT_EQ(columns(), (std::vector<ColumnPath>{{"col-a"}, {"s", "x"}}));
  properties.indexed_columns = 0;
  EXPECT_TRUE(columns().empty());
  properties.statistics_columns = {"Z", "s.`odd.name`"};
  EXPECT_EQ(columns(), (std::vector<ColumnPath>{{"s", "odd.name"}, {"z"}}));
  properties.statistics_columns = {"s", "p"};
  EXPECT_EQ(columns(), (std::vector<ColumnPath>{{"s", "x"}, {"s", "odd.name"}}));
}

TEST(DecodeStatistics, ForgetsBoundsThatAreNoValuesOfTheirType) {
  TextColumn texts;
  texts.Append(R"({"numRecords":1,"minValues":{"b":-129},"maxValues":{"b":128}})");
  texts.Pad(64);
  const std::vector<LeafColumn> columns = {{.path = {"b"}, .type = Type(TypeKind::kByte)},
                                           {.path = {"b"}, .type = Type(TypeKind::kShort)}};
  const ColumnBounds as_byte = DecodeStatistics(texts, std::span(columns).first(1)).columns[0];
  EXPECT_EQ(as_byte.stored_min(0), std::nullopt);
  EXPECT_EQ(as_byte.stored_max(0), std::nullopt);
  const ColumnBounds as_short = DecodeStatistics(texts, std::span(columns).last(1)).columns[0];
  EXPECT_EQ(as_short.stored_min(0), Scalar(int64_t{-129}));
}

TEST(WithWideBounds, ChangesTheTightBoundsOfTheFileAlone) {
  EXPECT_EQ(WithWideBounds(R"({"numRecords":2,"tightBounds":true,"nullCount":{"tightBounds":1}})"),
            R"({"numRecords":2,"nullCount":{"tightBounds":1},"tightBounds":false})");
  EXPECT_EQ(WithWideBounds(R"({"numRecords":2,"minValues":{"ż\"":1e-3}})"),
            R"({"numRecords":2,"minValues":{"ż\"":1e-3},"tightBounds":false})");
  EXPECT_EQ(WithWideBounds("{}"), R"({"tightBounds":false})");
  for (const char* other : {"", "[1]", "{", "null"}) EXPECT_EQ(WithWideBounds(other), other);
}

}  // namespace
}  // namespace yummy::delta
