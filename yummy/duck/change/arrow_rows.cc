#include "yummy/duck/change/arrow_rows.h"

#include <algorithm>
#include <utility>

#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include "yummy/duck/border/error.h"
#include "yummy/duck/border/exact_timestamps.h"
#include "yummy/duck/border/type_conversion.h"
#include "yummy/format/arrow/arrow_error.h"

namespace yummy::duck {
namespace {

Error ColumnError(Reason reason, const std::string& column, std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message)).WithReason(reason).With("column", column);
}

/// The first row whose converted value differs from its source.
std::optional<duckdb::idx_t> FirstDifference(duckdb::Vector& a, duckdb::Vector& b, duckdb::idx_t count) {
  duckdb::SelectionVector different(count);
  const auto found = duckdb::VectorOperations::DistinctFrom(a, b, nullptr, count, &different, nullptr);
  if (found == 0) return std::nullopt;
  return *std::min_element(different.data(), different.data() + found);
}

}  // namespace

ArrowRows::ArrowRows(duckdb::ClientContext& context, const TableLayout& layout,
                     std::shared_ptr<arrow::RecordBatchReader> reader)
    : context_(context), layout_(layout), reader_(std::move(reader)), sources_(layout.schema.size()) {}

ArrowRows::~ArrowRows() = default;

Result<std::unique_ptr<ArrowRows>> ArrowRows::Make(duckdb::ClientContext& context, const TableLayout& layout,
                                                   std::shared_ptr<arrow::RecordBatchReader> reader) {
  auto rows = std::unique_ptr<ArrowRows>(new ArrowRows(context, layout, std::move(reader)));
  TRY(rows->Bind());
  TRY(rows->MatchColumns());
  return rows;
}

/// Lets DuckDB resolve the types of the batches.
Result<void> ArrowRows::Bind() {
  const auto& schema = *reader_->schema();
  duckdb::ArrowSchemaWrapper exported;
  if (const auto status = arrow::ExportSchema(schema, &exported.arrow_schema); !status.ok())
    return format::ToError(status);
  for (int i = 0; i < schema.num_fields(); i++) {
    const auto& name = schema.field(i)->name();
    const auto position = static_cast<duckdb::idx_t>(i);
    auto added = CatchErrors([&]() -> Result<void> {
      auto type = duckdb::ArrowType::GetArrowLogicalType(context_, *exported.arrow_schema.children[i]);
      type->ThrowIfInvalid();
      arrow_types_.push_back(type->GetDuckType(true));
      arrow_schema_.AddColumn(position, duckdb::shared_ptr<duckdb::ArrowType>(std::move(type)), name);
      return {};
    });
    if (added.ok()) continue;
    return ColumnError(
        Reason::kTypeMismatch, name,
        fmt::format("column {}: no column takes the Arrow type {}", name, schema.field(i)->type()->ToString()));
  }
  scan_ = duckdb::make_uniq<duckdb::ArrowScanLocalState>(duckdb::make_uniq<duckdb::ArrowArrayWrapper>(), context_);
  converted_.Initialize(context_, arrow_types_);
  return {};
}

Result<void> ArrowRows::MatchColumns() {
  for (size_t i = 0; i < arrow_types_.size(); i++) {
    const auto& name = reader_->schema()->field(static_cast<int>(i))->name();
    const auto column = delta::FindColumn(layout_.schema, name);
    if (!column) return ColumnError(Reason::kSchemaMismatch, name, fmt::format("unknown column {}", name));
    auto& source = sources_[*column];
    if (source.position)
      return ColumnError(Reason::kSchemaMismatch, name, fmt::format("column {} is given twice", name));
    const auto conversion =
        TRY(FindConversion(arrow_types_[i], layout_.schema[*column].type, layout_.schema[*column].name));
    source = {
        .position = i, .convert = conversion != Conversion::kNone, .may_lose = conversion == Conversion::kMayLose};
  }
  for (size_t column = 0; column < sources_.size(); column++) {
    const auto& field = layout_.schema[column];
    if (sources_[column].position || field.nullable) continue;
    return ColumnError(Reason::kSchemaMismatch, field.name,
                       fmt::format("column {} is NOT NULL and missing", field.name));
  }
  return {};
}

