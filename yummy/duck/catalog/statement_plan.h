#pragma once
// The physical plans of statements that change rows. All end in RowChangeOperators, which share one run.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// INSERT into a DeltaTableEntry: the rows of the child, completed by defaults, are its new rows.
/// Throws: Unsupported (RETURNING, ON CONFLICT).
duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalInsert& insert,
                                     duckdb::optional_ptr<duckdb::PhysicalOperator> child);

/// DELETE, also with USING, and TRUNCATE: the child gives the identities of rows. A row may come more than once.
/// Throws: Unsupported (RETURNING).
duckdb::PhysicalOperator& PlanDelete(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalDelete& del, duckdb::PhysicalOperator& child);

/// UPDATE, also with FROM: a row that two rows of FROM change is an error. Throws: Unsupported (RETURNING).
duckdb::PhysicalOperator& PlanUpdate(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalUpdate& update, duckdb::PhysicalOperator& child);

/// MERGE: one operator per clause below DuckDB's own MERGE operator, which chooses the clause of each row.
/// Throws: Unsupported (RETURNING).
duckdb::PhysicalOperator& PlanMerge(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                    duckdb::LogicalMergeInto& merge, duckdb::PhysicalOperator& child);

}  // namespace yummy::duck
