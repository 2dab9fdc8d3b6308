#pragma once
// Takes the JSON values of one column, with a tree of builders in the shape of its type. It decides what a value means;
// rows_json.h reads the JSON.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <arrow/type_fwd.h>

#include "yummy/base/result.h"

namespace yummy::format {

/// The columns of a table or the fields of a struct by name.
class FieldNames {
 public:
  explicit FieldNames(const std::vector<std::shared_ptr<arrow::Field>>& fields);
  FieldNames(const FieldNames&) = delete;  // the maps view the names
  FieldNames& operator=(const FieldNames&) = delete;

  /// Finds a column by its exact name, otherwise ignoring case if only one matches.
  std::optional<size_t> Find(std::string_view name) const;
  const std::string& name(size_t index) const { return names_[index]; }
  size_t size() const { return names_.size(); }
  /// SCHEMA_MISMATCH with the nearest name as a hint. `what` is "column" or "field".
  Error Unknown(std::string_view what, std::string_view name) const;

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string_view, size_t> exact_;
  std::unordered_map<std::string, std::optional<size_t>> lower_;  // an absent position: several columns have the name
};

/// The unit of timestamps that are bare numbers. The value is the power of ten of the unit in microseconds.
enum class TimestampUnit : int8_t { kNano = -3, kMicro = 0, kMilli = 3, kSecond = 6 };

struct JsonColumnOptions {
  std::optional<TimestampUnit> timestamp_unit;  // absent: timestamps may not be bare numbers
};

/// One node of the tree. Number, String, Bool and Null each append one value, or return an error and append nothing.
/// After an error the tree cannot be used any further. Errors: InvalidArgument with the reasons of rows_json.h,
/// ResourceExhausted (memory).
class JsonColumn {
 public:
  /// How this node reads JSON arrays and objects.
  enum class Shape { kScalar, kBinary, kStruct, kList, kMap };

  virtual ~JsonColumn() = default;

  /// `builder` has the type of the field and outlives the tree. Errors: Unsupported (a type that no table has).
  static Result<std::unique_ptr<JsonColumn>> Make(const arrow::Field& field, arrow::ArrayBuilder* builder,
                                                  const JsonColumnOptions& options);

  virtual Result<void> Number(std::string_view token);
  virtual Result<void> String(std::string_view text);
  virtual Result<void> Bool(bool value);
  Result<void> Null();

  /// Begins a nested value. The caller then appends its parts to the children.
  virtual Result<void> Begin();
  /// Appends raw bytes as one value. For Shape::kBinary only.
  virtual Result<void> Bytes(std::string_view bytes);

  Shape shape() const { return shape_; }
  bool nullable() const { return nullable_; }
  /// The children of a struct are its fields, of a list its element, of a map key and value.
  JsonColumn& child(size_t index) { return *children_[index]; }
  const FieldNames& fields() const { return *fields_; }
  bool has_string_keys() const { return has_string_keys_; }
  /// "long", "array": for messages.
  const std::string& type_name() const { return type_name_; }

 protected:
  JsonColumn(const arrow::Field& field, arrow::ArrayBuilder* builder, Shape shape);

  Error Mismatch(std::string_view found) const;

 private:
  Result<void> MakeChildren(const arrow::Field& field, const JsonColumnOptions& options);

  arrow::ArrayBuilder* builder_;
  Shape shape_;
  bool nullable_;
  bool has_string_keys_ = false;
  std::string type_name_;
  std::vector<std::unique_ptr<JsonColumn>> children_;
  std::optional<FieldNames> fields_;
};

/// The bytes of a base64 text (RFC 4648, section 4), with or without padding; absent if the text is not base64.
std::optional<std::string> DecodeBase64(std::string_view text);

}  // namespace yummy::format
