#include "yummy/format/rows/rows_json.h"

#include <cstring>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <simdjson.h>

#include "yummy/base/exception.h"
#include "yummy/base/text.h"
#include "yummy/format/json/json_check.h"
#include "yummy/format/json/json_number.h"
#include "yummy/format/json/json_pointer.h"
#include "yummy/format/json/key_set.h"
#include "yummy/format/rows/json_column.h"

namespace yummy::format {

namespace {

namespace ondemand = simdjson::ondemand;

Error InvalidArgument(Reason reason, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(reason);
}

Error Internal(const arrow::Status& status) { return Error(ErrorCode::kInternal, status.ToString()); }

// Consumes a string and returns its text. It is not left to simdjson to skip, because simdjson would take a string
// before a ':' for a key and hide what follows. Without escapes the result is a view of the body. Otherwise simdjson
// unescapes it, which lets a lone low surrogate through.
Result<std::string_view> Text(ondemand::value& value) {
  const std::string_view token = Trimmed(value.raw_json_token());
  if (token.size() < 2) return InvalidJson();
  if (std::memchr(token.data(), '\\', token.size()) == nullptr) {
    if (value.get_raw_json_string().error() != simdjson::SUCCESS) return InvalidJson();
    return token.substr(1, token.size() - 2);
  }
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS || !IsUtf8(text)) return InvalidJson();
  return text;
}

Result<std::string_view> KeyText(ondemand::field& field) {
  const char* const begin = field.key().raw();
  const char* end = begin;
  while (*end != '"') end++;  // the first stage of simdjson has checked that the string ends
  const std::string_view plain(begin, static_cast<size_t>(end - begin));
  if (plain.find('\\') == std::string_view::npos) return plain;
  std::string_view text;
  if (field.unescaped_key().get(text) != simdjson::SUCCESS || !IsUtf8(text)) return InvalidJson();
  return text;
}

// Walks a body and fills the columns of a schema. After an error it knows the place.
class RowsWalk {
 public:
  RowsWalk(const arrow::Schema& schema, const RowsJsonOptions& options)
      : schema_(schema), names_(schema.fields()), depth_max_(options.depth_max), column_options_(options.columns) {
    builders_.resize(names_.size());
    columns_.resize(names_.size());
  }

  Result<RowsBody> Body(ondemand::document& document) {
    ondemand::json_type type{};
    if (document.type().get(type) != simdjson::SUCCESS) return InvalidJson();
    ondemand::object body;
    if (type != ondemand::json_type::object)
      return TypeMismatch("an object with record_batch_dict or record_batch_list", "another value");
    if (document.get_object().get(body) != simdjson::SUCCESS) return InvalidJson();
    RowsBody result;
    TRY(EachMember(body,
                   [&](std::string_view key, ondemand::value& value) { return At(key, Member(key, value, result)); }));
    const char* rest = nullptr;
    if (document.current_location().get(rest) != simdjson::OUT_OF_BOUNDS)
      return InvalidJson();  // more after the body's end
    if (result.rows == nullptr) {
      return InvalidArgument(Reason::kOneOfRequired,
                             "the body has neither record_batch_dict nor record_batch_list: one of them is required");
    }
    return result;
  }

  // Adds the place of the walk to the error that ended it.
  Error Located(Error error) const {
    JsonPointer pointer;
    for (auto segment = path_.rbegin(); segment != path_.rend(); ++segment) {
      if (const auto* index = std::get_if<size_t>(&*segment)) {
        pointer.Index(*index);
      } else {
        pointer.Key(std::get<std::string>(*segment));
      }
    }
    if (column_ && row_) {
      error = std::move(error).Prefixed(fmt::format("column '{}', row {}", names_.name(*column_), *row_));
    } else if (column_) {
      error = std::move(error).Prefixed(fmt::format("column '{}'", names_.name(*column_)));
    } else if (row_) {
      error = std::move(error).Prefixed(fmt::format("row {}", *row_));
    }
    if (!path_.empty()) error = std::move(error).With("pointer", pointer.Take());
    if (row_) error = std::move(error).With("row", std::to_string(*row_));
    if (column_) error = std::move(error).With("column", names_.name(*column_));
    return error;
  }

