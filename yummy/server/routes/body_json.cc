#include "yummy/server/routes/body_json.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/base/json.h"
#include "yummy/base/text.h"
#include "yummy/format/json/json_check.h"
#include "yummy/format/json/json_pointer.h"
#include "yummy/server/http/request.h"
#include "yummy/server/routes/type_text.h"

namespace yummy::server {

namespace {

namespace ondemand = simdjson::ondemand;

Error InvalidBody(Reason reason, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(reason);
}

// For text that simdjson refuses although CheckJson has accepted it. No such text is known.
Error Unreadable() { return InvalidBody(Reason::kInvalidJson, "the body is no valid JSON"); }

// A value and the JSON pointer to it. CheckJson has accepted the body before.
struct Place {
  ondemand::value& value;
  std::string pointer;

  Result<ondemand::json_type> Type() {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return Unreadable();
    return type;
  }
  Error Mismatch(std::string_view expected) const {
    return InvalidBody(Reason::kTypeMismatch, fmt::format("{}: expected {}", pointer, expected))
        .With("pointer", pointer);
  }
  Result<std::string> String() {
    std::string_view text;
    if (TRY(Type()) != ondemand::json_type::string) return Mismatch("a string");
    if (value.get_string().get(text) != simdjson::SUCCESS) return Unreadable();
    return std::string(text);
  }
  Result<bool> Bool() {
    bool flag = false;
    if (TRY(Type()) != ondemand::json_type::boolean) return Mismatch("true or false");
    if (value.get_bool().get(flag) != simdjson::SUCCESS) return Unreadable();
    return flag;
  }
  // The text of any value.
  Result<std::string> Raw() {
    const ondemand::json_type type = TRY(Type());
    std::string_view raw;
    if (type == ondemand::json_type::object) {
      ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(raw) != simdjson::SUCCESS)
        return Unreadable();
    } else if (type == ondemand::json_type::array) {
      ondemand::array array;
      if (value.get_array().get(array) != simdjson::SUCCESS || array.raw_json().get(raw) != simdjson::SUCCESS)
        return Unreadable();
    } else {
      raw = value.raw_json_token();
    }
    return std::string(Trimmed(raw));
  }

  // visit(key, Place) for each member.
  template <typename Visit>
  Result<void> EachMember(std::string_view expected, Visit&& visit) {
    ondemand::object object;
    if (TRY(Type()) != ondemand::json_type::object) return Mismatch(expected);
    if (value.get_object().get(object) != simdjson::SUCCESS) return Unreadable();
    return EachMemberOf(object, pointer, visit);
  }
  template <typename Visit>
  static Result<void> EachMemberOf(ondemand::object& object, const std::string& pointer, Visit&& visit) {
    for (auto item : object) {
      ondemand::field field;
      std::string_view key;
      if (std::move(item).get(field) != simdjson::SUCCESS || field.unescaped_key().get(key) != simdjson::SUCCESS)
        return Unreadable();
      Place place{field.value(), pointer + format::JsonPointer().Key(key).Take()};
      TRY(visit(key, place));
    }
    return {};
  }
  template <typename Visit>
  Result<void> EachElement(std::string_view expected, Visit&& visit) {
    ondemand::array array;
    if (TRY(Type()) != ondemand::json_type::array) return Mismatch(expected);
    if (value.get_array().get(array) != simdjson::SUCCESS) return Unreadable();
    size_t index = 0;
    for (auto item : array) {
      ondemand::value element;
      if (std::move(item).get(element) != simdjson::SUCCESS) return Unreadable();
      Place place{element, pointer + format::JsonPointer().Index(index++).Take()};
      TRY(visit(place));
    }
    return {};
  }
};

// Runs visit(key in snake_case, Place) for each member of a body's object. A null counts as an absent key. A key in
// both spellings counts as repeated.
template <typename Visit>
Result<void> EachBodyMember(std::string_view body, size_t depth_max, const std::vector<std::string>& known,
                            Visit&& visit) {
  TRY(format::CheckJson(body, depth_max));
  const simdjson::padded_string padded(body);
  ondemand::parser parser;
  ondemand::document document;
  const simdjson::error_code begun = parser.iterate(padded).get(document);
  // If there is no memory for the copy, it is empty.
  if (padded.size() != body.size() || begun == simdjson::MEMALLOC) return OutOfMemory();
  ondemand::json_type type{};
  if (begun != simdjson::SUCCESS || document.type().get(type) != simdjson::SUCCESS) return Unreadable();
  if (type != ondemand::json_type::object)
    return InvalidBody(Reason::kTypeMismatch, "the body must be a JSON object").With("pointer", "");
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return Unreadable();
  std::vector<std::string> seen;
  return Place::EachMemberOf(object, "", [&](std::string_view key, Place& place) -> Result<void> {
    std::string name = SnakeCase(key);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      Error error = InvalidBody(Reason::kUnknownKey, fmt::format("the body has no key '{}'", key.substr(0, 100)))
                        .With("pointer", place.pointer);
      const auto nearest = NearestName(name, known);
      return nearest ? std::move(error).With("hint", fmt::format("did you mean '{}'?", *nearest)) : std::move(error);
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return InvalidBody(Reason::kDuplicateKey, fmt::format("'{}' is given in both spellings", name))
          .With("pointer", place.pointer);
    }
    if (TRY(place.Type()) == ondemand::json_type::null) return {};
    TRY(visit(std::string_view(name), place));
    seen.push_back(std::move(name));
    return {};
  });
}

