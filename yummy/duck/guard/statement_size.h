#pragma once
// How much a statement asks of the binder and the optimiser, which no deadline interrupts: found in its tree before
// they see it.

#include <cstdint>
#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct SizeLimits {
  uint64_t joins_max =
      50;  // in one FROM with its sub-queries: the order of joins takes time with more than their square
  uint64_t tables_max = 2000;  // in all, with a CTE that is not made once as often as it is named
  // In all: an eighth of the cube of the joins in each FROM, twice what is below an aggregate. About three seconds.
  uint64_t work_max = 1 << 17;
  uint64_t cte_work_max = 1 << 12;  // of one CTE: beyond it, it is made once
  uint64_t copied_tables_max = 10;  // of a CTE of several tables times its readers: beyond it, it is made once
  uint64_t columns_max = 10000;     // of one SELECT
  uint64_t keys_max = 1000;         // of one GROUP BY, of one ORDER BY
  uint64_t groupings_max =
      256;  // GROUPING SETS of one SELECT, also those of CUBE and ROLLUP: each takes memory of its own
  uint64_t windows_max = 250;  // in all
  uint64_t copies_max =
      50000;  // of expressions: in arguments of macros that name a parameter more than once, by aliases, by COLUMNS
  uint64_t columns_copied =
      250;  // times that COLUMNS writes an expression out: the engine refuses more with sub-queries
};

/// Marks CTEs as MATERIALIZED that would grow the statement when they were written out for each of their readers.
/// Errors: InvalidArgument (STATEMENT_TOO_LARGE; details limit).
Result<void> BoundSize(duckdb::QueryNode& node, const SizeLimits& limits);

/// How often at most a macro of the library names one of its parameters, by its name in any case; 1 for what names each
/// once, and for functions.
uint64_t CopiesOfArguments(const std::string& function);

}  // namespace yummy::duck
