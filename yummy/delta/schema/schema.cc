#include "yummy/delta/schema/schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_set>

#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/base/json.h"
#include "yummy/base/text.h"
#include "yummy/delta/schema/json_text.h"

namespace yummy::delta {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr int kDepthMax = 64;
constexpr size_t kColumnsMax = 10'000;

struct PrimitiveName {
  std::string_view name;
  TypeKind kind;
};
constexpr std::array kPrimitives = {
    PrimitiveName{"boolean", TypeKind::kBoolean},     PrimitiveName{"byte", TypeKind::kByte},
    PrimitiveName{"short", TypeKind::kShort},         PrimitiveName{"integer", TypeKind::kInteger},
    PrimitiveName{"long", TypeKind::kLong},           PrimitiveName{"float", TypeKind::kFloat},
    PrimitiveName{"double", TypeKind::kDouble},       PrimitiveName{"string", TypeKind::kString},
    PrimitiveName{"binary", TypeKind::kBinary},       PrimitiveName{"date", TypeKind::kDate},
    PrimitiveName{"timestamp", TypeKind::kTimestamp}, PrimitiveName{"timestamp_ntz", TypeKind::kTimestampNtz},
    PrimitiveName{"void", TypeKind::kVoid},           PrimitiveName{"variant", TypeKind::kVariant},
};

Error CorruptSchema(std::string_view what) {
  return Error(ErrorCode::kCorrupt, fmt::format("schema: {}", what)).WithReason(Reason::kCorruptTable);
}

Error UnsupportedType(std::string_view name) {
  return Error(ErrorCode::kUnsupported, fmt::format("schema: the type '{}' is not supported", name))
      .WithReason(Reason::kUnsupportedType);
}

bool IsValidDecimal(const DataType& type) {
  constexpr int kPrecisionMax = 38;
  return type.precision >= 1 && type.precision <= kPrecisionMax && type.scale >= 0 && type.scale <= type.precision;
}

// "decimal(10,2)", "decimal(10, 2)" and the bare "decimal", which is (10,0).
std::optional<DataType> ParseDecimalName(std::string_view name) {
  if (!name.starts_with("decimal")) return std::nullopt;
  DataType type{.kind = TypeKind::kDecimal, .precision = 10, .scale = 0, .fields = {}, .children = {}};
  name.remove_prefix(7);
  if (name.empty()) return type;
  if (name.size() < 5 || name.front() != '(' || name.back() != ')') return std::nullopt;
  name = name.substr(1, name.size() - 2);
  const size_t comma = name.find(',');
  if (comma == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view text, int& out) {
    text = TrimJson(text);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size();
  };
  if (!number(name.substr(0, comma), type.precision) || !number(name.substr(comma + 1), type.scale))
    return std::nullopt;
  return IsValidDecimal(type) ? std::optional(type) : std::nullopt;
}

Result<DataType> ParsePrimitive(std::string_view name) {
  for (const PrimitiveName& primitive : kPrimitives) {
    if (primitive.name == name) return DataType{.kind = primitive.kind, .fields = {}, .children = {}};
  }
  std::optional<DataType> decimal = ParseDecimalName(name);
  if (!decimal) return UnsupportedType(name);
  return std::move(*decimal);
}

// Walks simdjson's values. simdjson checks a value only when it is read, so this reads everything.
class SchemaParser {
 public:
  explicit SchemaParser(std::string_view text) : text_(text) {}

  Result<DataType> Type(ondemand::value value, int depth) {
    if (depth > kDepthMax) return CorruptSchema(fmt::format("nested deeper than {}", kDepthMax));
    ondemand::json_type kind{};
    if (value.type().get(kind) != simdjson::SUCCESS) return NotJson();
    if (kind == ondemand::json_type::string) return ParsePrimitive(TRY(String(value)));
    if (kind != ondemand::json_type::object) return CorruptSchema("a type is neither a name nor an object");
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return NotJson();
    return Nested(object, depth);
  }

