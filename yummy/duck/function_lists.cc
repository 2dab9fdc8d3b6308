// Which of DuckDB's functions untrusted SQL may call. Reviewed for the pinned version of the library: a test holds the number of
// functions that the library has against the number that were reviewed.

#include <algorithm>
#include <array>
#include <string_view>

#include "yummy/duck/statement_guard.h"

namespace yummy::duck {
namespace {

// Table functions: an allow-list. These read nothing but their arguments.
constexpr std::array<std::string_view, 7> kTableFunctions = {
    "generate_series", "json_each", "json_tree", "range", "repeat", "repeat_row", "unnest",
};

// Scalar functions, aggregates and macros: all but these, sorted.
constexpr std::array<std::string_view, 29> kDeniedFunctions = {
    "combine",                      // reads the bytes of an aggregate's state
    "current_connection_id",        // the server's inside
    "current_query",                // the server's inside
    "current_query_id",             // the server's inside
    "current_setting",              // settings
    "current_transaction_id",       // the server's inside
    "currval",                      // sequences
    "finalize",                     // reads the bytes of an aggregate's state
    "get_block_size",               // a macro over pragma_database_size
    "getenv",                       // the environment
    "getvariable",                  // variables of the connection
    "histogram_values",             // query_table
    "in_search_path",               // the server's inside
    "json_deserialize_sql",         // parses SQL that this guard has not seen
    "json_execute_serialized_sql",  // runs SQL that this guard has not seen
    "json_serialize_plan",          // binds SQL that this guard has not seen
    "json_serialize_sql",           // parses SQL that this guard has not seen
    "nextval",                      // sequences
    "parse_duckdb_log_message",     // logs
    "pg_sleep",                     // holds a thread
    "query",                        // runs SQL that this guard has not seen
    "query_table",                  // names a table by a string
    "read_blob",                    // files
    "read_text",                    // files
    "setseed",                      // state of the connection
    "sleep_ms",                     // holds a thread
    "txid_current",                 // the server's inside
    "variant_bytes_to_variant",     // reads the bytes of a variant without checking them
    "write_log",                    // logs
};
static_assert(std::is_sorted(kDeniedFunctions.begin(), kDeniedFunctions.end()));
static_assert(std::is_sorted(kTableFunctions.begin(), kTableFunctions.end()));

// Allowed functions whose value depends on more than their arguments, sorted. Reviewed against the library's own marks, which miss age,
// reservoir_quantile and the local times; a macro is here when it calls one that is.
constexpr std::array<std::string_view, 29> kVaryingFunctions = {
    "age",
    "ago",
    "current_catalog",
    "current_database",
    "current_date",
    "current_localtime",
    "current_localtimestamp",
    "current_schema",
    "current_schemas",
    "current_time",
    "current_timestamp",
    "error",
    "gen_random_uuid",
    "get_current_time",
    "get_current_timestamp",
    "json_group_object",
    "localtime",
    "localtimestamp",
    "now",
    "pg_conf_load_time",
    "pg_postmaster_start_time",
    "random",
    "reservoir_quantile",
    "stats",
    "today",
    "transaction_timestamp",
    "uuid",
    "uuidv4",
    "uuidv7",
};
static_assert(std::is_sorted(kVaryingFunctions.begin(), kVaryingFunctions.end()));

// The optimiser's own functions, which trust their arguments.
constexpr std::string_view kInternalPrefix = "__internal_";

template <size_t N>
bool Contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name);
}

}  // namespace

bool IsAllowedFunction(const std::string& name) {
  std::string lower = duckdb::StringUtil::Lower(name);
  return !lower.starts_with(kInternalPrefix) && !Contains(kDeniedFunctions, lower);
}

bool IsVaryingFunction(const std::string& name) { return Contains(kVaryingFunctions, duckdb::StringUtil::Lower(name)); }

bool IsAllowedTableFunction(const std::string& name) {
  return Contains(kTableFunctions, duckdb::StringUtil::Lower(name));
}

}  // namespace yummy::duck
