#include "yummy/duck/border/types.h"

#include <limits>

#include "yummy/base/testing.h"

namespace yummy::duck {
namespace {

using delta::DataType;
using delta::Int128;
using delta::Scalar;
using delta::TypeKind;
using duckdb::Value;

DataType Type(TypeKind kind, int precision = 0, int scale = 0) {
  DataType type;
  type.kind = kind;
  type.precision = precision;
  type.scale = scale;
  return type;
}

Scalar Integer(int64_t value) { return Scalar(Scalar::Storage(value)); }

TEST(Types, ConstantsThatAColumnCannotHoldExactlyAreNotCompared) {
  EXPECT_FALSE(ToComparable(Value::DOUBLE(1.5), Type(TypeKind::kInteger)));
  EXPECT_FALSE(ToComparable(Value::DOUBLE(7), Type(TypeKind::kLong)));
  EXPECT_FALSE(ToComparable(Value::DECIMAL(int32_t{15}, 4, 1), Type(TypeKind::kLong)));
  EXPECT_FALSE(ToComparable(Value::DECIMAL(int32_t{123}, 4, 3), Type(TypeKind::kDecimal, 10, 2)));
  EXPECT_FALSE(ToComparable(Value::TIMESTAMP(duckdb::timestamp_t(1)), Type(TypeKind::kDate)));
  EXPECT_FALSE(ToComparable(Value::TIMESTAMP(duckdb::timestamp_t(1)), Type(TypeKind::kTimestamp)));
  EXPECT_FALSE(ToComparable(Value::DATE(duckdb::date_t::infinity()), Type(TypeKind::kDate)));
  EXPECT_FALSE(ToComparable(Value("1"), Type(TypeKind::kInteger)));
  EXPECT_FALSE(ToComparable(Value::HUGEINT(duckdb::hugeint_t(1, 0)), Type(TypeKind::kLong)));
}

TEST(Types, ConstantsOfAWiderTypeAreComparedWhereEqual) {
  EXPECT_EQ(ToComparable(Value::DOUBLE(7), Type(TypeKind::kInteger)), Integer(7));
  EXPECT_EQ(ToComparable(Value::BIGINT(7), Type(TypeKind::kByte)), Integer(7));
  EXPECT_EQ(ToComparable(Value::DECIMAL(int32_t{70}, 4, 1), Type(TypeKind::kLong)), Integer(7));
  EXPECT_EQ(ToComparable(Value::TIMESTAMP(duckdb::timestamp_t(2 * 86'400'000'000)), Type(TypeKind::kDate)), Integer(2));
  EXPECT_EQ(ToComparable(Value::INTEGER(3), Type(TypeKind::kDecimal, 10, 2)), Scalar(Scalar::Storage(Int128{300})));
  EXPECT_EQ(ToComparable(Value(duckdb::LogicalType::INTEGER), Type(TypeKind::kInteger)), Scalar());
}

TEST(Types, ValuesOfEveryPrimitiveTypeComeBackEqual) {
  const std::vector<std::pair<Scalar, DataType>> cases = {
      {Scalar(Scalar::Storage(true)), Type(TypeKind::kBoolean)},
      {Integer(-128), Type(TypeKind::kByte)},
      {Integer(-32768), Type(TypeKind::kShort)},
      {Integer(std::numeric_limits<int32_t>::min()), Type(TypeKind::kInteger)},
      {Integer(std::numeric_limits<int64_t>::min()), Type(TypeKind::kLong)},
      {Scalar(Scalar::Storage(0.5)), Type(TypeKind::kFloat)},
      {Scalar(Scalar::Storage(std::numeric_limits<double>::quiet_NaN())), Type(TypeKind::kDouble)},
      {Scalar(Scalar::Storage(Int128{-12345})), Type(TypeKind::kDecimal, 4, 2)},
      {Scalar(Scalar::Storage(-(Int128{1} << 100))), Type(TypeKind::kDecimal, 38, 10)},
      {Scalar(Scalar::Storage(std::string("é\0", 3))), Type(TypeKind::kString)},
      {Scalar(Scalar::Storage(std::string("\xFF\0", 2))), Type(TypeKind::kBinary)},
      {Integer(-719162), Type(TypeKind::kDate)},
      {Integer(-1), Type(TypeKind::kTimestamp)},
      {Integer(253'402'300'799'999'999), Type(TypeKind::kTimestampNtz)},
      {Scalar(), Type(TypeKind::kLong)},
  };
  for (const auto& [scalar, type] : cases) {
    const Value value = ToValue(scalar, type);
    EXPECT_EQ(value.type(), MUST(ToLogicalType(type))) << delta::TypeName(type);
    auto back = ToScalar(value, type);
    ASSERT_THAT(back, IsOk()) << delta::TypeName(type);
    EXPECT_EQ(*back, scalar) << delta::TypeName(type);
  }
}

TEST(Types, ATypeOfDeltaSurvivesTheWayThroughDuckDB) {
  for (const char* json :
       {R"json("decimal(38,18)")json", R"({"type":"array","elementType":"timestamp_ntz","containsNull":true})",
        R"({"type":"map","keyType":"string","valueType":{"type":"struct","fields":[
                              {"name":"A b","type":"binary","nullable":true,"metadata":{}}]},"valueContainsNull":true})"}) {
    const DataType type = MUST(delta::ParseType(json));
    EXPECT_EQ(MUST(ToDeltaType(MUST(ToLogicalType(type)))), type) << json;
  }
}

TEST(Types, TypesThatDeltaHasNotAreRefusedByName) {
  EXPECT_THAT(ToDeltaType(duckdb::LogicalType::TIME), IsError(ErrorCode::kUnsupported));
  EXPECT_THAT(ToDeltaType(duckdb::LogicalType::UBIGINT), IsError(ErrorCode::kUnsupported));
  EXPECT_THAT(ToLogicalType(Type(TypeKind::kVariant)), IsError(ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace yummy::duck
