#include "yummy/duck/catalog/statement_plan.h"

#include <map>
#include <memory>
#include <utility>

#include <duckdb/execution/operator/persistent/physical_merge_into.hpp>
#include <duckdb/planner/operator/logical_merge_into.hpp>

#include "yummy/duck/catalog/catalog.h"
#include "yummy/duck/catalog/delta_transaction.h"
#include "yummy/duck/catalog/table_entry.h"
#include "yummy/duck/change/row_change.h"

namespace yummy::duck {
namespace {

using Expressions = duckdb::vector<duckdb::unique_ptr<duckdb::Expression>>;

constexpr duckdb::idx_t kIdentityColumns = 2;  // GetRowIdColumns

/// Makes the operators of one statement.
class StatementPlan {
 public:
  StatementPlan(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner, DeltaTableEntry& entry,
                delta::Operation operation, RowMarks::SecondMark second_mark)
      : planner_(planner) {
    auto& catalog = entry.ParentCatalog().Cast<DeltaCatalog>();
    RowChangeOperator::Target target;
    // The entry belongs to the same DuckDB transaction as the statement, so it is there as long as the plan runs.
    target.transaction = [&catalog, &entry,
                          operation = std::move(operation)](duckdb::ClientContext& client) -> delta::Transaction& {
      return DeltaTransaction::Get(client, catalog).Writer(client, entry, operation);
    };
    target.row_types = entry.GetTypes();
    target.options.source = {.instance = &catalog.instance(),
                             .store_ordinal = catalog.store_ordinal(),
                             .scan_template = &catalog.scan_template(context),
                             .table = &entry};
    target.options.table = entry.name;
    target.options.second_mark = second_mark;
    statement_ = std::make_shared<RowChangeOperator::Statement>(std::move(target));
  }

  duckdb::PhysicalOperator& Change(RowChange change, duckdb::idx_t estimated_rows) {
    const bool is_first = std::exchange(has_operator_, true) == false;
    return planner_.Make<RowChangeOperator>(change, statement_, is_first, estimated_rows);
  }

  duckdb::PhysicalOperator& ChangeRowsOf(RowChange change, duckdb::PhysicalOperator& child, Expressions columns) {
    duckdb::vector<duckdb::LogicalType> types;
    for (const auto& column : columns) types.push_back(column->return_type);
    auto& rows =
        planner_.Make<duckdb::PhysicalProjection>(std::move(types), std::move(columns), child.estimated_cardinality);
    rows.children.push_back(child);
    auto& result = Change(change, child.estimated_cardinality);
    result.children.push_back(rows);
    return result;
  }