Error MissingKey(std::string_view key, std::string_view pointer = "") {
  return InvalidBody(Reason::kMissingKey,
                     fmt::format("the key '{}' is missing{}{}", key, pointer.empty() ? "" : " at ", pointer))
      .With("pointer", std::string(pointer));
}

Error InvalidSchema(const Place& place, std::string_view what) {
  return InvalidBody(Reason::kInvalidSchema, fmt::format("{}: {}", place.pointer, what)).With("pointer", place.pointer);
}

Result<delta::DataType> DecodeType(Place& place);

// {"name", "type", "nullable", "metadata"}. A field is nullable by default.
Result<delta::Field> DecodeField(Place& place) {
  delta::Field field;
  bool has_name = false, has_type = false;
  TRY(place.EachMember("an object with name and type", [&](std::string_view key, Place& member) -> Result<void> {
    if (key == "name") {
      field.name = TRY(member.String());
      has_name = true;
    } else if (key == "type") {
      field.type = TRY(DecodeType(member));
      has_type = true;
    } else if (key == "nullable") {
      field.nullable = TRY(member.Bool());
    } else if (key == "metadata") {
      if (TRY(member.Type()) == ondemand::json_type::null) return {};
      return member.EachMember("an object", [&](std::string_view name, Place& entry) -> Result<void> {
        field.metadata.emplace_back(name, TRY(entry.Raw()));
        return {};
      });
    } else {
      Error error = InvalidBody(Reason::kUnknownKey,
                                fmt::format("{}: a column has no key '{}'", place.pointer, key.substr(0, 100)))
                        .With("pointer", member.pointer);
      const auto nearest = NearestName(key, {"name", "type", "nullable", "metadata"});
      return nearest ? std::move(error).With("hint", fmt::format("did you mean '{}'?", *nearest)) : std::move(error);
    }
    return {};
  }));
  if (!has_name) return MissingKey("name", place.pointer);
  if (!has_type) return MissingKey("type", place.pointer);
  return field;
}

Result<std::vector<delta::Field>> DecodeFields(Place& place) {
  std::vector<delta::Field> fields;
  TRY(place.EachElement("an array of columns", [&](Place& element) -> Result<void> {
    fields.push_back(TRY(DecodeField(element)));
    return {};
  }));
  return fields;
}

