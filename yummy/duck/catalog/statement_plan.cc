#include "yummy/duck/catalog/statement_plan.h"

#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/catalog/table_entry.h"
#include "yummy/duck/change/row_change.h"

namespace yummy::duck {
namespace {

RowChangeOperator::Target TargetOf(DeltaTableEntry& entry) {
  auto& catalog = entry.ParentCatalog().Cast<DeltaCatalog>();
  RowChangeOperator::Target target;
  // The entry belongs to the same DuckDB transaction as the statement, so it lives as long as the plan runs.
  target.transaction = [&catalog, &entry](duckdb::ClientContext& context) -> delta::Transaction& {
    return DeltaTransaction::Get(context, catalog).Writer(context, entry);
  };
  target.store_ordinal = catalog.store_ordinal();
  target.table = entry.name;
  target.row_types = entry.GetTypes();
  return target;
}

}  // namespace

duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext&, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalInsert& insert,
                                     duckdb::optional_ptr<duckdb::PhysicalOperator> child) {
  // DuckDB's generic plan implements neither: it would ignore conflicts between rows.
  if (insert.return_chunk) RefuseStatement("INSERT … RETURNING");
  if (insert.on_conflict_info.action_type != duckdb::OnConflictAction::THROW) RefuseStatement("INSERT … ON CONFLICT");
  auto& entry = insert.table.Cast<DeltaTableEntry>();
  auto& change = planner.Make<RowChangeOperator>(TargetOf(entry), insert.estimated_cardinality);
  auto* rows = &*child;
  // DuckDB throws an INTERNAL error if there are no columns to complete.
  if (!insert.column_index_map.empty()) rows = &planner.ResolveDefaultsProjection(insert, *rows);
  change.children.push_back(*rows);
  return change;
}

}  // namespace yummy::duck
