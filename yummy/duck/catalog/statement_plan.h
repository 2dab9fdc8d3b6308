#pragma once
// Makes the physical plans of statements that change rows.

#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

/// Plans an INSERT into a DeltaTableEntry: the rows of the child, completed by defaults, go to a RowChangeOperator.
/// Throws: Unsupported (RETURNING, ON CONFLICT).
duckdb::PhysicalOperator& PlanInsert(duckdb::ClientContext& context, duckdb::PhysicalPlanGenerator& planner,
                                     duckdb::LogicalInsert& insert,
                                     duckdb::optional_ptr<duckdb::PhysicalOperator> child);

}  // namespace yummy::duck
