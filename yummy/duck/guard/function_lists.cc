#include "yummy/duck/guard/function_lists.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace yummy::duck {
namespace {

using duckdb::LogicalTypeId;

// The lists were reviewed for the pinned version of the library. A test compares the library's functions with the
// reviewed ones.

// Table functions. These read nothing but their arguments.
constexpr std::array<std::string_view, 7> kTableFunctions = {"generate_series", "json_each",  "json_tree", "range",
                                                             "repeat",          "repeat_row", "unnest"};

// Scalar functions, aggregates, window functions and macros, also those that only the parser and the binder know.
// They read nothing but their arguments, and tests/functions has called them with extreme ones. Functions whose
// arguments need a bound have one in function_cost.cc. Names are in lower case.
// clang-format off
constexpr std::array<std::string_view, 623> kFunctions = {
    "!__postfix", "!~~", "!~~*", "%", "&", "&&", "*", "**", "+", "-", "->>", "/", "//", "<->", "<<", "<=>", "<@",
    ">>", "@", "@>", "^", "^@", "abs", "acos", "acosh", "add", "age", "aggregate", "ago", "alias", "any_value",
    "apply", "approx_count_distinct", "approx_quantile", "approx_top_k", "arbitrary", "arg_max", "arg_max_null",
    "arg_max_nulls_last", "arg_min", "arg_min_null", "arg_min_nulls_last", "argmax", "argmin", "array_agg",
    "array_aggr", "array_aggregate", "array_append", "array_apply", "array_cat", "array_concat", "array_contains",
    "array_cosine_distance", "array_cosine_similarity", "array_cross_product", "array_distance", "array_distinct",
    "array_dot_product", "array_extract", "array_filter", "array_grade_up", "array_has", "array_has_all",
    "array_has_any", "array_indexof", "array_inner_product", "array_intersect", "array_length",
    "array_negative_dot_product", "array_negative_inner_product", "array_pop_back", "array_pop_front",
    "array_position", "array_prepend", "array_push_back", "array_push_front", "array_reduce", "array_resize",
    "array_reverse", "array_reverse_sort", "array_select", "array_slice", "array_sort", "array_to_json",
    "array_to_string", "array_to_string_comma_default", "array_transform", "array_unique", "array_value",
    "array_where", "array_zip", "ascii", "asin", "asinh", "atan", "atan2", "atanh", "avg", "bar", "base64", "bin",
    "bit_and", "bit_count", "bit_length", "bit_or", "bit_position", "bit_xor", "bitstring", "bitstring_agg",
    "bool_and", "bool_or", "can_cast_implicitly", "cardinality", "cast_to_type", "cbrt", "ceil", "ceiling", "century",
    "char_length", "character_length", "chr", "col_description", "concat", "concat_ws", "constant_or_null",
    "contains", "corr", "cos", "cosh", "cot", "count", "count_if", "count_star", "countif", "covar_pop", "covar_samp",
    "create_sort_key", "cume_dist", "current_catalog", "current_database", "current_date", "current_localtime",
    "current_localtimestamp", "current_role", "current_schema", "current_schemas", "current_user",
    "damerau_levenshtein", "date_add", "date_diff", "date_part", "date_sub", "date_trunc", "datediff", "datepart",
    "datesub", "datetrunc", "day", "dayname", "dayofmonth", "dayofweek", "dayofyear", "days_in_month", "decade",
    "decode", "degrees", "dense_rank", "divide", "editdist3", "element_at", "encode", "ends_with", "entropy",
    "enum_code", "enum_first", "enum_last", "enum_range", "enum_range_boundary", "epoch", "epoch_ms", "epoch_ns",
    "epoch_us", "era", "error", "even", "exp", "factorial", "favg", "fdiv", "fill", "filter", "first", "first_value",
    "flatten", "floor", "fmod", "format", "format_bytes", "format_pg_type", "formatreadabledecimalsize",
    "formatreadablesize", "from_base64", "from_binary", "from_hex", "from_json", "from_json_strict", "fsum", "gamma",
    "gcd", "gen_random_uuid", "generate_series", "generate_subscripts", "geomean", "geometric_mean", "get_bit",
    "get_current_time", "get_current_timestamp", "grade_up", "greatest", "greatest_common_divisor", "group_concat",
    "grouping", "grouping_id", "hamming", "has_any_column_privilege", "has_column_privilege",
    "has_database_privilege", "has_foreign_data_wrapper_privilege", "has_function_privilege",
    "has_language_privilege", "has_schema_privilege", "has_sequence_privilege", "has_server_privilege",
    "has_table_privilege", "has_tablespace_privilege", "hash", "hex", "histogram", "histogram_exact", "hour",
    "icu_sort_key", "ilike_escape", "inet_client_addr", "inet_client_port", "inet_server_addr", "inet_server_port",
    "instr", "is_histogram_other_bin", "isfinite", "isinf", "isnan", "isodow", "isoyear", "jaccard",
    "jaro_similarity", "jaro_winkler_similarity", "json", "json_array", "json_array_length", "json_contains",
    "json_exists", "json_extract", "json_extract_path", "json_extract_path_text", "json_extract_string",
    "json_group_array", "json_group_object", "json_group_structure", "json_keys", "json_merge_patch", "json_object",
    "json_pretty", "json_quote", "json_structure", "json_transform", "json_transform_strict", "json_type",
    "json_valid", "json_value", "julian", "kahan_sum", "kurtosis", "kurtosis_pop", "lag", "last", "last_day",
    "last_value", "lcase", "lcm", "lead", "least", "least_common_multiple", "left", "left_grapheme", "len", "length",
    "length_grapheme", "levenshtein", "lgamma", "like_escape", "list", "list_aggr", "list_aggregate",
    "list_any_value", "list_append", "list_apply", "list_approx_count_distinct", "list_avg", "list_bit_and",
    "list_bit_or", "list_bit_xor", "list_bool_and", "list_bool_or", "list_cat", "list_concat", "list_contains",
    "list_cosine_distance", "list_cosine_similarity", "list_count", "list_distance", "list_distinct",
    "list_dot_product", "list_element", "list_entropy", "list_extract", "list_filter", "list_first", "list_grade_up",
    "list_has", "list_has_all", "list_has_any", "list_histogram", "list_indexof", "list_inner_product",
    "list_intersect", "list_kurtosis", "list_kurtosis_pop", "list_last", "list_mad", "list_max", "list_median",
    "list_min", "list_mode", "list_negative_dot_product", "list_negative_inner_product", "list_pack", "list_position",
    "list_prepend", "list_product", "list_reduce", "list_resize", "list_reverse", "list_reverse_sort", "list_select",
    "list_sem", "list_skewness", "list_slice", "list_sort", "list_stddev_pop", "list_stddev_samp", "list_string_agg",
    "list_sum", "list_transform", "list_unique", "list_value", "list_var_pop", "list_var_samp", "list_where",
    "list_zip", "listagg", "ln", "log", "log10", "log2", "lower", "lpad", "ltrim", "mad", "make_date", "make_time",
    "make_timestamp", "make_timestamp_ms", "make_timestamp_ns", "make_timestamptz", "map", "map_concat",
    "map_contains", "map_contains_entry", "map_contains_value", "map_entries", "map_extract", "map_extract_value",
    "map_from_entries", "map_keys", "map_to_pg_oid", "map_values", "max", "max_by", "md5", "md5_number",
    "md5_number_lower", "md5_number_upper", "mean", "median", "microsecond", "millennium", "millisecond", "min",
    "min_by", "minute", "mismatches", "mod", "mode", "month", "monthname", "multiply", "nanosecond", "nextafter",
    "nfc_normalize", "normalized_interval", "not_ilike_escape", "not_like_escape", "now", "nth_value", "ntile",
    "nullif", "obj_description", "octet_length", "ord", "parse_dirname", "parse_dirpath", "parse_filename",
    "parse_formatted_bytes", "parse_path", "percent_rank", "pg_collation_is_visible", "pg_conf_load_time",
    "pg_conversion_is_visible", "pg_function_is_visible", "pg_get_expr", "pg_has_role", "pg_is_other_temp_schema",
    "pg_my_temp_schema", "pg_opclass_is_visible", "pg_operator_is_visible", "pg_opfamily_is_visible",
    "pg_postmaster_start_time", "pg_size_pretty", "pg_table_is_visible", "pg_ts_config_is_visible",
    "pg_ts_dict_is_visible", "pg_ts_parser_is_visible", "pg_ts_template_is_visible", "pg_type_is_visible",
    "pg_typeof", "pi", "position", "pow", "power", "prefix", "printf", "product", "quantile", "quantile_cont",
    "quantile_disc", "quarter", "radians", "random", "range", "rank", "rank_dense", "reduce", "regexp_escape",
    "regexp_extract", "regexp_extract_all", "regexp_full_match", "regexp_matches", "regexp_replace",
    "regexp_split_to_array", "regexp_split_to_table", "regr_avgx", "regr_avgy", "regr_count", "regr_intercept",
    "regr_r2", "regr_slope", "regr_sxx", "regr_sxy", "regr_syy", "repeat", "replace", "reverse", "right",
    "right_grapheme", "round", "round_even", "roundbankers", "row", "row_number", "row_to_json", "rpad", "rtrim",
    "second", "sem", "session_user", "set_bit", "sha1", "sha256", "shobj_description", "sign", "signbit", "sin",
    "sinh", "skewness", "split", "split_part", "sqrt", "starts_with", "stats", "stddev", "stddev_pop", "stddev_samp",
    "str_split", "str_split_regex", "strftime", "string_agg", "string_split", "string_split_regex", "string_to_array",
    "strip_accents", "strlen", "strpos", "strptime", "struct_concat", "struct_contains", "struct_extract",
    "struct_extract_at", "struct_has", "struct_indexof", "struct_insert", "struct_keys", "struct_pack",
    "struct_position", "struct_update", "struct_values", "substr", "substring", "substring_grapheme", "subtract",
    "suffix", "sum", "sumkahan", "switch", "tan", "tanh", "time_bucket", "timetz_byte_comparable", "timezone",
    "timezone_hour", "timezone_minute", "to_base", "to_base64", "to_binary", "to_centuries", "to_days", "to_decades",
    "to_hex", "to_hours", "to_json", "to_microseconds", "to_millennia", "to_milliseconds", "to_minutes", "to_months",
    "to_quarters", "to_seconds", "to_timestamp", "to_weeks", "to_years", "today", "transaction_timestamp",
    "translate", "trim", "trunc", "try_strptime", "typeof", "ucase", "unbin", "unhex", "unicode", "union_extract",
    "union_tag", "union_value", "unlist", "unnest", "unpivot_list", "upper", "url_decode", "url_encode", "user",
    "uuid", "uuid_extract_timestamp", "uuid_extract_version", "uuidv4", "uuidv7", "var_pop", "var_samp", "variance",
    "version", "wavg", "week", "weekday", "weekofyear", "weighted_avg", "xor", "year", "yearweek", "|", "||", "~",
    "~~", "~~*", "~~~",
};
// clang-format on

// There is one function per language: COLLATE de is icu_collate_de.
constexpr std::string_view kCollationPrefix = "icu_collate_";

struct Refused {
  std::string_view name;
  std::string_view why;
  std::string_view instead = {};
};

constexpr std::string_view kInside = "it shows or changes the inside of the server";
constexpr std::string_view kSqlInside = "it takes SQL that the sandbox has not seen";
constexpr std::string_view kWriteIt = "write the query itself";
constexpr std::string_view kFiles = "it reads files";
constexpr std::string_view kNameTable = "name a table: FROM store.table";
constexpr std::string_view kBytes = "it takes bytes for values of the engine without checking them";
constexpr std::string_view kSequence = "there are no sequences";
constexpr std::string_view kRowNumber = "row_number() OVER (ORDER BY …)";
constexpr std::string_view kHolds = "it holds a thread";
constexpr std::string_view kVariant = "the type VARIANT can bring the engine down";
constexpr std::string_view kUseJson = "the type JSON";
constexpr std::string_view kGeometry = "the type GEOMETRY is not served";
constexpr std::string_view kTypes = "it makes types at run time, which the sandbox cannot see";
constexpr std::string_view kCast = "CAST(value AS type), typeof(value)";

// Functions of the library that are not allowed, with the reason for the error message.
constexpr auto kRefused = std::to_array<Refused>({
    {"combine", kBytes},
    {"current_connection_id", kInside},
    {"current_query", kInside},
    {"current_query_id", kInside},
    {"current_setting", kInside},
    {"current_transaction_id", kInside},
    {"currval", kSequence, kRowNumber},
    // A width that rounds to zero invalidates the engine, and the time grows with the square of the bins.
    {"equi_width_bins", "its arguments can bring the engine down", "range(low, high, step), histogram(value)"},
    {"finalize", kBytes},
    {"format_type", kInside, "typeof(value)"},
    {"get_block_size", kInside},
    {"get_type", kTypes, kCast},
    {"getenv", kInside},
    {"getvariable", kInside, "a parameter: $name"},
    {"histogram_values", kSqlInside, "histogram(value)"},
    {"in_search_path", kInside},
    {"json_deserialize_sql", kSqlInside, kWriteIt},
    {"json_execute_serialized_sql", kSqlInside, kWriteIt},
    {"json_serialize_plan", kSqlInside, "EXPLAIN"},
    {"json_serialize_sql", kSqlInside, "EXPLAIN"},
    {"make_type", kTypes, kCast},
    {"nextval", kSequence, kRowNumber},
    {"parse_duckdb_log_message", kInside},
    {"pg_get_constraintdef", kInside, "DESCRIBE"},
    {"pg_get_viewdef", kInside, "DESCRIBE"},
    {"pg_sleep", kHolds},
    {"query", kSqlInside, kWriteIt},
    {"query_table", kSqlInside, kNameTable},
    {"read_blob", kFiles, kNameTable},
    {"read_text", kFiles, kNameTable},
    {"remap_struct", kInside, "struct_pack, struct_update, CAST"},
    {"replace_type", kTypes, kCast},
    // It trusts its quantile and its sample size. NaN reads beyond its samples, and other values invalidate the engine.
    {"reservoir_quantile", "its arguments can bring the engine down", "approx_quantile, quantile_cont, quantile_disc"},
    {"setseed", kInside, "hash(value) in place of random()"},
    {"sleep_ms", kHolds},
    {"st_asbinary", kGeometry},
    {"st_astext", kGeometry},
    {"st_aswkb", kGeometry},
    {"st_aswkt", kGeometry},
    {"st_crs", kGeometry},
    {"st_geomfromwkb", kGeometry},
    {"st_intersects_extent", kGeometry},
    {"st_setcrs", kGeometry},
    {"sum_no_overflow", kInside, "sum(value)"},
    {"txid_current", kInside},
    {"variant_bytes_to_variant", kVariant, kUseJson},
    {"variant_extract", kVariant, "json_extract"},
    {"variant_normalize", kVariant, kUseJson},
    {"variant_to_parquet_variant", kVariant, kUseJson},
    {"variant_typeof", kVariant, "json_type"},
    {"vector_type", kInside},
    {"write_log", kInside},
});
// The optimiser's own functions, which trust their arguments.
constexpr std::string_view kInternalPrefix = "__internal_";

// Allowed functions whose value depends on more than their arguments. They were reviewed against the library's own
// marks, which miss age and the local times. A macro is on the list if it calls one of them.
constexpr std::array<std::string_view, 28> kVaryingFunctions = {"age",
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
                                                                "stats",
                                                                "today",
                                                                "transaction_timestamp",
                                                                "uuid",
                                                                "uuidv4",
                                                                "uuidv7"};

static_assert(std::ranges::is_sorted(kTableFunctions));
static_assert(std::ranges::is_sorted(kFunctions));
static_assert(std::ranges::is_sorted(kVaryingFunctions));

bool Contains(const auto& names, std::string_view name) { return std::ranges::binary_search(names, name); }

constexpr size_t kCandidatesMax = 3;
constexpr double kLikenessMin = 0.7;
constexpr size_t kNameBytesMax = 100;  // a longer name takes long to compare, and resembles none

// "did you mean …", with allowed names that resemble this one; empty if there are none.
std::string Nearest(const std::string& name) {
  if (name.size() > kNameBytesMax) return "";
  const duckdb::vector<std::string> all(kFunctions.begin(), kFunctions.end());
  const auto nearest = duckdb::StringUtil::TopNJaroWinkler(all, name, kCandidatesMax, kLikenessMin);
  return nearest.empty() ? "" : "did you mean: " + duckdb::StringUtil::Join(nearest, ", ");
}

Error Refuse(const std::string& name, const std::string& lower) {
  const auto refused = std::ranges::find(kRefused, std::string_view(lower), &Refused::name);
  const bool is_internal = lower.starts_with(kInternalPrefix);
  if (refused == kRefused.end() && !is_internal) {
    Error error = Error(ErrorCode::kInvalidArgument, fmt::format("there is no function {}", name));
    error = std::move(error).WithReason(Reason::kUnknownFunction).With("name", name);
    const std::string hint = Nearest(lower);
    return hint.empty() ? error : std::move(error).With("hint", hint);
  }
  const std::string_view why = is_internal ? kInside : refused->why;
  Error error = Error(ErrorCode::kPermissionDenied, fmt::format("the function {} is not allowed: {}", name, why))
                    .WithReason(Reason::kSqlNotAllowed)
                    .With("name", name);
  if (is_internal || refused->instead.empty()) return error;
  return std::move(error).With("hint", fmt::format("use {}", refused->instead));
}

// The allowed types of values. Not allowed are VARIANT, whose comparison writes out of bounds; BIGNUM, whose conversion
// time grows with the square of the digits; GEOMETRY, which no table has; TYPE and states of aggregates, which are
// internal to the engine.
bool IsAllowedType(LogicalTypeId id) {
  switch (id) {
    case LogicalTypeId::SQLNULL:
    case LogicalTypeId::UNKNOWN:  // a parameter without a value yet
    case LogicalTypeId::ANY:
    case LogicalTypeId::UNBOUND:  // has only a name
    case LogicalTypeId::BOOLEAN:
    case LogicalTypeId::TINYINT:
    case LogicalTypeId::SMALLINT:
    case LogicalTypeId::INTEGER:
    case LogicalTypeId::BIGINT:
    case LogicalTypeId::HUGEINT:
    case LogicalTypeId::UTINYINT:
    case LogicalTypeId::USMALLINT:
    case LogicalTypeId::UINTEGER:
    case LogicalTypeId::UBIGINT:
    case LogicalTypeId::UHUGEINT:
    case LogicalTypeId::INTEGER_LITERAL:
    case LogicalTypeId::FLOAT:
    case LogicalTypeId::DOUBLE:
    case LogicalTypeId::DECIMAL:
    case LogicalTypeId::DATE:
    case LogicalTypeId::TIME:
    case LogicalTypeId::TIME_NS:
    case LogicalTypeId::TIME_TZ:
    case LogicalTypeId::TIMESTAMP:
    case LogicalTypeId::TIMESTAMP_SEC:
    case LogicalTypeId::TIMESTAMP_MS:
    case LogicalTypeId::TIMESTAMP_NS:
    case LogicalTypeId::TIMESTAMP_TZ:
    case LogicalTypeId::INTERVAL:
    case LogicalTypeId::CHAR:
    case LogicalTypeId::VARCHAR:
    case LogicalTypeId::STRING_LITERAL:
    case LogicalTypeId::BLOB:
    case LogicalTypeId::BIT:
    case LogicalTypeId::UUID:
    case LogicalTypeId::ENUM:
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::LIST:
    case LogicalTypeId::ARRAY:
    case LogicalTypeId::MAP:
    case LogicalTypeId::UNION:
    case LogicalTypeId::LAMBDA: return true;
    default: return false;
  }
}

Error RefuseType(const std::string& name) {
  Error error = Error(ErrorCode::kPermissionDenied, fmt::format("the type {} is not allowed", name));
  return std::move(error)
      .WithReason(Reason::kSqlNotAllowed)
      .With("name", name)
      .With("hint", "use JSON, VARCHAR or DECIMAL");
}

}  // namespace

