#pragma once
// Statements that change rows: they run whole, and their result is one row of counts.

#include <memory>

#include "yummy/base/context.h"
#include "yummy/duck/engine/session_parts.h"
#include "yummy/duck/engine/streaming_result.h"

namespace yummy::duck {

/// Runs a statement that changes rows, and commits it. Its result has one row: version, num_affected_rows,
/// num_inserted_rows, num_updated_rows, num_deleted_rows. Errors: those of Session::Query, Conflict, OutcomeUnknown.
Result<std::unique_ptr<QueryResult>> RunChange(SessionParts& session, const Context& context, StreamingQuery query);

}  // namespace yummy::duck