 private:
  // Adds a step to the path of an error.
  Result<void> At(std::string_view key, Result<void> result) {
    if (!result.ok()) [[unlikely]]
      path_.emplace_back(std::string(key));
    return result;
  }
  Result<void> At(size_t index, Result<void> result) {
    if (!result.ok()) [[unlikely]]
      path_.emplace_back(index);
    return result;
  }

  template <typename Visit>
  static Result<void> EachMember(ondemand::object& object, Visit&& visit) {
    for (auto item : object) {
      ondemand::field field;
      if (std::move(item).get(field) != simdjson::SUCCESS) return InvalidJson();
      const std::string_view key = TRY(KeyText(field));
      TRY(visit(key, field.value()));
    }
    return {};
  }

  template <typename Visit>
  static Result<void> EachElement(ondemand::array& array, Visit&& visit) {
    size_t index = 0;
    for (auto item : array) {
      ondemand::value value;
      if (std::move(item).get(value) != simdjson::SUCCESS) return InvalidJson();
      TRY(visit(index, value));
      index++;
    }
    return {};
  }

  static Result<ondemand::json_type> TypeOf(ondemand::value& value) {
    ondemand::json_type type{};
    if (value.type().get(type) != simdjson::SUCCESS) return InvalidJson();
    return type;
  }

  static Result<void> TakeNull(ondemand::value& value) {
    bool null = false;
    if (value.is_null().get(null) != simdjson::SUCCESS || !null) return InvalidJson();
    return {};
  }

  Result<void> Member(std::string_view key, ondemand::value& value, RowsBody& result) {
    const bool dict = key == "record_batch_dict" || key == "recordBatchDict";
    const bool list = key == "record_batch_list" || key == "recordBatchList";
    const ondemand::json_type type = TRY(TypeOf(value));
    if (key == "dry_run" || key == "dryRun") {
      if (type != ondemand::json_type::boolean) return TypeMismatch("true or false", "another value");
      if (value.get_bool().get(result.dry_run) != simdjson::SUCCESS) return InvalidJson();
      return {};
    }
    if (!dict && !list) return UnknownKey(key);
    if (type == ondemand::json_type::null) return TakeNull(value);  // counts as absent
    if (result.rows != nullptr)
      return InvalidArgument(
          Reason::kOneOfRequired,
          "the body gives its rows twice: one of record_batch_dict and record_batch_list is required");
    if (dict) {
      ondemand::object object;
      if (type != ondemand::json_type::object) return TypeMismatch("an object of columns", "another value");
      if (value.get_object().get(object) != simdjson::SUCCESS) return InvalidJson();
      result.rows = TRY(Dict(object));
    } else {
      ondemand::array array;
      if (type != ondemand::json_type::array) return TypeMismatch("an array of rows", "another value");
      if (value.get_array().get(array) != simdjson::SUCCESS) return InvalidJson();
      result.rows = TRY(List(array));
    }
    return {};
  }

  static Error UnknownKey(std::string_view key) {
    const std::string shown(key.substr(0, 100));
    Error error = InvalidArgument(Reason::kUnknownKey, fmt::format("the body has no key '{}'", shown));
    const auto nearest = NearestName(
        shown, {"record_batch_dict", "record_batch_list", "recordBatchDict", "recordBatchList", "dry_run", "dryRun"});
    return nearest ? std::move(error).With("hint", fmt::format("did you mean '{}'?", *nearest)) : std::move(error);
  }

  Result<void> MakeColumn(size_t index) {
    const auto& field = schema_.field(static_cast<int>(index));
    auto builder = arrow::MakeBuilder(field->type());
    if (!builder.ok()) return Internal(builder.status());
    builders_[index] = std::move(*builder);
    columns_[index] = TRY(JsonColumn::Make(*field, builders_[index].get(), column_options_));
    return {};
  }