 private:
  duckdb::PhysicalPlanGenerator& planner_;
  std::shared_ptr<RowChangeOperator::Statement> statement_;
  bool has_operator_ = false;
};

Expressions Identity(duckdb::idx_t first_column) {
  Expressions identity;
  identity.push_back(duckdb::make_uniq<duckdb::BoundReferenceExpression>(duckdb::LogicalType::UBIGINT, first_column));
  identity.push_back(
      duckdb::make_uniq<duckdb::BoundReferenceExpression>(duckdb::LogicalType::BIGINT, first_column + 1));
  return identity;
}

// The assigned values in the order of the table's columns, all of which are assigned (BindUpdateConstraints), then the
// identity.
Expressions UpdatedRow(const duckdb::vector<duckdb::PhysicalIndex>& columns, Expressions& values,
                       const Expressions& defaults, duckdb::idx_t identity_column) {
  Expressions row(columns.size());
  for (duckdb::idx_t i = 0; i < columns.size(); i++) {
    const duckdb::idx_t column = columns[i].index;
    const bool is_default = values[i]->GetExpressionType() == duckdb::ExpressionType::VALUE_DEFAULT;
    row[column] = is_default ? defaults[column]->Copy() : std::move(values[i]);
  }
  for (auto& column : Identity(identity_column)) row.push_back(std::move(column));
  return row;
}

Expressions InsertedRow(const duckdb::LogicalMergeInto& merge, duckdb::BoundMergeIntoAction& clause) {
  if (clause.column_index_map.empty()) return std::move(clause.expressions);
  Expressions row;
  for (const auto& column : merge.table.GetColumns().Physical()) {
    const duckdb::idx_t source = clause.column_index_map[column.Physical()];
    row.push_back(source == duckdb::DConstants::INVALID_INDEX ? merge.bound_defaults[column.StorageOid()]->Copy()
                                                              : std::move(clause.expressions[source]));
  }
  return row;
}

// Several source rows may delete one row, as in Delta, if nothing else can happen to a matched row.
RowMarks::SecondMark SecondMarkOf(const duckdb::LogicalMergeInto& merge) {
  const auto matched = merge.actions.find(duckdb::MergeActionCondition::WHEN_MATCHED);
  const bool only_deletes = matched != merge.actions.end() && matched->second.size() == 1 &&
                            !matched->second.front()->condition &&
                            matched->second.front()->action_type == duckdb::MergeActionType::MERGE_DELETE;
  return only_deletes ? RowMarks::SecondMark::kAllowed : RowMarks::SecondMark::kRefused;
}

duckdb::unique_ptr<duckdb::MergeIntoOperator> PlanClause(StatementPlan& plan, const duckdb::LogicalMergeInto& merge,
                                                         duckdb::BoundMergeIntoAction& clause) {
  auto result = duckdb::make_uniq<duckdb::MergeIntoOperator>();
  result->action_type = clause.action_type;
  result->condition = std::move(clause.condition);
  switch (clause.action_type) {
    case duckdb::MergeActionType::MERGE_UPDATE:
      result->expressions = UpdatedRow(clause.columns, clause.expressions, merge.bound_defaults, merge.row_id_start);
      result->op = plan.Change(RowChange::kUpdate, 1);
      break;
    case duckdb::MergeActionType::MERGE_DELETE:
      result->expressions = Identity(merge.row_id_start);
      result->op = plan.Change(RowChange::kDelete, 1);
      break;
    case duckdb::MergeActionType::MERGE_INSERT:
      result->expressions = InsertedRow(merge, clause);
      result->op = plan.Change(RowChange::kInsert, 1);
      break;
    default: result->expressions = std::move(clause.expressions); break;  // ERROR and DO NOTHING
  }
  return result;
}

}  // namespace

duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalInsert& insert,
                                     duckdb::optional_ptr<duckdb::PhysicalOperator> child) {
  // DuckDB runs neither by itself: rows would be returned, or kept, that never met a conflict.
  if (insert.return_chunk) RefuseStatement("INSERT … RETURNING");
  if (insert.on_conflict_info.action_type != duckdb::OnConflictAction::THROW) RefuseStatement("INSERT … ON CONFLICT");
  StatementPlan plan(context, planner, insert.table.Cast<DeltaTableEntry>(),
                     {"WRITE", {{"mode", "\"Append\""}, {"partitionBy", "[]"}}}, RowMarks::SecondMark::kRefused);
  auto& change = plan.Change(RowChange::kInsert, insert.estimated_cardinality);
  auto* rows = &*child;
  // DuckDB throws an INTERNAL error when it has no columns to complete.
  if (!insert.column_index_map.empty()) rows = &planner.ResolveDefaultsProjection(insert, *rows);
  change.children.push_back(*rows);
  return change;
}

duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalDelete& del, duckdb::PhysicalOperator& child) {
  if (del.return_chunk) RefuseStatement("DELETE … RETURNING");
  StatementPlan plan(context, planner, del.table.Cast<DeltaTableEntry>(), {"DELETE", {{"predicate", "\"[]\""}}},
                     RowMarks::SecondMark::kAllowed);
  Expressions identity;
  for (const auto& column : del.expressions) identity.push_back(column->Copy());
  return plan.ChangeRowsOf(RowChange::kDelete, child, std::move(identity));
}

duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalUpdate& update, duckdb::PhysicalOperator& child) {
  if (update.return_chunk) RefuseStatement("UPDATE … RETURNING");
  StatementPlan plan(context, planner, update.table.Cast<DeltaTableEntry>(), {"UPDATE", {}},
                     RowMarks::SecondMark::kRefused);
  auto row =
      UpdatedRow(update.columns, update.expressions, update.bound_defaults, child.types.size() - kIdentityColumns);
  return plan.ChangeRowsOf(RowChange::kUpdate, child, std::move(row));
}

duckdb::PhysicalOperator& PlanMerge(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                    duckdb::LogicalMergeInto& merge, duckdb::PhysicalOperator& child) {
  if (merge.return_chunk) RefuseStatement("MERGE … RETURNING");
  StatementPlan plan(context, planner, merge.table.Cast<DeltaTableEntry>(), {"MERGE", {}}, SecondMarkOf(merge));
  std::map<duckdb::MergeActionCondition, duckdb::vector<duckdb::unique_ptr<duckdb::MergeIntoOperator>>> clauses;
  for (auto& [condition, actions] : merge.actions) {
    for (auto& action : actions) clauses[condition].push_back(PlanClause(plan, merge, *action));
  }
  auto& result = planner.Make<duckdb::PhysicalMergeInto>(merge.types, std::move(clauses), merge.row_id_start,
                                                         merge.source_marker, true, false);
  result.children.push_back(child);
  return result;
}

}  // namespace yummy::duck
