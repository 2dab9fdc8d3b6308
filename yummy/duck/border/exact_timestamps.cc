#include "yummy/duck/border/exact_timestamps.h"

#include <optional>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

namespace yummy::duck {
namespace {

constexpr int64_t kNanosPerMicro = 1000;

bool HasNanoseconds(const arrow::DataType& type) {
  if (type.id() == arrow::Type::TIMESTAMP)
    return static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO;
  if (type.id() == arrow::Type::DICTIONARY)
    return HasNanoseconds(*static_cast<const arrow::DictionaryType&>(type).value_type());
  for (const auto& field : type.fields()) {
    if (HasNanoseconds(*field->type())) return true;
  }
  return false;
}

/// The position of a value finer than a microsecond, in this array or in one below it. It may also find values under a
/// null or outside of every list. They are rare, and refusing them does no harm.
std::optional<int64_t> FindFiner(const arrow::ArrayData& data) {
  if (!HasNanoseconds(*data.type)) return std::nullopt;
  if (data.type->id() == arrow::Type::TIMESTAMP) {
    const arrow::TimestampArray array(std::make_shared<arrow::ArrayData>(data));
    for (int64_t i = 0; i < array.length(); i++) {
      if (array.IsValid(i) && array.Value(i) % kNanosPerMicro != 0) return i;
    }
    return std::nullopt;
  }
  if (data.dictionary) return FindFiner(*data.dictionary);
  for (const auto& child : data.child_data) {
    if (const auto found = FindFiner(*child)) return found;
  }
  return std::nullopt;
}

}  // namespace

Result<void> CheckNanosecondsExact(const arrow::RecordBatch& batch, uint64_t first_row) {
  for (int i = 0; i < batch.num_columns(); i++) {
    const auto found = FindFiner(*batch.column_data(i));
    if (!found) continue;
    const auto& name = batch.schema()->field(i)->name();
    auto error =
        Error(ErrorCode::kInvalidArgument, fmt::format("column {}: a timestamp is finer than a microsecond", name))
            .WithReason(Reason::kTypeMismatch)
            .With("column", name);
    if (batch.column_data(i)->type->id() != arrow::Type::TIMESTAMP) return error;
    const auto row = std::to_string(first_row + static_cast<uint64_t>(*found));
    return std::move(error).Prefixed("row " + row).With("row", row);
  }
  return {};
}

}  // namespace yummy::duck