  Result<DataType> Nested(ondemand::object object, int depth) {
    std::string name;
    DataType type;
    std::optional<DataType> element, key, mapped;
    std::optional<std::vector<Field>> fields;
    TRY(EachField(object, [&](std::string_view field, ondemand::value& value) -> Result<void> {
      if (field == "type")
        name = TRY(String(value));
      else if (field == "fields")
        fields = TRY(Fields(value, depth));
      else if (field == "elementType")
        element = TRY(Type(value, depth + 1));
      else if (field == "keyType")
        key = TRY(Type(value, depth + 1));
      else if (field == "valueType")
        mapped = TRY(Type(value, depth + 1));
      else if (field == "containsNull" || field == "valueContainsNull")
        type.contains_null = TRY(Bool(value));
      else
        return Check(value, depth);
      return {};
    }));
    if (name == "struct") {
      if (!fields) return CorruptSchema("a struct has no fields");
      type.kind = TypeKind::kStruct;
      type.fields = std::move(*fields);
      TRY(CheckNames(type.fields));
    } else if (name == "array") {
      if (!element) return CorruptSchema("an array has no elementType");
      type.kind = TypeKind::kArray;
      type.children.push_back(std::move(*element));
    } else if (name == "map") {
      if (!key || !mapped) return CorruptSchema("a map has no keyType or no valueType");
      type.kind = TypeKind::kMap;
      type.children.push_back(std::move(*key));
      type.children.push_back(std::move(*mapped));
    } else if (name.empty()) {
      return CorruptSchema("a nested type has no name");
    } else {
      return UnsupportedType(name);  // "udt" is one
    }
    return type;
  }

 private:
  Error NotJson() const { return CorruptSchema("not JSON, or cut off"); }

  template <typename Visit>
  Result<void> EachField(ondemand::object object, Visit&& visit) {
    for (auto item : object) {
      ondemand::field field;
      if (std::move(item).get(field) != simdjson::SUCCESS) return NotJson();
      std::string key;
      if (!ReadJsonString(Rest(field.key()), key)) return NotJson();
      TRY(visit(std::string_view(key), field.value()));
    }
    return {};
  }

  std::string_view Rest(const ondemand::raw_json_string& raw) const {
    return {raw.raw(), static_cast<size_t>(text_.data() + text_.size() - raw.raw())};
  }

  Result<std::string> String(ondemand::value& value) {
    ondemand::raw_json_string raw;
    std::string text;
    if (value.get_raw_json_string().get(raw) != simdjson::SUCCESS || !ReadJsonString(Rest(raw), text)) {
      return CorruptSchema("a name is not a string");
    }
    return text;
  }

  Result<bool> Bool(ondemand::value& value) {
    bool flag = false;
    if (value.get_bool().get(flag) != simdjson::SUCCESS) return CorruptSchema("a flag is neither true nor false");
    return flag;
  }

  Result<std::vector<Field>> Fields(ondemand::value& value, int depth) {
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return CorruptSchema("the fields of a struct are no array");
    std::vector<Field> fields;
    for (auto item : array) {
      ondemand::value element;
      ondemand::object object;
      if (std::move(item).get(element) != simdjson::SUCCESS) return NotJson();
      if (element.get_object().get(object) != simdjson::SUCCESS) return CorruptSchema("a field is no object");
      fields.push_back(TRY(OneField(object, depth)));
    }
    return fields;
  }

  Result<Field> OneField(ondemand::object object, int depth) {
    Field field;
    bool has_name = false, has_type = false;
    TRY(EachField(object, [&](std::string_view key, ondemand::value& value) -> Result<void> {
      if (key == "name") {
        field.name = TRY(String(value));
        has_name = true;
      } else if (key == "type") {
        field.type = TRY(Type(value, depth + 1));
        has_type = true;
      } else if (key == "nullable") {
        field.nullable = TRY(Bool(value));
      } else if (key == "metadata") {
        field.metadata = TRY(Metadata(value));
      } else {
        return Check(value, depth);
      }
      return {};
    }));
    if (!has_name) return CorruptSchema("a field has no name");
    if (!has_type) return CorruptSchema(fmt::format("the field '{}' has no type", field.name));
    return field;
  }

  Result<FieldMetadata> Metadata(ondemand::value& value) {
    FieldMetadata metadata;
    bool is_null = false;
    if (value.is_null().get(is_null) != simdjson::SUCCESS) return NotJson();
    if (is_null) return metadata;
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS)
      return CorruptSchema("the metadata of a field is no object");
    TRY(EachField(object, [&](std::string_view key, ondemand::value& item) -> Result<void> {
      metadata.emplace_back(std::string(key), TRY(Raw(item)));
      return {};
    }));
    return metadata;
  }