// A struct, array or map in the form of Delta's schema strings. containsNull and valueContainsNull are true by default.
Result<delta::DataType> DecodeNestedType(Place& place) {
  std::string kind;
  delta::DataType type;
  std::optional<delta::DataType> element, key_type, value_type;
  std::optional<std::vector<delta::Field>> fields;
  TRY(place.EachMember("a type", [&](std::string_view key, Place& member) -> Result<void> {
    if (key == "type")
      kind = TRY(member.String());
    else if (key == "fields")
      fields = TRY(DecodeFields(member));
    else if (key == "elementType")
      element = TRY(DecodeType(member));
    else if (key == "keyType")
      key_type = TRY(DecodeType(member));
    else if (key == "valueType")
      value_type = TRY(DecodeType(member));
    else if (key == "containsNull" || key == "valueContainsNull")
      type.contains_null = TRY(member.Bool());
    else
      return InvalidSchema(member, "no key of a type");
    return {};
  }));
  if (kind == "struct" && fields) {
    type.kind = delta::TypeKind::kStruct;
    type.fields = std::move(*fields);
  } else if (kind == "array" && element) {
    type.kind = delta::TypeKind::kArray;
    type.children.push_back(std::move(*element));
  } else if (kind == "map" && key_type && value_type) {
    type.kind = delta::TypeKind::kMap;
    type.children.push_back(std::move(*key_type));
    type.children.push_back(std::move(*value_type));
  } else {
    return InvalidSchema(
        place,
        "a type is a name, or a struct with fields, an array with elementType, a map with keyType and valueType");
  }
  return type;
}

Result<delta::DataType> DecodeType(Place& place) {
  const ondemand::json_type json_type = TRY(place.Type());
  if (json_type == ondemand::json_type::object) return DecodeNestedType(place);
  if (json_type != ondemand::json_type::string) return place.Mismatch("a type: a name or an object");
  auto type = ParseTypeText(TRY(place.String()));
  if (!type.ok()) return std::move(type).error().Prefixed(place.pointer).With("pointer", place.pointer);
  return type;
}

// The list of columns, or a whole StructType.
Result<delta::Schema> DecodeSchema(Place& place) {
  if (TRY(place.Type()) == ondemand::json_type::array) return DecodeFields(place);
  delta::DataType type = TRY(DecodeNestedType(place));
  if (type.kind != delta::TypeKind::kStruct) return InvalidSchema(place, "the schema is no struct");
  return std::move(type.fields);
}

Result<std::vector<std::string>> DecodeStrings(Place& place) {
  std::vector<std::string> strings;
  TRY(place.EachElement("an array of strings", [&](Place& element) -> Result<void> {
    strings.push_back(TRY(element.String()));
    return {};
  }));
  return strings;
}

// Values are texts. A number or boolean becomes its own text; a null counts as an absent key.
Result<delta::StringMap> DecodeConfiguration(Place& place) {
  delta::StringMap configuration;
  TRY(place.EachMember("an object of strings", [&](std::string_view key, Place& member) -> Result<void> {
    const ondemand::json_type type = TRY(member.Type());
    if (type == ondemand::json_type::null) return {};
    if (type == ondemand::json_type::object || type == ondemand::json_type::array) return member.Mismatch("a string");
    configuration[std::string(key)] = type == ondemand::json_type::string ? TRY(member.String()) : TRY(member.Raw());
    return {};
  }));
  return configuration;
}

Result<table::CreateMode> DecodeMode(Place& place) {
  const std::string mode = TRY(place.String());
  if (mode == "error") return table::CreateMode::kErrorIfExists;
  if (mode == "ignore") return table::CreateMode::kIgnore;
  if (mode == "overwrite") return table::CreateMode::kOverwrite;
  return place.Mismatch("one of error, ignore, overwrite");
}