  // {"a": […], "b": […]}
  Result<std::shared_ptr<arrow::RecordBatch>> Dict(ondemand::object& object) {
    std::vector<std::pair<std::string, int64_t>> lengths;
    TRY(EachMember(object, [&](std::string_view key, ondemand::value& value) -> Result<void> {
      TRY(At(key, DictColumn(key, value)));
      lengths.emplace_back(key, builders_[*column_]->length());
      column_.reset();
      return {};
    }));
    const int64_t rows = lengths.empty() ? 0 : lengths[0].second;
    for (const auto& [name, length] : lengths) {
      if (length != rows) return LengthsDiffer(lengths);
    }
    return Finish(rows);
  }

  static Error LengthsDiffer(const std::vector<std::pair<std::string, int64_t>>& lengths) {
    std::string list;
    for (const auto& [name, length] : lengths)
      list += fmt::format("{}{}: {}", list.empty() ? "" : ", ", name.substr(0, 100), length);
    constexpr size_t kListBytesMax = 2000;
    return InvalidArgument(Reason::kColumnLengthsDiffer,
                           fmt::format("the columns are of unequal length: {}", list.substr(0, kListBytesMax)));
  }

  Result<void> DictColumn(std::string_view key, ondemand::value& value) {
    const auto index = names_.Find(key);
    if (!index) return names_.Unknown("column", key).With("column", std::string(key.substr(0, 200)));
    column_ = *index;
    if (columns_[*index] != nullptr) return InvalidArgument(Reason::kDuplicateKey, "the column is given twice");
    TRY(MakeColumn(*index));
    JsonColumn& column = *columns_[*index];
    if (TRY(TypeOf(value)) != ondemand::json_type::array)
      return TypeMismatch("an array of the column's values", "another value");
    ondemand::array array;
    if (value.get_array().get(array) != simdjson::SUCCESS) return InvalidJson();
    constexpr size_t kDepth = 4;  // body, dict, column, value
    TRY(EachElement(array, [&](size_t row, ondemand::value& element) -> Result<void> {
      auto result = Value(element, column, kDepth);
      if (!result.ok()) [[unlikely]]
        row_ = row;
      return At(row, std::move(result));
    }));
    return {};
  }

  // [{"a": 1, "b": 2}, …]
  Result<std::shared_ptr<arrow::RecordBatch>> List(ondemand::array& array) {
    for (size_t i = 0; i < names_.size(); i++) {
      column_ = i;
      TRY(MakeColumn(i));
    }
    column_.reset();
    std::vector<size_t> last_row(names_.size(), 0);  // for each column, the row of its last value, counted from 1
    size_t rows = 0;
    TRY(EachElement(array, [&](size_t row, ondemand::value& value) -> Result<void> {
      rows = row + 1;
      row_ = row;
      return At(row, Row(value, rows, last_row));
    }));
    row_.reset();
    return Finish(static_cast<int64_t>(rows));
  }

  Result<void> Row(ondemand::value& value, size_t row_number, std::vector<size_t>& last_row) {
    if (TRY(TypeOf(value)) != ondemand::json_type::object) return TypeMismatch("an object: a row", "another value");
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) return InvalidJson();
    size_t expected = 0;  // rows usually have their keys in the order of the columns
    size_t given = 0;
    TRY(EachMember(object, [&](std::string_view key, ondemand::value& member) -> Result<void> {
      std::optional<size_t> index = expected;
      if (expected >= names_.size() || names_.name(expected) != key) index = names_.Find(key);
      column_ = index;  // even if absent, so that an error does not name the previous column
      if (!index) return At(key, names_.Unknown("column", key).With("column", std::string(key.substr(0, 200))));
      if (last_row[*index] == row_number)
        return At(key, InvalidArgument(Reason::kDuplicateKey, "the column is given twice"));
      last_row[*index] = row_number;
      expected = *index + 1;
      given++;
      constexpr size_t kDepth = 4;  // body, list, row, value
      return At(key, Value(member, *columns_[*index], kDepth));
    }));
    for (size_t i = 0; given < names_.size() && i < names_.size(); i++) {
      if (last_row[i] == row_number) continue;
      column_ = i;
      TRY(columns_[i]->Null());
    }
    column_.reset();
    return {};
  }