/// The next batch that has rows.
Result<bool> ArrowRows::NextBatch() {
  std::shared_ptr<arrow::RecordBatch> batch;
  do {
    if (const auto status = reader_->ReadNext(&batch); !status.ok()) return format::ToError(status);
    if (!batch) return false;
  } while (batch->num_rows() == 0);
  // Batches come from outside, so offsets, dictionary indexes and UTF-8 are checked before DuckDB trusts them.
  if (const auto status = batch->ValidateFull(); !status.ok()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("malformed Arrow data: {}", status.message()))
        .WithReason(Reason::kInvalidArrow);
  }
  TRY(CheckNanosecondsExact(*batch, row_count_));
  auto chunk = duckdb::make_shared_ptr<duckdb::ArrowArrayWrapper>();
  if (const auto status = arrow::ExportRecordBatch(*batch, &chunk->arrow_array); !status.ok())
    return format::ToError(status);
  scan_->Reset();
  scan_->chunk = std::move(chunk);
  batch_rows_ = static_cast<uint64_t>(batch->num_rows());
  batch_position_ = 0;
  return true;
}

Result<bool> ArrowRows::Next(duckdb::DataChunk& rows) {
  if (batch_position_ == batch_rows_ && !TRY(NextBatch())) return false;
  const auto count = std::min<uint64_t>(batch_rows_ - batch_position_, STANDARD_VECTOR_SIZE);
  converted_.Reset();
  converted_.SetCardinality(count);
  scan_->chunk_offset = batch_position_;
  duckdb::ArrowTableFunction::ArrowToDuckDB(*scan_, arrow_schema_.GetColumns(), converted_);
  rows.Reset();
  for (size_t column = 0; column < sources_.size(); column++) {
    auto& target = rows.data[column];
    const auto& source = sources_[column];
    if (!source.position) {
      target.SetVectorType(duckdb::VectorType::CONSTANT_VECTOR);
      duckdb::ConstantVector::SetNull(target, true);
    } else if (source.convert) {
      TRY(Convert(column, target, count));
    } else if (auto& from = converted_.data[*source.position]; from.GetType() == target.GetType()) {
      target.Reference(from);
    } else {
      target.Reinterpret(from);  // the types differ only in an alias
    }
  }
  rows.SetCardinality(count);
  batch_position_ += count;
  row_count_ += count;
  return true;
}

Result<void> ArrowRows::Convert(size_t column, duckdb::Vector& target, duckdb::idx_t count) {
  auto& from = converted_.data[*sources_[column].position];
  std::string message;
  const bool fits = duckdb::VectorOperations::TryCast(context_, from, target, count, &message);
  if (fits && !sources_[column].may_lose) return {};
  duckdb::Vector back(from.GetType(), count);
  message.clear();
  duckdb::VectorOperations::TryCast(context_, target, back, count, &message);
  if (const auto row = FirstDifference(from, back, count)) return ConversionError(column, from, target, *row);
  return {};
}

Error ArrowRows::ConversionError(size_t column, duckdb::Vector& from, duckdb::Vector& target, duckdb::idx_t row) const {
  const auto& field = layout_.schema[column];
  const bool too_large = target.GetValue(row).IsNull();
  const auto number = std::to_string(row_count_ + row);
  return ColumnError(too_large ? Reason::kValueOutOfRange : Reason::kTypeMismatch, field.name,
                     fmt::format("row {}, column {}: {} is no exact {}", number, field.name,
                                 from.GetValue(row).ToString(), delta::TypeName(field.type)))
      .With("row", number);
}

}  // namespace yummy::duck