Result<duck::Parameter> DecodeParameter(Place& place) {
  switch (TRY(place.Type())) {
    case ondemand::json_type::null: return duck::Parameter();
    case ondemand::json_type::boolean: return duck::Parameter(TRY(place.Bool()));
    case ondemand::json_type::string: return duck::Parameter(TRY(place.String()));
    case ondemand::json_type::number: {
      const std::string token = TRY(place.Raw());
      int64_t integer = 0;
      const char* const end = token.data() + token.size();
      if (const auto [rest, status] = std::from_chars(token.data(), end, integer);
          status == std::errc() && rest == end) {
        return duck::Parameter(integer);
      }
      double value = 0;
      const bool whole = token.find_first_of(".eE") == std::string::npos;
      if (const auto [rest, status] = std::from_chars(token.data(), end, value);
          status != std::errc() || rest != end || whole) {
        return InvalidBody(
                   Reason::kValueOutOfRange,
                   fmt::format("{}: {} fits neither a long nor a double exactly: give it as a string and cast it",
                               place.pointer, token.substr(0, 60)))
            .With("pointer", place.pointer);
      }
      return duck::Parameter(value);
    }
    default: return place.Mismatch("a string, number, boolean or null");
  }
}

}  // namespace

Result<CreateBody> DecodeCreateBody(std::string_view body, size_t depth_max) {
  const std::vector<std::string> known = {"table",         "schema", "partition_columns", "comment",
                                          "configuration", "mode",   "dry_run",           "metadata"};
  CreateBody result;
  bool has_table = false, has_schema = false;
  TRY(EachBodyMember(body, depth_max, known, [&](std::string_view key, Place& place) -> Result<void> {
    if (key == "table") {
      result.table = TRY(place.String());
      has_table = true;
    } else if (key == "schema") {
      result.create.schema = TRY(DecodeSchema(place));
      has_schema = true;
    } else if (key == "partition_columns") {
      result.create.partition_columns = TRY(DecodeStrings(place));
    } else if (key == "comment") {
      result.create.comment = TRY(place.String());
    } else if (key == "configuration") {
      result.create.configuration = TRY(DecodeConfiguration(place));
    } else if (key == "mode") {
      result.create.mode = TRY(DecodeMode(place));
    } else if (key == "dry_run") {
      result.create.dry_run = TRY(place.Bool());
    } else if (key == "metadata") {
      // Clients of version 0.0.9 send notes of their own here, which have never been part of the table.
      if (TRY(place.Type()) != ondemand::json_type::object) return place.Mismatch("an object");
    }
    return {};
  }));
  if (!has_table) return MissingKey("table");
  if (!has_schema) return MissingKey("schema");
  return result;
}

Result<UpdateBody> DecodeUpdateBody(std::string_view body, size_t depth_max) {
  UpdateBody result;
  bool has_set = false;
  TRY(EachBodyMember(body, depth_max, {"set", "where"}, [&](std::string_view key, Place& place) -> Result<void> {
    if (key == "where") {
      result.update.where = TRY(place.String());
      return {};
    }
    has_set = true;
    return place.EachMember("", [&](std::string_view column, Place& member) -> Result<void> {
      result.update.set.emplace_back(column, TRY(member.String()));
      return {};
    });
  }));
  if (!has_set) return MissingKey("set");
  return result;
}

Result<SqlBody> DecodeSqlBody(std::string_view body, size_t depth_max) {
  const std::vector<std::string> known = {"sql", "parameters", "format"};
  SqlBody result;
  bool has_sql = false;
  TRY(EachBodyMember(body, depth_max, known, [&](std::string_view key, Place& place) -> Result<void> {
    if (key == "sql") {
      result.sql = TRY(place.String());
      has_sql = true;
    } else if (key == "format") {
      result.format = TRY(place.String());
    } else if (TRY(place.Type()) == ondemand::json_type::object) {
      return place.EachMember("", [&](std::string_view name, Place& member) -> Result<void> {
        result.named_parameters.emplace_back(name, TRY(DecodeParameter(member)));
        return {};
      });
    } else {
      return place.EachElement("an array of values, or an object of named ones", [&](Place& element) -> Result<void> {
        result.parameters.push_back(TRY(DecodeParameter(element)));
        return {};
      });
    }
    return {};
  }));
  if (!has_sql) return MissingKey("sql");
  return result;
}

}  // namespace yummy::server