  Result<std::shared_ptr<arrow::RecordBatch>> Finish(int64_t rows) {
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (size_t i = 0; i < names_.size(); i++) {
      const auto& field = schema_.field(static_cast<int>(i));
      if (columns_[i] == nullptr && !field->nullable()) {
        column_ = i;
        return InvalidArgument(Reason::kSchemaMismatch, "the column is missing, and it is NOT NULL");
      }
      auto array = columns_[i] == nullptr ? arrow::MakeArrayOfNull(field->type(), rows) : builders_[i]->Finish();
      if (!array.ok()) return Internal(array.status());
      arrays.push_back(std::move(*array));
    }
    return arrow::RecordBatch::Make(arrow::schema(schema_.fields()), rows, std::move(arrays));
  }

  Result<void> Value(ondemand::value& value, JsonColumn& column, size_t depth) {
    switch (TRY(TypeOf(value))) {
      case ondemand::json_type::number: return column.Number(Trimmed(value.raw_json_token()));
      case ondemand::json_type::string: return column.String(TRY(Text(value)));
      case ondemand::json_type::null: TRY(TakeNull(value)); return column.Null();
      case ondemand::json_type::boolean: {
        bool flag = false;
        if (value.get_bool().get(flag) != simdjson::SUCCESS) return InvalidJson();
        return column.Bool(flag);
      }
      case ondemand::json_type::array: {
        if (depth > depth_max_) return TooDeep();
        ondemand::array array;
        if (value.get_array().get(array) != simdjson::SUCCESS) return InvalidJson();
        return Array(array, column, depth);
      }
      case ondemand::json_type::object: {
        if (depth > depth_max_) return TooDeep();
        ondemand::object object;
        if (value.get_object().get(object) != simdjson::SUCCESS) return InvalidJson();
        return Object(object, column, depth);
      }
    }
    return InvalidJson();
  }

  Error TooDeep() const {
    return InvalidArgument(Reason::kJsonTooDeep, fmt::format("the JSON is nested deeper than {} levels", depth_max_));
  }

  Result<void> Array(ondemand::array& array, JsonColumn& column, size_t depth) {
    switch (column.shape()) {
      case JsonColumn::Shape::kList:
        TRY(column.Begin());
        return EachElement(array, [&](size_t index, ondemand::value& element) {
          return At(index, Value(element, column.child(0), depth + 1));
        });
      case JsonColumn::Shape::kBinary: return Bytes(array, column);
      case JsonColumn::Shape::kMap: return Entries(array, column, depth);
      default: return TypeMismatch(column.type_name(), "an array");
    }
  }

  Result<void> Bytes(ondemand::array& array, JsonColumn& column) {
    std::string bytes;
    TRY(EachElement(array, [&](size_t index, ondemand::value& element) -> Result<void> {
      return At(index, Byte(element, bytes));
    }));
    return column.Bytes(bytes);
  }

  static Result<void> Byte(ondemand::value& element, std::string& bytes) {
    if (TRY(TypeOf(element)) != ondemand::json_type::number)
      return TypeMismatch("a byte from 0 to 255", "another value");
    bytes += static_cast<char>(TRY(
        ParseJsonInteger(Trimmed(element.raw_json_token()), {.min = 0, .max = 255, .type = "a byte from 0 to 255"})));
    return {};
  }

  // A map as [{"key": …, "value": …}, …].
  Result<void> Entries(ondemand::array& array, JsonColumn& column, size_t depth) {
    TRY(column.Begin());
    KeySet keys;
    return EachElement(array, [&](size_t index, ondemand::value& element) -> Result<void> {
      return At(index, Entry(element, column, depth + 1, keys));
    });
  }

  Result<void> Entry(ondemand::value& element, JsonColumn& column, size_t depth, KeySet& keys) {
    if (TRY(TypeOf(element)) != ondemand::json_type::object)
      return TypeMismatch("an object with key and value", "another value");
    if (depth > depth_max_) return TooDeep();
    ondemand::object object;
    if (element.get_object().get(object) != simdjson::SUCCESS) return InvalidJson();
    bool has_key = false, has_value = false;
    TRY(EachMember(object, [&](std::string_view name, ondemand::value& value) -> Result<void> {
      bool& seen = name == "key" ? has_key : has_value;
      if (name != "key" && name != "value")
        return At(name, InvalidArgument(Reason::kSchemaMismatch, "an entry of a map has key and value only"));
      if (seen) return At(name, InvalidArgument(Reason::kDuplicateKey, "the key stands twice in one object"));
      seen = true;
      return At(name,
                name == "key" ? EntryKey(value, column, depth + 1, keys) : Value(value, column.child(1), depth + 1));
    }));
    if (!has_key) return InvalidArgument(Reason::kSchemaMismatch, "an entry of a map has no key");
    return has_value ? Result<void>() : column.child(1).Null();
  }

