// What goes out as JSON comes in again the same; broken bodies are refused, never misread. The seed is in the output.

#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <simdjson.h>

#include "yummy/base/testing.h"
#include "yummy/base/time_text.h"
#include "yummy/format/json/json_check.h"
#include "yummy/format/result/json_values.h"
#include "yummy/format/result/result_encoder.h"
#include "yummy/format/rows/rows_json.h"

namespace yummy::format {
namespace {

constexpr size_t kDepthMax = 64;

class Generator {
 public:
  explicit Generator(uint64_t seed) : engine_(seed) {}

  size_t Below(size_t bound) { return engine_() % bound; }
  bool Chance(size_t one_in) { return Below(one_in) == 0; }

  std::shared_ptr<arrow::DataType> Type(int depth) {
    switch (Below(depth < 3 ? 17 : 13)) {
      case 0: return arrow::int8();
      case 1: return arrow::int16();
      case 2: return arrow::int32();
      case 3: return arrow::int64();
      case 4: return arrow::float32();
      case 5: return arrow::float64();
      case 6: return arrow::boolean();
      case 7: return arrow::binary();
      case 8: return arrow::date32();
      case 9: return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
      case 10: return arrow::timestamp(arrow::TimeUnit::MICRO);
      case 11: {
        const auto precision = static_cast<int32_t>(1 + Below(38));
        return arrow::decimal128(precision, static_cast<int32_t>(Below(static_cast<size_t>(precision) + 1)));
      }
      case 13: return arrow::list(arrow::field("element", Type(depth + 1), !Chance(4)));
      case 14: return arrow::struct_({Field("a", depth + 1), Field("b/~", depth + 1), Field("Żółw \"q\"", depth + 1)});
      case 15:
        return std::make_shared<arrow::MapType>(arrow::field("key", arrow::utf8(), false), Field("value", depth + 1));
      case 16:
        return std::make_shared<arrow::MapType>(arrow::field("key", arrow::int64(), false), Field("value", depth + 1));
      default: return arrow::utf8();
    }
  }

  std::shared_ptr<arrow::Field> Field(const std::string& name, int depth) {
    return arrow::field(name, Type(depth), !Chance(4));
  }

  std::shared_ptr<arrow::RecordBatch> Batch() {
    arrow::FieldVector fields;
    const size_t columns = 1 + Below(5);
    for (size_t i = 0; i < columns; i++) fields.push_back(Field("c" + std::to_string(i), 0));
    const size_t rows = 1 + Below(20);
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (const auto& field : fields) {
      auto builder = arrow::MakeBuilder(field->type()).ValueOrDie();
      for (size_t i = 0; i < rows; i++) Append(*field, *builder);
      arrays.push_back(builder->Finish().ValueOrDie());
    }
    return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows), arrays);
  }

  std::string Mutated(std::string text) {
    constexpr std::array<std::string_view, 24> kPieces = {"{",
                                                          "}",
                                                          "[",
                                                          "]",
                                                          ",",
                                                          ":",
                                                          "\"",
                                                          "\\",
                                                          "null",
                                                          "1e400",
                                                          "-",
                                                          "0",
                                                          "NaN",
                                                          "\\ud800",
                                                          "\\u0041",
                                                          "\xFF",
                                                          "\xED\xA0\x80",
                                                          "true",
                                                          "1.5",
                                                          " ",
                                                          "\n",
                                                          "\0x",
                                                          "\"c0\":",
                                                          "99999999999999999999"};
    for (size_t count = 1 + Below(3); count > 0 && !text.empty(); count--) {
      const size_t at = Below(text.size());
      const std::string_view piece = kPieces[Below(kPieces.size())];
      switch (Below(6)) {
        case 0: text[at] = static_cast<char>(engine_()); break;
        case 1: text.erase(at, 1 + Below(4)); break;
        case 2: text.insert(at, piece); break;
        case 3: text.replace(at, std::min<size_t>(piece.size(), text.size() - at), piece); break;
        case 4: text.insert(at, text.substr(Below(text.size()), 1 + Below(40))); break;
        default:
          if (Chance(4)) text.resize(at);
          break;
      }
    }
    return text;
  }

