#pragma once
// The physical plans of statements that change rows.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// INSERT into a DeltaTableEntry: the child's rows, completed by defaults, flow into a RowChangeOperator.
/// Throws: Unsupported (RETURNING, ON CONFLICT).
duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalInsert& insert,
                                     duckdb::optional_ptr<duckdb::PhysicalOperator> child);

}  // namespace yummy::duck