  Result<void> EntryKey(ondemand::value& value, JsonColumn& column, size_t depth, KeySet& keys) {
    const ondemand::json_type type = TRY(TypeOf(value));
    if (type == ondemand::json_type::string && column.has_string_keys()) {
      const std::string_view text = TRY(Text(value));
      if (!keys.Insert(text)) return DuplicateMapKey();
      return column.child(0).String(text);
    }
    const bool scalar = type != ondemand::json_type::array && type != ondemand::json_type::object;
    if (scalar && !keys.Insert(Trimmed(value.raw_json_token()))) return DuplicateMapKey();
    return Value(value, column.child(0), depth);
  }

  static Error DuplicateMapKey() { return InvalidArgument(Reason::kDuplicateKey, "a map has the same key twice"); }

  Result<void> Object(ondemand::object& object, JsonColumn& column, size_t depth) {
    if (column.shape() == JsonColumn::Shape::kStruct) return Struct(object, column, depth);
    if (column.shape() != JsonColumn::Shape::kMap) return TypeMismatch(column.type_name(), "an object");
    if (!column.has_string_keys()) {
      return TypeMismatch("a map as [{\"key\": …, \"value\": …}], for its keys are no strings", "an object");
    }
    TRY(column.Begin());
    KeySet keys;
    return EachMember(object, [&](std::string_view key, ondemand::value& value) -> Result<void> {
      if (!keys.Insert(key)) return At(key, DuplicateMapKey());
      TRY(column.child(0).String(key));
      return At(key, Value(value, column.child(1), depth + 1));
    });
  }

  Result<void> Struct(ondemand::object& object, JsonColumn& column, size_t depth) {
    TRY(column.Begin());
    const FieldNames& fields = column.fields();
    std::vector<bool> seen(fields.size());
    TRY(EachMember(object, [&](std::string_view key, ondemand::value& value) -> Result<void> {
      const auto index = fields.Find(key);
      if (!index) return At(key, fields.Unknown("field", key));
      if (seen[*index]) return At(key, InvalidArgument(Reason::kDuplicateKey, "the field is given twice"));
      seen[*index] = true;
      return At(key, Value(value, column.child(*index), depth + 1));
    }));
    for (size_t i = 0; i < seen.size(); i++) {
      if (!seen[i]) TRY(At(fields.name(i), column.child(i).Null()));
    }
    return {};
  }

  const arrow::Schema& schema_;
  FieldNames names_;
  size_t depth_max_;
  JsonColumnOptions column_options_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
  std::vector<std::unique_ptr<JsonColumn>> columns_;  // for a dict only the columns that it has
  // The place of the walk: top column and row. When an error is passed up, the path is filled from its end.
  std::optional<size_t> column_;
  std::optional<size_t> row_;
  std::vector<std::variant<size_t, std::string>> path_;
};

}  // namespace

Result<RowsBody> DecodeRowsJson(std::string_view body, const arrow::Schema& schema, const RowsJsonOptions& options) {
  const simdjson::padded_string padded(body);
  ondemand::parser parser;
  ondemand::document document;
  const simdjson::error_code begun = parser.iterate(padded).get(document);
  // If there is no memory for the copy, it is empty.
  if (padded.size() != body.size() || begun == simdjson::MEMALLOC) return OutOfMemory();
  RowsWalk walk(schema, options);
  Result<RowsBody> result = begun == simdjson::SUCCESS ? walk.Body(document) : InvalidJson();
  if (result.ok()) return result;
  // The walk stops at the first thing that it does not expect. If the text is not JSON at all, that is the error to
  // report.
  TRY(CheckJson(body, options.depth_max));
  return walk.Located(std::move(result).error());
}

}  // namespace yummy::format
