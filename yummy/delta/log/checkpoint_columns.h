#pragma once
// Typed views of the nested columns of a checkpoint. Bound once per batch; no action object per row.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <arrow/array.h>

#include "yummy/base/result.h"
#include "yummy/delta/protocol/action_fields.h"

namespace yummy::delta {

/// A column of texts in any of Arrow's forms. Older writers left out the string annotation, so the column may be
/// binary.
class TextLook {
 public:
  /// Absent columns read as null. Errors: Corrupt (another type).
  static Result<TextLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  std::optional<std::string_view> operator()(int64_t row) const;

 private:
  std::shared_ptr<arrow::Array> array_;  // absent: the file has no such column
};

class IntegerLook {
 public:
  static Result<IntegerLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  std::optional<int64_t> operator()(int64_t row) const;

 private:
  std::shared_ptr<arrow::Array> array_;
};

class BooleanLook {
 public:
  static Result<BooleanLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  std::optional<bool> operator()(int64_t row) const;

 private:
  std::shared_ptr<arrow::Array> array_;
};

class TextMapLook {
 public:
  static Result<TextMapLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  bool is_null(int64_t row) const { return !array_ || array_->IsNull(row); }
  /// Calls body(key, value) for each entry; the value is absent when null. A null map has no entries.
  template <typename Body>
  void ForEach(int64_t row, Body&& body) const {
    if (is_null(row)) return;
    for (int64_t i = array_->value_offset(row); i < array_->value_offset(row + 1); i++) {
      body(keys_(i).value_or(std::string_view()), values_(i));
    }
  }
  /// Null values become empty texts.
  std::optional<StringMap> operator()(int64_t row) const;

 private:
  std::shared_ptr<arrow::ListArray> array_;
  TextLook keys_;
  TextLook values_;
};

class TextListLook {
 public:
  static Result<TextListLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  std::optional<std::vector<std::string>> operator()(int64_t row) const;

 private:
  std::shared_ptr<arrow::ListArray> array_;
  TextLook values_;
};

/// A struct column and its fields by name. A missing column is null in every row.
class StructLook {
 public:
  static Result<StructLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  bool is_absent() const { return !array_; }
  bool is_null(int64_t row) const { return !array_ || array_->IsNull(row); }
  /// The array of a field, aligned with the rows of the struct; a null pointer if there is no such field.
  std::shared_ptr<arrow::Array> field(const std::string& name) const;
  const std::shared_ptr<arrow::StructArray>& array() const { return array_; }
  const std::string& name() const { return name_; }

 private:
  std::shared_ptr<arrow::StructArray> array_;
  std::string name_;
};

class DeletionVectorLook {
 public:
  static Result<DeletionVectorLook> Bind(std::shared_ptr<arrow::Array> array, std::string_view name);
  /// Errors: Corrupt (a required field is null).
  Result<std::optional<DeletionVectorDescriptor>> operator()(int64_t row) const;

 private:
  StructLook struct_;
  TextLook storage_type_;
  TextLook path_or_inline_;
  IntegerLook offset_;
  IntegerLook size_;
  IntegerLook cardinality_;
};

/// The class that looks at the column of a member, by the member's type.
template <typename Member>
struct LookOf;
template <typename T>
struct LookOf<std::optional<T>> : LookOf<T> {};
template <>
struct LookOf<bool> : std::type_identity<BooleanLook> {};
template <>
struct LookOf<int32_t> : std::type_identity<IntegerLook> {};
template <>
struct LookOf<int64_t> : std::type_identity<IntegerLook> {};
template <>
struct LookOf<std::string> : std::type_identity<TextLook> {};
template <>
struct LookOf<std::vector<std::string>> : std::type_identity<TextListLook> {};
template <>
struct LookOf<StringMap> : std::type_identity<TextMapLook> {};
template <>
struct LookOf<PartitionValues> : std::type_identity<TextMapLook> {};
template <>
struct LookOf<DeletionVectorDescriptor> : std::type_identity<DeletionVectorLook> {};

/// Binds the column of the field that the member holds. Errors: Corrupt (another type).
template <typename T, typename Member>
Result<typename LookOf<Member>::type> BindField(const StructLook& column, Member T::* member) {
  const std::string name(FieldName(member));
  return LookOf<Member>::type::Bind(column.field(name), column.name() + "." + name);
}

/// The JSON text of the statistics in a row of stats_parsed; empty for null.
std::string StatisticsText(const arrow::StructArray& statistics, int64_t row);

}  // namespace yummy::delta
