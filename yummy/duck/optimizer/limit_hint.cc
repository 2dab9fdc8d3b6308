#include "yummy/duck/optimizer/limit_hint.h"

#include <optional>
#include <utility>

#include <duckdb/optimizer/optimizer_extension.hpp>

#include "yummy/duck/scan/file_list.h"
#include "yummy/duck/scan/scan.h"

namespace yummy::duck {
namespace {

using duckdb::LogicalOperatorType;

/// The number of rows that the limit takes from below; absent if it is not known yet.
std::optional<uint64_t> RowsOf(const duckdb::LogicalLimit& limit) {
  if (limit.limit_val.Type() != duckdb::LimitNodeType::CONSTANT_VALUE) return std::nullopt;
  uint64_t rows = limit.limit_val.GetConstantValue();
  if (limit.offset_val.Type() == duckdb::LimitNodeType::CONSTANT_VALUE) rows += limit.offset_val.GetConstantValue();
  return rows;
}

void Hint(duckdb::LogicalOperator& plan, std::optional<uint64_t> rows) {
  switch (plan.type) {
    case LogicalOperatorType::LOGICAL_LIMIT: rows = RowsOf(plan.Cast<duckdb::LogicalLimit>()); break;
    case LogicalOperatorType::LOGICAL_PROJECTION: break;
    case LogicalOperatorType::LOGICAL_FILTER:
      break;  // a filter takes more rows than it gives, so the hint is a lower bound
    case LogicalOperatorType::LOGICAL_GET: {
      auto& scan = plan.Cast<duckdb::LogicalGet>();
      if (rows && IsDeltaScan(scan.function)) {
        scan.bind_data->Cast<duckdb::MultiFileBindData>().file_list->Cast<DeltaFileList>().ExpectRows(*rows);
      }
      break;
    }
    default: rows.reset(); break;
  }
  for (auto& child : plan.children) Hint(*child, rows);
}

void HintPlan(duckdb::OptimizerExtensionInput&, duckdb::unique_ptr<duckdb::LogicalOperator>& plan) {
  Hint(*plan, std::nullopt);
}

}  // namespace

void RegisterLimitHints(duckdb::DBConfig& config) {
  duckdb::OptimizerExtension extension;
  extension.optimize_function = HintPlan;
  duckdb::OptimizerExtension::Register(config, std::move(extension));
}

}  // namespace yummy::duck
