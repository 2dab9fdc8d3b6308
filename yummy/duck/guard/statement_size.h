#pragma once
// Bounds the size of a statement's tree before the binder and the optimiser see it, because no deadline interrupts
// them.

#include <cstdint>
#include <string>

#include "yummy/base/result.h"
#include "yummy/duck/border/duckdb_headers.h"

namespace yummy::duck {

struct SizeLimits {
  // In one FROM with its sub-queries. The time to order joins grows with more than their square.
  uint64_t joins_max = 50;
  uint64_t tables_max = 2000;  // in all; the tables of a copied CTE count for each reader
  // In all. Each FROM takes an eighth of the cube of its joins, and twice that below an aggregate. About three seconds.
  uint64_t work_max = 1 << 17;
  uint64_t cte_work_max = 1 << 12;  // of one CTE; a larger CTE is materialized
  // Tables times readers of one CTE that has several tables. Beyond that it is materialized.
  uint64_t copied_tables_max = 10;
  uint64_t columns_max = 10000;  // of one SELECT
  uint64_t keys_max = 1000;      // of one GROUP BY, of one ORDER BY
  uint64_t groupings_max = 256;  // grouping sets of one SELECT, also by CUBE and ROLLUP; each takes its own memory
  uint64_t windows_max = 250;    // in all
  // Copies of expressions: by macros that name a parameter more than once, by aliases, by COLUMNS.
  uint64_t copies_max = 50000;
  // Copies that COLUMNS is assumed to make. The engine refuses more if there are sub-queries.
  uint64_t columns_copied = 250;
};

/// Refuses a statement that is too large. Marks a CTE as MATERIALIZED if copying it for each reader would make the
/// statement too large.
/// Errors: InvalidArgument (STATEMENT_TOO_LARGE; details limit).
Result<void> BoundSize(duckdb::QueryNode& node, const SizeLimits& limits);

/// The largest number of times that a macro of the library names one of its parameters; 1 for functions. `function` is
/// its name, in any case.
uint64_t CopiesOfArguments(const std::string& function);

}  // namespace yummy::duck
