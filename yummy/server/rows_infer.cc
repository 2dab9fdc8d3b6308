#include "yummy/server/rows_infer.h"

#include <optional>
#include <string>
#include <vector>

#include <arrow/type.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/server/json_column.h"

namespace yummy::server {

namespace {

namespace dom = simdjson::dom;

/// What the values of one place have in common.
struct Guess {
  enum class Kind { kNothing, kBoolean, kLong, kDouble, kString, kArray, kObject, kMixed };

  Kind kind = Kind::kNothing;  // kNothing: only nulls so far
  // Array: the element, without a name; object: its members. In the order in which they come first.
  std::vector<std::pair<std::string, Guess>> members = {};

  Guess& Member(std::string_view name) {
    for (auto& [known, guess] : members) {
      if (known == name) return guess;
    }
    return members.emplace_back(std::string(name), Guess()).second;
  }

  void Take(const dom::element& value) {
    if (value.is_null()) return;
    TakeKind(KindOf(value));
    if (kind == Kind::kArray && value.is_array()) {
      for (const dom::element element : dom::array(value)) Member("").Take(element);
    }
    if (kind == Kind::kObject && value.is_object()) {
      for (const auto& [name, member] : dom::object(value)) Member(name).Take(member);
    }
  }

  /// Absent when the values have no type in common, or none at all.
  std::shared_ptr<arrow::DataType> ToArrow() const {
    switch (kind) {
      case Kind::kBoolean: return arrow::boolean();
      case Kind::kLong: return arrow::int64();
      case Kind::kDouble: return arrow::float64();
      case Kind::kString: return arrow::utf8();
      case Kind::kArray: {
        auto element = members.empty() ? nullptr : members[0].second.ToArrow();
        return element ? arrow::list(arrow::field("element", std::move(element))) : nullptr;
      }
      case Kind::kObject: {
        arrow::FieldVector fields;
        for (const auto& [name, guess] : members) {
          auto type = guess.ToArrow();
          if (!type) return nullptr;
          fields.push_back(arrow::field(name, std::move(type)));
        }
        return fields.empty() ? nullptr : arrow::struct_(std::move(fields));
      }
      case Kind::kNothing:
      case Kind::kMixed: break;
    }
    return nullptr;
  }

 private:
  static Kind KindOf(const dom::element& value) {
    switch (value.type()) {
      case dom::element_type::BOOL: return Kind::kBoolean;
      case dom::element_type::INT64:
      case dom::element_type::UINT64: return Kind::kLong;  // one that is too large is refused with its row
      case dom::element_type::DOUBLE: return Kind::kDouble;
      case dom::element_type::STRING: return Kind::kString;
      case dom::element_type::ARRAY: return Kind::kArray;
      case dom::element_type::OBJECT: return Kind::kObject;
      default: return Kind::kMixed;
    }
  }

  void TakeKind(Kind other) {
    const auto is_number = [](Kind one) { return one == Kind::kLong || one == Kind::kDouble; };
    if (kind == Kind::kNothing) {
      kind = other;
    } else if (is_number(kind) && is_number(other)) {
      if (other == Kind::kDouble) kind = other;
    } else if (kind != other) {
      kind = Kind::kMixed;
    }
  }
};

simdjson::simdjson_result<dom::element> Find(const dom::object& body, const char* snake_case, const char* camel_case) {
  auto found = body[snake_case];
  return found.error() == simdjson::SUCCESS ? found : body[camel_case];
}

/// The columns as one object whose members are of any row.
Guess GuessRows(const dom::object& body) {
  Guess rows;
  dom::object columns;
  dom::array list;
  if (Find(body, "record_batch_dict", "recordBatchDict").get_object().get(columns) == simdjson::SUCCESS) {
    for (const auto& [name, values] : columns) {
      Guess& column = rows.Member(name);
      dom::array array;
      if (values.get(array) != simdjson::SUCCESS) continue;
      for (const dom::element value : array) column.Take(value);
    }
  } else if (Find(body, "record_batch_list", "recordBatchList").get_array().get(list) == simdjson::SUCCESS) {
    for (const dom::element row : list) {
      dom::object members;
      if (row.get(members) != simdjson::SUCCESS) continue;
      for (const auto& [name, value] : members) rows.Member(name).Take(value);
    }
  }
  return rows;
}

}  // namespace

Result<arrow::FieldVector> InferColumns(std::string_view body, const arrow::Schema& known) {
  dom::parser parser;
  dom::object object;
  if (parser.parse(simdjson::padded_string(body)).get(object) != simdjson::SUCCESS) return arrow::FieldVector();
  const FieldNames names(known.fields());
  arrow::FieldVector columns;
  for (const auto& [name, guess] : GuessRows(object).members) {
    if (const auto index = names.Find(name)) {
      columns.push_back(known.field(static_cast<int>(*index)));
      continue;
    }
    auto type = guess.ToArrow();
    if (!type) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("the type of the new column '{}' cannot be told: its values, or those within, {}",
                               name.substr(0, 100),
                               guess.kind == Guess::Kind::kMixed ? "are of several types" : "are all null or empty"))
          .WithReason("SCHEMA_MISMATCH")
          .With("column", name.substr(0, 200));
    }
    columns.push_back(arrow::field(name, std::move(type)));
  }
  return columns;
}

}  // namespace yummy::server