  // The value's text as it stands.
  Result<std::string> Raw(ondemand::value& value) {
    const std::string_view token = value.raw_json_token();
    ondemand::json_type kind{};
    if (value.type().get(kind) != simdjson::SUCCESS) return NotJson();
    std::string_view raw = TrimJson(token);
    if (kind == ondemand::json_type::object) {
      ondemand::object object;
      if (value.get_object().get(object) != simdjson::SUCCESS) return NotJson();
      if (object.raw_json().get(raw) != simdjson::SUCCESS) return NotJson();
    } else if (kind == ondemand::json_type::array) {
      ondemand::array array;
      if (value.get_array().get(array) != simdjson::SUCCESS) return NotJson();
      if (array.raw_json().get(raw) != simdjson::SUCCESS) return NotJson();
    }
    return std::string(raw);
  }

  Result<void> Check(ondemand::value& value, int) {
    TRY(Raw(value));
    return {};
  }

  static Result<void> CheckNames(const std::vector<Field>& fields) {
    std::unordered_set<std::string> names;
    for (const Field& field : fields) {
      if (!names.insert(LowerCase(field.name)).second)
        return CorruptSchema(fmt::format("the column '{}' occurs twice", field.name));
    }
    return {};
  }

  std::string_view text_;
};

// Checks that the whole text is well-formed, because on-demand parsing skips parts. Also refuses numbers beyond 64
// bits.
Result<void> CheckJson(const simdjson::padded_string& padded) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  const simdjson::error_code error = parser.parse(padded).get(element);
  if (error == simdjson::MEMALLOC) return OutOfMemory();
  if (error != simdjson::SUCCESS) return CorruptSchema("not JSON, or cut off");
  return {};
}

void WriteTypeTo(JsonWriter& json, const DataType& type);

void WriteStructTo(JsonWriter& json, const std::vector<Field>& fields) {
  json.BeginObject();
  json.Key("type");
  json.String("struct");
  json.Key("fields");
  json.BeginArray();
  for (const Field& field : fields) {
    json.BeginObject();
    json.Key("name");
    json.String(field.name);
    json.Key("type");
    WriteTypeTo(json, field.type);
    json.Key("nullable");
    json.Bool(field.nullable);
    json.Key("metadata");
    json.BeginObject();
    for (const auto& [key, value] : field.metadata) {
      json.Key(key);
      json.Raw(value);
    }
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
  json.EndObject();
}

void WriteTypeTo(JsonWriter& json, const DataType& type) {
  switch (type.kind) {
    case TypeKind::kStruct: return WriteStructTo(json, type.fields);
    case TypeKind::kArray:
      json.BeginObject();
      json.Key("type");
      json.String("array");
      json.Key("elementType");
      WriteTypeTo(json, type.children.at(0));
      json.Key("containsNull");
      json.Bool(type.contains_null);
      json.EndObject();
      return;
    case TypeKind::kMap:
      json.BeginObject();
      json.Key("type");
      json.String("map");
      json.Key("keyType");
      WriteTypeTo(json, type.children.at(0));
      json.Key("valueType");
      WriteTypeTo(json, type.children.at(1));
      json.Key("valueContainsNull");
      json.Bool(type.contains_null);
      json.EndObject();
      return;
    default: json.String(TypeName(type));
  }
}

Error InvalidSchema(std::string what) {
  return Error(ErrorCode::kInvalidArgument, std::move(what)).WithReason(Reason::kInvalidSchema);
}

Result<void> CheckNewFields(const std::vector<Field>& fields, bool column_mapping, size_t& leaves, int depth);

Result<void> CheckNewType(const DataType& type, bool column_mapping, size_t& leaves, int depth) {
  if (depth > kDepthMax) return InvalidSchema(fmt::format("the schema is nested deeper than {}", kDepthMax));
  if (type.kind == TypeKind::kStruct) return CheckNewFields(type.fields, column_mapping, leaves, depth);
  if (type.kind == TypeKind::kDecimal && !IsValidDecimal(type))
    return InvalidSchema(fmt::format("no table has the type {}", TypeName(type)));
  for (const DataType& child : type.children) TRY(CheckNewType(child, column_mapping, leaves, depth + 1));
  return {};
}

Result<void> CheckNewFields(const std::vector<Field>& fields, bool column_mapping, size_t& leaves, int depth) {
  if (fields.empty()) return InvalidSchema(depth == 0 ? "the schema has no columns" : "a struct has no fields");
  std::unordered_set<std::string> names;
  for (const Field& field : fields) {
    if (field.name.empty()) return InvalidSchema("a column has an empty name");
    if (!IsUtf8(field.name) || field.name.find('\0') != std::string::npos)
      return InvalidSchema("a column's name is not UTF-8 text");
    if (!column_mapping && field.name.find_first_of(" ,;{}()\n\t=") != std::string::npos) {
      return InvalidSchema(
                 fmt::format("the column name '{}' holds one of the characters \" ,;{{}}()\\n\\t=\"", field.name))
          .With("column", field.name);
    }
    if (!names.insert(LowerCase(field.name)).second) {
      return InvalidSchema(fmt::format("the column '{}' occurs twice", field.name)).With("column", field.name);
    }
    if (++leaves > kColumnsMax) return InvalidSchema(fmt::format("the schema has more than {} columns", kColumnsMax));
    TRY(CheckNewType(field.type, column_mapping, leaves, depth + 1));
  }
  return {};
}

}  // namespace

