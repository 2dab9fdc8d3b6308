#include "yummy/format/rows/rows_infer.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <arrow/type.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/format/rows/json_column.h"

namespace yummy::format {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr size_t kDepthMax = 64;
constexpr size_t kMembersMax = 10'000;  // for all new columns together; no table takes more

/// The common type of the values at one place.
struct Guess {
  enum class Kind { kNothing, kBoolean, kLong, kDouble, kString, kArray, kObject, kMixed };

  Kind kind = Kind::kNothing;  // kNothing: only nulls so far
  // Array: the element, without a name. Object: its members, in the order of their first appearance.
  std::vector<std::pair<std::string, Guess>> members = {};
  std::unordered_map<std::string, size_t> positions = {};  // of members

  void Take(Kind other) {
    const auto is_number = [](Kind one) { return one == Kind::kLong || one == Kind::kDouble; };
    if (kind == Kind::kNothing) {
      kind = other;
    } else if (is_number(kind) && is_number(other)) {
      if (other == Kind::kDouble) kind = other;
    } else if (kind != other) {
      kind = Kind::kMixed;
    }
  }

  /// Null if the values have no common type, or if there are none.
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
};

/// Walks a body once. A step returns false if the body is not JSON, has another shape, or is too deep or too wide. Then
/// the walk ends.
class InferWalk {
 public:
  explicit InferWalk(const FieldNames& known) : known_(known) {}

  bool Body(ondemand::document& document) {
    ondemand::object body;
    if (document.get_object().get(body) != simdjson::SUCCESS) return false;
    return EachMember(body, [&](std::string_view key, ondemand::value& value) {
      if (key == "record_batch_dict" || key == "recordBatchDict") return Dict(value);
      if (key == "record_batch_list" || key == "recordBatchList") return List(value);
      return true;
    });
  }

  /// The columns as the members of one object.
  const Guess& rows() const { return rows_; }
  bool is_too_wide() const { return member_count_ > kMembersMax; }

 private:
  template <typename Visit>
  static bool EachMember(ondemand::object& object, Visit&& visit) {
    for (auto item : object) {
      ondemand::field field;
      std::string_view key;
      if (std::move(item).get(field) != simdjson::SUCCESS) return false;
      if (field.unescaped_key().get(key) != simdjson::SUCCESS) return false;
      // Unescaping the next key may overwrite this one.
      const std::string name(key);
      if (!visit(name, field.value())) return false;
    }
    return true;
  }

  template <typename Visit>
  static bool EachElement(ondemand::value& value, Visit&& visit) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return false;
    for (auto item : array) {
      ondemand::value element;
      if (std::move(item).get(element) != simdjson::SUCCESS || !visit(element)) return false;
    }
    return true;
  }

  /// Null if there are too many members.
  Guess* Member(Guess& guess, std::string_view name) {
    const auto [at, is_new] = guess.positions.try_emplace(std::string(name), guess.members.size());
    if (is_new) {
      if (++member_count_ > kMembersMax) return nullptr;
      guess.members.emplace_back(name, Guess());
    }
    return &guess.members[at->second].second;
  }

  bool Dict(ondemand::value& value) {
    ondemand::object columns;
    if (value.get_object().get(columns) != simdjson::SUCCESS) return false;
    return EachMember(columns, [&](std::string_view name, ondemand::value& values) {
      Guess* column = Member(rows_, name);
      if (column == nullptr || known_.Find(name)) return column != nullptr;
      return EachElement(values, [&](ondemand::value& one) { return Value(one, *column, 0); });
    });
  }

  bool List(ondemand::value& value) {
    return EachElement(value, [&](ondemand::value& row) {
      ondemand::object members;
      if (row.get_object().get(members) != simdjson::SUCCESS) return false;
      return EachMember(members, [&](std::string_view name, ondemand::value& member) {
        Guess* column = Member(rows_, name);
        if (column == nullptr || known_.Find(name)) return column != nullptr;
        return Value(member, *column, 0);
      });
    });
  }

  bool Value(ondemand::value& value, Guess& guess, size_t depth) {
    ondemand::json_type type{};
    if (depth > kDepthMax || value.type().get(type) != simdjson::SUCCESS) return false;
    switch (type) {
      case ondemand::json_type::null: return true;
      case ondemand::json_type::boolean: guess.Take(Guess::Kind::kBoolean); return true;
      case ondemand::json_type::string: guess.Take(Guess::Kind::kString); return true;
      case ondemand::json_type::number: {
        ondemand::number_type number{};
        if (value.get_number_type().get(number) != simdjson::SUCCESS) return false;
        // A whole number that is too large is refused later, together with its row.
        const bool is_whole = number != ondemand::number_type::floating_point_number;
        guess.Take(is_whole ? Guess::Kind::kLong : Guess::Kind::kDouble);
        return true;
      }
      case ondemand::json_type::array:
        guess.Take(Guess::Kind::kArray);
        return EachElement(value, [&](ondemand::value& element) {
          Guess* member = Member(guess, "");
          return member != nullptr && Value(element, *member, depth + 1);
        });
      case ondemand::json_type::object: {
        guess.Take(Guess::Kind::kObject);
        ondemand::object object;
        if (value.get_object().get(object) != simdjson::SUCCESS) return false;
        return EachMember(object, [&](std::string_view name, ondemand::value& one) {
          Guess* member = Member(guess, name);
          return member != nullptr && Value(one, *member, depth + 1);
        });
      }
    }
    return false;
  }

  const FieldNames& known_;
  Guess rows_;
  size_t member_count_ = 0;
};

Error NoType(const std::string& name, Guess::Kind kind) {
  return Error(
             ErrorCode::kInvalidArgument,
             fmt::format(
                 "the type of the new column '{}' cannot be told: its values, or those within, {}", name.substr(0, 100),
                 kind == Guess::Kind::kMixed ? "are of several types" : "are all null, empty or of several types"))
      .WithReason(Reason::kSchemaMismatch)
      .With("column", name.substr(0, 200));
}

}  // namespace

Result<arrow::FieldVector> InferColumns(std::string_view body, const arrow::Schema& known) {
  const simdjson::padded_string padded(body);
  ondemand::parser parser;
  ondemand::document document;
  const simdjson::error_code begun = parser.iterate(padded).get(document);
  // If there is no memory for the copy, it is empty.
  if (padded.size() != body.size() || begun == simdjson::MEMALLOC) return OutOfMemory();
  const FieldNames names(known.fields());
  InferWalk walk(names);
  const bool walked = begun == simdjson::SUCCESS && walk.Body(document);
  if (walk.is_too_wide()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("the rows have more than {} columns", kMembersMax))
        .WithReason(Reason::kInvalidSchema);
  }
  if (!walked) return arrow::FieldVector();
  arrow::FieldVector columns;
  for (const auto& [name, guess] : walk.rows().members) {
    if (const auto index = names.Find(name)) {
      columns.push_back(known.field(static_cast<int>(*index)));
      continue;
    }
    auto type = guess.ToArrow();
    if (!type) return NoType(name, guess.kind);
    columns.push_back(arrow::field(name, std::move(type)));
  }
  return columns;
}

}  // namespace yummy::format