 private:
  int64_t Integer() { return static_cast<int64_t>(engine_() >> Below(64)) * (Chance(2) ? 1 : -1); }

  std::string Text() {
    constexpr std::array<std::string_view, 12> kPieces = {
        "a", "\"", "\\", "\n", std::string_view("\0", 1), "ż", "日本", "😀", "/", "\x7f", "\x1f", "plain text "};
    std::string text;
    for (size_t count = Below(8); count > 0; count--) text += kPieces[Below(kPieces.size())];
    return text;
  }

  template <typename Builder, typename Value>
  static void Put(arrow::ArrayBuilder& builder, Value value) {
    ASSERT_TRUE(static_cast<Builder&>(builder).Append(value).ok());
  }

  void Append(const arrow::Field& field, arrow::ArrayBuilder& builder) {
    if (field.nullable() && Chance(5)) {
      ASSERT_TRUE(builder.AppendNull().ok());
      return;
    }
    constexpr uint64_t kDays = 3'652'059;
    const auto days = kDaysMin + static_cast<int64_t>(Below(kDays));
    const auto& type = *field.type();
    switch (type.id()) {
      case arrow::Type::INT8: return Put<arrow::Int8Builder>(builder, static_cast<int8_t>(engine_()));
      case arrow::Type::INT16: return Put<arrow::Int16Builder>(builder, static_cast<int16_t>(engine_()));
      case arrow::Type::INT32: return Put<arrow::Int32Builder>(builder, static_cast<int32_t>(engine_()));
      case arrow::Type::INT64: return Put<arrow::Int64Builder>(builder, Integer());
      case arrow::Type::FLOAT: return Put<arrow::FloatBuilder>(builder, Finite<float, uint32_t>());
      case arrow::Type::DOUBLE: return Put<arrow::DoubleBuilder>(builder, Finite<double, uint64_t>());
      case arrow::Type::BOOL: return Put<arrow::BooleanBuilder>(builder, Chance(2));
      case arrow::Type::STRING: return Put<arrow::StringBuilder>(builder, Text());
      case arrow::Type::BINARY: return Put<arrow::BinaryBuilder>(builder, Text() + static_cast<char>(engine_()));
      case arrow::Type::DATE32: return Put<arrow::Date32Builder>(builder, static_cast<int32_t>(days));
      case arrow::Type::TIMESTAMP:
        return Put<arrow::TimestampBuilder>(builder,
                                            days * 86'400'000'000 + static_cast<int64_t>(Below(86'400'000'000)));
      case arrow::Type::DECIMAL128: {
        std::string digits;
        const int precision = static_cast<const arrow::Decimal128Type&>(type).precision();
        for (size_t count = 1 + Below(static_cast<size_t>(precision)); count > 0; count--)
          digits += static_cast<char>('0' + Below(10));
        return Put<arrow::Decimal128Builder>(builder, arrow::Decimal128((Chance(2) ? "-" : "") + digits));
      }
      default: return AppendNested(field, builder);
    }
  }

  void AppendNested(const arrow::Field& field, arrow::ArrayBuilder& builder) {
    const auto& type = *field.type();
    if (type.id() == arrow::Type::STRUCT) {
      ASSERT_TRUE(static_cast<arrow::StructBuilder&>(builder).Append().ok());
      for (int i = 0; i < type.num_fields(); i++) Append(*type.field(i), *builder.child(i));
    } else if (type.id() == arrow::Type::LIST) {
      auto& list = static_cast<arrow::ListBuilder&>(builder);
      ASSERT_TRUE(list.Append().ok());
      for (size_t count = Below(4); count > 0; count--) Append(*type.field(0), *list.value_builder());
    } else {
      auto& map = static_cast<arrow::MapBuilder&>(builder);
      const auto& map_type = static_cast<const arrow::MapType&>(type);
      ASSERT_TRUE(map.Append().ok());
      for (size_t count = Below(4); count > 0; count--) {
        if (map_type.key_type()->id() == arrow::Type::STRING) {
          Put<arrow::StringBuilder>(*map.key_builder(), Text() + std::to_string(count));
        } else {
          Put<arrow::Int64Builder>(*map.key_builder(), (Integer() & ~int64_t{7}) + static_cast<int64_t>(count));
        }
        Append(*map_type.item_field(), *map.item_builder());
      }
    }
  }

  template <typename Float, typename Bits>
  Float Finite() {
    while (true) {
      const auto bits = static_cast<Bits>(engine_());
      Float value = 0;
      std::memcpy(&value, &bits, sizeof(value));
      if (Chance(3)) value = static_cast<Float>(Integer() % 1000);
      if (std::isfinite(value)) return value;
    }
  }

  std::mt19937_64 engine_;
};

