#include "yummy/duck/border/text_bytes.h"

#include <string>
#include <utility>

#include <duckdb/function/cast/cast_function_set.hpp>
#include <duckdb/function/cast/default_casts.hpp>

#include "yummy/duck/border/error.h"

namespace yummy::duck {
namespace {

using duckdb::LogicalType;
using duckdb::LogicalTypeId;

// A type of its own, because DuckDB's casts between BLOB and VARCHAR escape bytes, and queries may use those.
constexpr const char* kPlainBytes = "plain bytes of a data file";

LogicalType PlainBytes(LogicalTypeId id) {
  LogicalType type(id);
  type.SetAlias(kPlainBytes);
  return type;
}

bool KeepBytes(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t, duckdb::CastParameters&) {
  result.Reinterpret(source);
  return true;
}

bool KeepText(duckdb::Vector& source, duckdb::Vector& result, duckdb::idx_t count, duckdb::CastParameters& parameters) {
  duckdb::UnifiedVectorFormat format;
  source.ToUnifiedFormat(count, format);
  const auto* values = duckdb::UnifiedVectorFormat::GetData<duckdb::string_t>(format);
  for (duckdb::idx_t row = 0; row < count; ++row) {
    const auto at = format.sel->get_index(row);
    if (!format.validity.RowIsValid(at) || duckdb::Value::StringIsValid(values[at].GetData(), values[at].GetSize())) {
      continue;
    }
    Throw(Error(ErrorCode::kCorrupt, "a data file has bytes that are no UTF-8 in a column of strings")
              .WithReason(Reason::kCorruptDataFile));
  }
  return KeepBytes(source, result, count, parameters);
}

}  // namespace

bool AreTextAndBytes(const LogicalType& in_table, const LogicalType& in_file) {
  return (in_table.id() == LogicalTypeId::VARCHAR && in_file.id() == LogicalTypeId::BLOB) ||
         (in_table.id() == LogicalTypeId::BLOB && in_file.id() == LogicalTypeId::VARCHAR);
}

LogicalType AsPlainBytes(const LogicalType& in_file) { return PlainBytes(in_file.id()); }

void RegisterByteCasts(duckdb::DBConfig& config) {
  auto& casts = config.GetCastFunctions();
  casts.RegisterCastFunction(PlainBytes(LogicalTypeId::BLOB), LogicalType::VARCHAR, KeepText);
  casts.RegisterCastFunction(PlainBytes(LogicalTypeId::VARCHAR), LogicalType::BLOB, KeepBytes);
}

}  // namespace yummy::duck