std::optional<std::string_view> Field::FindMetadata(std::string_view key) const {
  for (const auto& [item, value] : metadata) {
    if (item == key) return value;
  }
  return std::nullopt;
}

Result<DataType> ParseType(std::string_view json) {
  const simdjson::padded_string padded(json);
  if (padded.size() != json.size()) return OutOfMemory();
  TRY(CheckJson(padded));
  const std::string_view trimmed = TrimJson(json);
  if (trimmed.starts_with('"')) {
    const std::optional<std::string> name = UnquoteJson(trimmed);
    if (!name) return CorruptSchema("a type's name is not a string");
    return ParsePrimitive(*name);
  }
  ondemand::parser parser;
  ondemand::document document;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return OutOfMemory();  // it was JSON just now
  ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS)
    return CorruptSchema("a type is neither a name nor an object");
  return SchemaParser({padded.data(), padded.size()}).Nested(object, 0);
}

Result<Schema> ParseSchema(std::string_view json) {
  DataType type = TRY(ParseType(json));
  if (type.kind != TypeKind::kStruct) return CorruptSchema("it is not a struct");
  return std::move(type.fields);
}

std::string WriteType(const DataType& type) {
  JsonWriter json;
  WriteTypeTo(json, type);
  return json.Take();
}

std::string WriteSchema(const Schema& schema) {
  JsonWriter json;
  WriteStructTo(json, schema);
  return json.Take();
}

std::string TypeName(const DataType& type) {
  switch (type.kind) {
    case TypeKind::kDecimal: return fmt::format("decimal({},{})", type.precision, type.scale);
    case TypeKind::kArray: return fmt::format("array<{}>", TypeName(type.children.at(0)));
    case TypeKind::kMap: return fmt::format("map<{},{}>", TypeName(type.children.at(0)), TypeName(type.children.at(1)));
    case TypeKind::kStruct: {
      std::string text = "struct<";
      for (const Field& field : type.fields) {
        if (text.back() != '<') text += ',';
        text += field.name + ':' + TypeName(field.type);
      }
      return text + '>';
    }
    default: break;
  }
  for (const PrimitiveName& primitive : kPrimitives) {
    if (primitive.kind == type.kind) return std::string(primitive.name);
  }
  return "unknown";
}

std::optional<size_t> FindColumn(const Schema& schema, std::string_view name) {
  for (size_t i = 0; i < schema.size(); i++) {
    if (schema[i].name == name) return i;
  }
  const std::string lower = LowerCase(name);
  for (size_t i = 0; i < schema.size(); i++) {
    if (LowerCase(schema[i].name) == lower) return i;
  }
  return std::nullopt;
}

Result<void> CheckNewSchema(const Schema& schema, bool column_mapping) {
  size_t leaves = 0;
  return CheckNewFields(schema, column_mapping, leaves, 0);
}

}  // namespace yummy::delta