uint64_t Seed() {
  const uint64_t seed = std::random_device()();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::string DictBody(const arrow::RecordBatch& batch) {
  std::string text = "{\"record_batch_dict\":";
  auto encoder = MakeResultEncoder(ResultFormat::kJsonBraceless);
  EXPECT_THAT(encoder->Begin(batch.schema(), text), IsOk());
  EXPECT_THAT(encoder->Batch(batch, text), IsOk());
  EXPECT_THAT(encoder->End(text), IsOk());
  return text + "}";
}

std::string ListBody(const arrow::RecordBatch& batch) {
  std::string text = "{\"record_batch_list\":[";
  for (int64_t row = 0; row < batch.num_rows(); row++) {
    text += row == 0 ? "{" : ",{";
    for (int i = 0; i < batch.num_columns(); i++) {
      if (i > 0) text += ',';
      text += "\"" + batch.column_name(i) + "\":";
      EXPECT_THAT(AppendJsonValue(*batch.column(i), row, text), IsOk());
    }
    text += '}';
  }
  return text + "]}";
}

TEST(RowsJsonRandom, ReadsBackWhatItWrites) {
  Generator generator(Seed());
  for (int round = 0; round < 500; round++) {
    const auto batch = generator.Batch();
    ASSERT_TRUE(batch->ValidateFull().ok());
    for (const std::string& body : {DictBody(*batch), ListBody(*batch)}) {
      const auto result = DecodeRowsJson(body, *batch->schema(), {.depth_max = kDepthMax});
      ASSERT_THAT(result, IsOk()) << body;
      ASSERT_TRUE(result->rows->ValidateFull().ok()) << body;
      ASSERT_TRUE(result->rows->Equals(*batch)) << body << "\n"
                                                << result->rows->ToString() << "\n"
                                                << batch->ToString();
    }
  }
}

TEST(RowsJsonRandom, RefusesEveryBodyThatIsNoJson) {
  Generator generator(Seed());
  for (int round = 0; round < 5'000; round++) {
    const auto batch = generator.Batch();
    const std::string body = generator.Mutated(round % 2 == 0 ? DictBody(*batch) : ListBody(*batch));
    const auto check = CheckJson(body, kDepthMax);
    const auto result = DecodeRowsJson(body, *batch->schema(), {.depth_max = kDepthMax});
    if (result.ok()) {
      ASSERT_THAT(check, IsOk()) << body;
      ASSERT_TRUE(result->rows->ValidateFull().ok()) << body;
    } else if (!check.ok()) {
      ASSERT_EQ(result.error().reason_name(), check.error().reason_name()) << body;
    } else {
      ASSERT_NE(result.error().reason_name(), "INVALID_JSON") << body;
    }
  }
}

// Two parsers that were written apart agree on what JSON is.
TEST(RowsJsonRandom, AgreesWithAnotherParser) {
  Generator generator(Seed());
  simdjson::dom::parser parser;
  for (int round = 0; round < 5'000; round++) {
    const auto batch = generator.Batch();
    const std::string body = generator.Mutated(DictBody(*batch));
    const auto check = CheckJson(body, kDepthMax);
    const simdjson::error_code other = parser.parse(body).error();
    if (other == simdjson::SUCCESS && !check.ok()) {
      // A lone low surrogate and a repeated key pass there.
      ASSERT_NE(check.error().reason_name(), "INVALID_JSON") << body;
    }
    if (check.ok() && other != simdjson::SUCCESS) {
      // It refuses numbers that fit no machine type, which are fine JSON.
      ASSERT_TRUE(other == simdjson::NUMBER_ERROR || other == simdjson::BIGINT_ERROR)
          << body << simdjson::error_message(other);
    }
  }
}

}  // namespace
}  // namespace yummy::format
