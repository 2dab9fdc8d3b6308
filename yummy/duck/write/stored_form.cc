#include "yummy/duck/write/stored_form.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "yummy/delta/schema/json_text.h"

namespace yummy::duck {
namespace {

using delta::TypeKind;

/// The metadata key of the type with which Spark declared a string column.
constexpr std::string_view kDeclaredTypeKey = "__CHAR_VARCHAR_TYPE_STRING";

/// The n of "char(n)" or "varchar(n)"; `word` is the text before the bracket.
std::optional<uint64_t> LengthOf(std::string_view declared, std::string_view word) {
  if (!declared.starts_with(word) || !declared.ends_with(')')) return std::nullopt;
  declared.remove_prefix(word.size());
  uint64_t length = 0;
  const auto [end, error] = std::from_chars(declared.data(), declared.data() + declared.size(), length);
  if (error != std::errc() || end + 1 != declared.data() + declared.size()) return std::nullopt;
  return length;
}

Error UnsupportedLength(const delta::Field& field, std::string_view declared) {
  return Error(
             ErrorCode::kUnsupported,
             fmt::format("rows cannot be written: column {} was declared as {}, whose lengths are not enforced within "
                         "nested types",
                         field.name, declared.substr(0, 200)))
      .WithReason(Reason::kUnsupportedType)
      .With("column", field.name);
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

uint64_t CountCharacters(std::string_view text) {
  return static_cast<uint64_t>(std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

}  // namespace

Result<StoredForm> StoredForm::Make(const TableLayout& layout) {
  StoredForm form;
  const auto& partition = layout.partition_columns;
  for (size_t i = 0; i < layout.schema.size(); i++) {
    const delta::Field& field = layout.schema[i];
    Column column{.index = i, .name = field.name};
    const auto raw = field.FindMetadata(kDeclaredTypeKey);
    if (const auto declared = raw ? delta::UnquoteJson(*raw) : std::nullopt) {
      const auto padded = LengthOf(*declared, "char(");
      column.characters_max = padded ? padded : LengthOf(*declared, "varchar(");
      column.is_padded = padded.has_value();
      if (field.type.kind != TypeKind::kString || !column.characters_max) return UnsupportedLength(field, *declared);
    }
    const bool is_text = field.type.kind == TypeKind::kString || field.type.kind == TypeKind::kBinary;
    column.empty_is_null = is_text && std::find(partition.begin(), partition.end(), i) != partition.end();
    if (column.empty_is_null || column.characters_max) form.columns_.push_back(std::move(column));
  }
  return form;
}

// Does the same as Spark's charTypeWriteSideCheck and varcharTypeWriteSideCheck.
Result<std::optional<std::string_view>> StoredForm::Stored(const Column& column, std::string_view text,
                                                           std::string& padded) {
  if (column.characters_max) {
    uint64_t count = CountCharacters(text);
    while (count > *column.characters_max && text.ends_with(' ')) {
      text.remove_suffix(1);
      count--;
    }
    if (count > *column.characters_max) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("column {}: a text of {} characters does not fit {}({})", column.name, count,
                               column.is_padded ? "char" : "varchar", *column.characters_max))
          .WithReason(Reason::kValueOutOfRange)
          .With("column", column.name);
    }
    if (column.is_padded && count < *column.characters_max) {
      padded.assign(text).append(*column.characters_max - count, ' ');
      text = padded;
    }
  }
  if (column.empty_is_null && text.empty()) return std::optional<std::string_view>();
  return std::optional(text);
}

Result<void> StoredForm::Apply(duckdb::DataChunk& rows, std::optional<uint64_t> first_row) const {
  for (const Column& column : columns_) TRY(ApplyTo(column, rows, first_row));
  return {};
}

Result<void> StoredForm::ApplyTo(const Column& column, duckdb::DataChunk& rows, std::optional<uint64_t> first_row) {
  auto& given = rows.data[column.index];
  duckdb::UnifiedVectorFormat format;
  given.ToUnifiedFormat(rows.size(), format);
  const auto* texts = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
  std::string padded;
  // A separate vector, made at the first value that changes, because other columns may share the given one.
  std::optional<duckdb::Vector> stored;
  for (duckdb::idx_t row = 0; row < rows.size(); row++) {
    const auto index = format.sel->get_index(row);
    if (!format.validity.RowIsValid(index)) continue;
    const std::string_view text(texts[index].GetData(), texts[index].GetSize());
    auto value = Stored(column, text, padded);
    if (!value.ok()) {
      if (!first_row) return std::move(value).error();
      const auto number = std::to_string(*first_row + row);
      return std::move(value).error().Prefixed("row " + number).With("row", number);
    }
    if (*value == text) continue;
    if (!stored) {
      stored.emplace(given.GetType());
      duckdb::VectorOperations::Copy(given, *stored, rows.size(), 0, 0);
    }
    if (*value) {
      duckdb::FlatVector::GetData<duckdb::string_t>(*stored)[row] =
          duckdb::StringVector::AddStringOrBlob(*stored, (*value)->data(), (*value)->size());
    } else {
      duckdb::FlatVector::SetNull(*stored, row, true);
    }
  }
  if (stored) given.Reference(*stored);
  return {};
}

}  // namespace yummy::duck