Result<void> CheckFunction(const std::string& name) {
  const std::string lower = duckdb::StringUtil::Lower(name);
  if (Contains(kFunctions, lower) || lower.starts_with(kCollationPrefix)) return {};
  return Refuse(name, lower);
}

Result<void> CheckTableFunction(const std::string& name) {
  if (Contains(kTableFunctions, duckdb::StringUtil::Lower(name))) return {};
  return Error(ErrorCode::kPermissionDenied, fmt::format("the table function {} is not allowed", name))
      .WithReason(Reason::kSqlNotAllowed)
      .With("name", name)
      .With("hint", fmt::format("{}, or one of {}", kNameTable, fmt::join(kTableFunctions, ", ")));
}

Result<void> CheckType(const duckdb::LogicalType& type) {
  if (!IsAllowedType(type.id())) return RefuseType(duckdb::LogicalTypeIdToString(type.id()));
  switch (type.id()) {
    case LogicalTypeId::STRUCT:
    case LogicalTypeId::UNION:
      for (const auto& [_, child] : duckdb::StructType::GetChildTypes(type)) TRY(CheckType(child));
      return {};
    case LogicalTypeId::LIST: return CheckType(duckdb::ListType::GetChildType(type));
    case LogicalTypeId::ARRAY: return CheckType(duckdb::ArrayType::GetChildType(type));
    case LogicalTypeId::MAP:
      TRY(CheckType(duckdb::MapType::KeyType(type)));
      return CheckType(duckdb::MapType::ValueType(type));
    default: return {};
  }
}

Result<void> CheckTypeName(const std::string& name) {
  const LogicalTypeId id = duckdb::TransformStringToLogicalTypeId(name);
  // A name that is not a type of the library is left to the binder.
  if (IsAllowedType(id) || id == LogicalTypeId::INVALID || id == LogicalTypeId::UNBOUND) return {};
  return RefuseType(name);
}

bool IsVaryingFunction(const std::string& name) { return Contains(kVaryingFunctions, duckdb::StringUtil::Lower(name)); }

}  // namespace yummy::duck
